"""AQDEF files as blocks: a row per value set, with columns by K-field and by name of characteristic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from lineside.adapters.files.blocks import TimeForm
from lineside.adapters.files.blocks import numbers_of as cells_to_numbers
from lineside.domain.aqdef import AqdefReader, Description, ValueSet, sets_in
from lineside.domain.aqdef.meaning import numbers_of, time_of
from lineside.domain.intake.reasons import Refusal
from lineside.domain.intake.values import read_text
from lineside.domain.readings import Float64, Int64

TIME: Final = "K0004"
OF_VALUES: Final = tuple(
    f"K{number:04}" for number in (2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 17, 20, 21, 53, 80, 81)
)
"""Fields of a value set that can be addressed as columns, beside those of its part (K1xxx)."""
_CHUNK: Final = 262_144
_NO_FIELDS: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class AqdefBlock:
    """Some value sets of a file; ``columns`` says which characteristics a name means, through all parts."""

    numbers: Int64
    end: int
    sets: Sequence[ValueSet]
    description: Description
    columns: dict[str, tuple[int, ...]]
    names: tuple[str, ...] = field(init=False)
    read: dict[str, tuple[Float64, Int64, dict[int, Refusal]]] = field(default_factory=dict, init=False)

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
        if name in self.columns:
            values, _, refusals = self._measured(name)
            return values, refusals
        return cells_to_numbers([self._text(found, name) for found in self.sets], decimal, boolean=boolean)

    def status(self, name: str) -> Int64 | None:
        """Return what K0002 says of a column's values, as OPC UA status codes."""
        return self._measured(name)[1] if name in self.columns else None

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

    def _measured(self, name: str) -> tuple[Float64, Int64, dict[int, Refusal]]:
        if name not in self.read:
            self.read[name] = numbers_of([self._fields(found, name) for found in self.sets])
        return self.read[name]

    def _fields(self, found: ValueSet, name: str) -> Mapping[str, str]:
        for index in self.columns.get(name, ()):
            if index in found.values:
                return found.values[index]
        return _NO_FIELDS

    def _text(self, found: ValueSet, name: str) -> str:
        if name.startswith("K1"):
            return self.description.part(found.part).fields.get(name, "")
        return found.first(name) if name in OF_VALUES else ""


def read_sets(path: Path, description: Path | None, reader: AqdefReader, encoding: str) -> Iterator[ValueSet | Refusal]:
    """Yield the value sets of a file, behind its description where that is a file of its own."""
    for file in (description, path):
        if file is not None:
            with file.open("rb") as source:
                yield from sets_in(iter(lambda: source.read(_CHUNK), b""), reader, encoding)
