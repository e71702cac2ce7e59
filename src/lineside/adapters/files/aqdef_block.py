"""AQDEF files as blocks: a row per value set, with columns by K-field and by name of characteristic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from lineside.adapters.files.blocks import TimeForm
from lineside.domain.aqdef import AqdefReader, Description, ValueSet, sets_in
from lineside.domain.aqdef.meaning import number_of, time_of
from lineside.domain.intake.reasons import Refusal
from lineside.domain.intake.values import read_number, read_text
from lineside.domain.readings import Float64, Int64

TIME: Final = "K0004"
OF_VALUES: Final = tuple(
    f"K{number:04}" for number in (2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 17, 20, 21, 53, 80, 81)
)
"""Fields of a value set that can be addressed as columns, beside those of its part (K1xxx)."""
_CHUNK: Final = 262_144


@dataclass(frozen=True, slots=True)
class AqdefBlock:
    """Some value sets of a file; ``columns`` says which characteristics a name means, through all parts."""

    numbers: Int64
    end: int
    sets: Sequence[ValueSet]
    description: Description
    columns: dict[str, tuple[int, ...]]
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Name the columns."""
        parts = sorted({key for fields in self.description.parts.values() for key in fields})
        object.__setattr__(self, "names", (*OF_VALUES, *parts, *self.columns))

    def times(self, name: str, form: TimeForm, now: int) -> tuple[Int64, dict[int, Refusal]]:
        """Return K0004, local to the source's zone, as UTC nanoseconds."""
        times = np.zeros(len(self.sets), dtype=np.int64)
        refusals: dict[int, Refusal] = {}
        for row, found in enumerate(self.sets):
            moment = time_of(found.first(name or TIME), form.zone, now)
            if isinstance(moment, Refusal):
                refusals[row] = moment
            else:
                times[row] = moment
        return times, refusals

    def values(self, name: str, *, decimal: str, boolean: bool) -> tuple[Float64, dict[int, Refusal]]:
        """Return the values of a characteristic, or a K-field as numbers; NaN where there are none."""
        values = np.full(len(self.sets), np.nan)
        refusals: dict[int, Refusal] = {}
        for row, found in enumerate(self.sets):
            value = self._number(found, name, decimal, boolean=boolean)
            if isinstance(value, Refusal):
                refusals[row] = value
            elif value is not None:
                values[row] = value
        return values, refusals

    def status(self, name: str) -> Int64:
        """Return what K0002 says of a column's values, as OPC UA status codes."""
        status = np.zeros(len(self.sets), dtype=np.int64)
        for row, found in enumerate(self.sets):
            fields = self._fields(found, name)
            read = number_of(fields) if fields else None
            if isinstance(read, tuple):
                status[row] = read[1]
        return status

    def texts(self, name: str) -> tuple[list[str | None], dict[int, Refusal]]:
        """Return a K-field, or the values of a characteristic as they are written."""
        texts: list[str | None] = []
        refusals: dict[int, Refusal] = {}
        for row, found in enumerate(self.sets):
            fields = self._fields(found, name)
            text = read_text(fields.get("K0001", "") if fields else self._text(found, name))
            if isinstance(text, Refusal):
                refusals[row], text = text, ""
            texts.append(text or None)
        return texts, refusals

    def raw(self, row: int) -> bytes:
        """Return a set in a readable form; it holds no inspector."""
        found = self.sets[row]
        said = [
            f"{key}/{index} {text}"
            for index, fields in found.values.items()
            for key, text in fields.items()
            if key != "K0008"
        ]
        return "; ".join(said).encode(errors="backslashreplace")

    def take(self, rows: Int64) -> AqdefBlock:
        """Return some of the rows, in order."""
        chosen = [self.sets[row] for row in rows.tolist()]
        return AqdefBlock(self.numbers[rows], self.end, chosen, self.description, self.columns)

    def _fields(self, found: ValueSet, name: str) -> dict[str, str]:
        index = next((index for index in self.columns.get(name, ()) if index in found.values), None)
        return {} if index is None else dict(found.values[index])

    def _text(self, found: ValueSet, name: str) -> str:
        if name.startswith("K1"):
            return self.description.part(found.part).fields.get(name, "")
        return found.first(name) if name in OF_VALUES else ""

    def _number(self, found: ValueSet, name: str, decimal: str, *, boolean: bool) -> float | Refusal | None:
        fields = self._fields(found, name)
        if not fields:
            text = self._text(found, name)
            return read_number(text, decimal=decimal, boolean=boolean) if text else None
        read = number_of(fields)
        return read[0] if isinstance(read, tuple) else read


def read_sets(path: Path, description: Path | None, reader: AqdefReader, encoding: str) -> Iterator[ValueSet | Refusal]:
    """Yield the value sets of a file, behind its description where that is a file of its own."""
    for file in (description, path):
        if file is not None:
            with file.open("rb") as source:
                yield from sets_in(iter(lambda: source.read(_CHUNK), b""), reader, encoding)
