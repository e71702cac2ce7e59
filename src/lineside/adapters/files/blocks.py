"""Blocks of consecutive rows of a table, whatever its format: columns by name, read by the intake rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lineside.domain.intake.reasons import Reason, Refusal, refuse
from lineside.domain.intake.times import UTC, Format, Zone, read_local_column, read_time, read_time_column
from lineside.domain.intake.values import check_numbers, read_number, read_number_column, read_text, read_text_column
from lineside.domain.readings import Float64, Int64
from lineside.domain.tabular import Cells


@dataclass(frozen=True, slots=True)
class TimeForm:
    """How a source writes its times: the zone of those that carry none, and their format where one is declared."""

    zone: Zone
    form: Format | None


class Block(Protocol):
    """Rows of a table. ``numbers[i]`` is the number of row ``i`` in its file, from 1; refusals are by ``i``.

    ``end`` is the number of the last row that was read for the block, be it in the block or refused before.
    """

    @property
    def end(self) -> int:
        """The number of the last row that was read for the block."""

    @property
    def numbers(self) -> Int64:
        """The number of each row in its file."""

    @property
    def names(self) -> Sequence[str]:
        """The names of the columns."""

    def times(self, name: str, form: TimeForm, now: int) -> tuple[Int64, dict[int, Refusal]]:
        """Return a column as UTC nanoseconds."""

    def values(self, name: str, *, decimal: str, boolean: bool) -> tuple[Float64, dict[int, Refusal]]:
        """Return a column as numbers; empty cells and refused ones are NaN."""

    def status(self, name: str) -> Int64 | None:
        """Return the status of a column's values, as OPC UA status codes; None where the format has none."""

    def texts(self, name: str) -> tuple[list[str | None], dict[int, Refusal]]:
        """Return a column as texts; empty cells and refused ones are None."""

    def raw(self, row: int) -> bytes:
        """Return a row as it stands in the file, or in a readable form."""

    def take(self, rows: Int64) -> Block:
        """Return some of the rows, in order."""


@dataclass(frozen=True, slots=True)
class CsvBlock:
    """Rows of a CSV file: their cells, and the lines that they come from."""

    names: tuple[str, ...]
    numbers: Int64
    end: int
    cells: Cells
    lines: Sequence[bytes]
    thousands: str = ""

    def times(self, name: str, form: TimeForm, now: int) -> tuple[Int64, dict[int, Refusal]]:
        """Return a column as UTC nanoseconds."""
        return read_time_column(self._column(name), now=now, zone=form.zone, form=form.form)

    def values(self, name: str, *, decimal: str, boolean: bool) -> tuple[Float64, dict[int, Refusal]]:
        """Return a column as numbers; empty cells and refused ones are NaN."""
        cells, grouped = self._column(name), self.cells.grouped
        return read_number_column(cells, decimal=decimal, boolean=boolean, grouped=grouped, thousands=self.thousands)

    def status(self, name: str) -> None:
        """Return None: all values are good."""

    def texts(self, name: str) -> tuple[list[str | None], dict[int, Refusal]]:
        """Return a column as texts; empty cells and refused ones are None."""
        return read_text_column(self._column(name))

    def raw(self, row: int) -> bytes:
        """Return the line of a row."""
        return self.lines[self.cells.lines[row]]

    def take(self, rows: Int64) -> CsvBlock:
        """Return some of the rows, in order."""
        width, flat = self.cells.width, self.cells.flat
        chosen = rows.tolist()
        cells = [cell for row in chosen for cell in flat[row * width : (row + 1) * width]]
        lines = tuple(self.cells.lines[row] for row in chosen)
        kept = Cells(width, lines, cells, self.cells.grouped)
        return CsvBlock(self.names, self.numbers[rows], self.end, kept, self.lines, self.thousands)

    def _column(self, name: str) -> Sequence[bytes]:
        return self.cells.column(self.names.index(name))


@dataclass(frozen=True, slots=True)
class ArrowBlock:
    """Rows of a Parquet file, as an Arrow record batch."""

    numbers: Int64
    end: int
    batch: Any
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Take the names from the batch."""
        object.__setattr__(self, "names", tuple(self.batch.schema.names))

    def times(self, name: str, form: TimeForm, now: int) -> tuple[Int64, dict[int, Refusal]]:
        """Return a column as UTC nanoseconds; timestamps without a zone are local to the source's."""
        column = self.batch.column(name)
        if not str(column.type).startswith(("timestamp", "date")):
            return _times(column.to_pylist(), form, now)
        zone = UTC if "tz=" in str(column.type) else form.zone
        local = column.to_numpy(zero_copy_only=False).astype("datetime64[ns]")
        times, refusals = read_local_column(local.astype(np.int64), now=now, zone=zone)
        return times, refusals | dict.fromkeys(np.flatnonzero(np.isnat(local)).tolist(), refuse(Reason.TIME_MISSING))

    def values(self, name: str, *, decimal: str, boolean: bool) -> tuple[Float64, dict[int, Refusal]]:
        """Return a column as numbers; nulls and refused ones are NaN."""
        column = self.batch.column(name)
        valid = column.is_valid().to_numpy(zero_copy_only=False)
        if str(column.type) in _NUMERIC:
            values, refusals = check_numbers(column.to_numpy(zero_copy_only=False))
            return values, {row: why for row, why in refusals.items() if valid[row]}
        return numbers_of(column.to_pylist(), decimal, boolean=boolean)

    def status(self, name: str) -> None:
        """Return None: all values are good."""

    def texts(self, name: str) -> tuple[list[str | None], dict[int, Refusal]]:
        """Return a column as texts; nulls and refused ones are None."""
        refusals: dict[int, Refusal] = {}
        texts: list[str | None] = []
        for row, cell in enumerate(self.batch.column(name).to_pylist()):
            text = None if cell is None else read_text(cell)
            if isinstance(text, Refusal):
                refusals[row], text = text, None
            texts.append(text)
        return texts, refusals

    def raw(self, row: int) -> bytes:
        """Return the row as Python shows it."""
        return repr(self.batch.slice(row, 1).to_pylist()[0]).encode(errors="backslashreplace")

    def take(self, rows: Int64) -> ArrowBlock:
        """Return some of the rows, in order."""
        return ArrowBlock(self.numbers[rows], self.end, self.batch.take(rows))


_NUMERIC = frozenset(
    {"double", "float", "halffloat", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))}
)


def numbers_of(cells: Sequence[object], decimal: str, *, boolean: bool) -> tuple[Float64, dict[int, Refusal]]:
    """Return cells of any type as numbers; empty ones and refused ones are NaN."""
    values: NDArray[np.float64] = np.full(len(cells), np.nan)
    refusals: dict[int, Refusal] = {}
    for row, cell in enumerate(cells):
        if cell is None or cell == "":
            continue
        number = read_number(cell, decimal=decimal, boolean=boolean)
        if isinstance(number, Refusal):
            refusals[row] = number
        else:
            values[row] = number
    return values, refusals


def _times(cells: Sequence[object], form: TimeForm, now: int) -> tuple[Int64, dict[int, Refusal]]:
    times = np.zeros(len(cells), dtype=np.int64)
    refusals: dict[int, Refusal] = {}
    for row, cell in enumerate(cells):
        moment = read_time(cell, now=now, zone=form.zone, form=form.form)
        if isinstance(moment, Refusal):
            refusals[row] = moment
        else:
            times[row] = moment
    return times, refusals
