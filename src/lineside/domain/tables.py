"""A table that others sent: named columns in memory, and all that could not be taken into them.

Files of plants are rarely clean. What reads them (`lineside.adapters.tables`) drops nothing in silence: a row that
does not fit is in ``rejected`` with its raw bytes, a cell that is no number in ``bad_cells``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.errors import DataError

Numbers = NDArray[np.float64]
Texts = NDArray[np.object_]
Int64 = NDArray[np.int64]

NO_TIME: Final = np.iinfo(np.int64).min
"""Stands in a column of times where there is none (the same integer as numpy's NaT)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RejectedRow:
    """A row that does not have the form of its table; ``row`` as in `Table`, ``raw`` its first bytes."""

    row: int
    raw: bytes
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BadCell:
    """A cell of a column of numbers that is no finite number; the column holds NaN in its place."""

    row: int
    column: str
    raw: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TableForm:
    """How a file was understood; what was given is repeated, what was empty was found out."""

    kind: str
    encoding: str = ""
    delimiter: str = ""
    decimal: str = "."
    header: bool = True
    time_column: str = ""
    time_format: str = ""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Table:
    """Columns of equal length ``n``, in the order of the file.

    Attributes:
        name: the file's name, for messages.
        columns: float64 where the column is numeric (always finite, NaN for nothing), else objects: ``str`` or None.
        rows: where each row stands in the file: the line (from 1, the header counted), in Parquet the row (from 1).
        times: UTC nanoseconds of each row, or None where the table has no time; its column is not in ``columns``.
        rejected: the rows that were not taken, ascending by row.
        bad_cells: the cells that were not taken, column by column.
        form: how the file was understood.
    """

    name: str
    columns: Mapping[str, NDArray[Any]]
    rows: Int64
    times: Int64 | None = None
    rejected: tuple[RejectedRow, ...] = ()
    bad_cells: tuple[BadCell, ...] = ()
    form: TableForm

    def __post_init__(self) -> None:
        """Refuse columns of unequal length."""
        lengths = {len(column) for column in self.columns.values()} | {len(self.rows)}
        if self.times is not None:
            lengths.add(len(self.times))
        if len(lengths) > 1:
            raise ValueError(f"columns of unequal length: {sorted(lengths)}")

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(self.columns)

    def is_numeric(self, column: str) -> bool:
        """Return whether a column holds numbers."""
        return self._column(column).dtype == np.float64

    def numbers(self, column: str) -> Numbers:
        """Return a column of numbers.

        Raises:
            DataError: there is no such column, or it holds text.
        """
        found = self._column(column)
        if found.dtype != np.float64:
            raise DataError(
                "this column holds text where numbers are needed",
                where=self.name,
                field=column,
                value=next((cell for cell in found if cell is not None), None),
                next_step="correct the file, or name another column",
            )
        return found

    def texts(self, column: str) -> Texts:
        """Return a column as text (``str`` or None); a whole number is written without a decimal point.

        Raises:
            DataError: there is no such column.
        """
        found = self._column(column)
        if found.dtype != np.float64:
            return found
        return np.array([None if np.isnan(cell) else format_number(float(cell)) for cell in found], dtype=np.object_)

    def _column(self, column: str) -> NDArray[Any]:
        if column not in self.columns:
            raise DataError("no such column", where=self.name, field=column, choices=self.names)
        return self.columns[column]


def format_number(number: float) -> str:
    """Return a number as people write it: whole ones without a point, others as short as they can be read back."""
    return str(int(number)) if number.is_integer() and abs(number) < 2**53 else repr(number)
