"""Read one file, whatever its form, into a table."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from lineside.adapters.tables.aqdef import read_aqdef
from lineside.adapters.tables.columns import to_column
from lineside.adapters.tables.csv_rows import CsvRows, read_rows
from lineside.adapters.tables.parquet import read_parquet
from lineside.adapters.tables.times import TimeOptions, find_time_column, parse_times
from lineside.domain.errors import DataError
from lineside.domain.quarantine import RAW_LIMIT
from lineside.domain.tables import NO_TIME, BadCell, RejectedRow, Table, TableForm
from lineside.domain.tabular import CsvOptions

PARQUET: Final = (".parquet", ".pq")
CSV: Final = (".csv", ".tsv", ".txt")
AQDEF: Final = (".dfq", ".dfx")
_NO_TIME_COLUMN: Final = TimeOptions(column="")
_FOUND_OUT: Final = CsvOptions()


def read_table(
    path: Path,
    *,
    time: TimeOptions = _NO_TIME_COLUMN,
    csv: CsvOptions = _FOUND_OUT,
    as_text: Collection[str] = (),
    tolerant: bool = True,
) -> Table:
    """Read a file by its suffix: .parquet and .pq are Parquet, .dfq and .dfx are AQDEF, all else CSV.

    Args:
        path: the file.
        time: the column of times, its format and zone; ``column=None``: found out, ``""`` (the default): none.
        csv: delimiter, decimal sign and header; empty ones are found out.
        as_text: columns that stay text even if they look like numbers, such as serial numbers.
        tolerant: keep rows that do not fit as ``rejected``; otherwise the first of them raises.

    Raises:
        DataError: the file cannot be read at all, has no rows of one form, lacks the time column, or (not
            tolerant) has a row or a cell that does not fit.
        ConfigurationError: it is Parquet and pyarrow is not installed.
    """
    suffix = path.suffix.lower()
    if suffix in AQDEF:
        table = read_aqdef(path, time)
    else:
        table = read_parquet(path, time, as_text) if suffix in PARQUET else _read_csv(path, time, csv, as_text)
    if not tolerant:
        _refuse_leftovers(table)
    return table


def table_files(path: Path) -> tuple[Path, ...]:
    """Return the file itself, or the table files below a folder, sorted by path.

    Raises:
        DataError: there is no such file, or no table below the folder.
    """
    if path.is_file():
        return (path,)
    known = CSV + PARQUET + AQDEF
    files = tuple(sorted(item for item in path.rglob("*") if item.suffix.lower() in known and item.is_file()))
    if not files:
        raise DataError("no table here", where=str(path), choices=[f"*{suffix}" for suffix in known])
    return files


def _read_csv(path: Path, time: TimeOptions, options: CsvOptions, as_text: Collection[str]) -> Table:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=str(path)) from error
    try:
        rows = read_rows(data, options)
    except DataError as error:
        raise DataError(error.problem, where=path.name, value=error.value) from error
    cells = dict(zip(rows.names, rows.cells, strict=True))
    column = find_time_column(cells) if time.column is None else time.column
    table = Table(
        name=path.name,
        columns={},
        rows=np.array(rows.lines, dtype=np.int64),
        rejected=tuple(rows.rejected),
        form=TableForm(
            kind="csv", encoding=rows.encoding, delimiter=rows.delimiter, decimal=rows.decimal, header=rows.header
        ),
    )
    if column:
        table, cells = _with_times(table, cells, column, time, rows)
    return _with_columns(table, cells, as_text)


def _with_times(
    table: Table, cells: dict[str, list[str]], column: str, time: TimeOptions, rows: CsvRows
) -> tuple[Table, dict[str, list[str]]]:
    """Take the column of times out of the cells; rows whose time cannot be read become rejected."""
    if column not in cells:
        raise DataError("no such column for the time", where=table.name, field=column, choices=rows.names)
    parsed = parse_times(cells.pop(column), time, where=table.name, field=column)
    bad = np.flatnonzero(parsed.values == NO_TIME)
    rejected = [
        RejectedRow(row=rows.lines[i], raw=rows.raw[i][:RAW_LIMIT], reason=f"time: {parsed.problem(i)}")
        for i in bad.tolist()
    ]
    keep = parsed.values != NO_TIME
    if rejected:
        kept = np.flatnonzero(keep).tolist()
        cells = {name: [column_cells[i] for i in kept] for name, column_cells in cells.items()}
    return replace(
        table,
        rows=table.rows[keep],
        times=parsed.values[keep],
        rejected=tuple(sorted((*table.rejected, *rejected), key=lambda item: item.row)),
        form=replace(table.form, time_column=column, time_format=parsed.format),
    ), cells


def _with_columns(table: Table, cells: dict[str, list[str]], as_text: Collection[str]) -> Table:
    bad: list[BadCell] = []
    columns = {}
    for name, column_cells in cells.items():
        columns[name], wrong = to_column(column_cells, table.form.decimal, as_text=name in as_text)
        bad += [BadCell(row=int(table.rows[i]), column=name, raw=column_cells[i][:RAW_LIMIT]) for i in wrong]
    return replace(table, columns=columns, bad_cells=tuple(bad))


def _refuse_leftovers(table: Table) -> None:
    if table.rejected:
        first = table.rejected[0]
        raise DataError(first.reason, where=f"{table.name}:{first.row}", value=first.raw.decode("utf-8", "replace"))
    if table.bad_cells:
        cell = table.bad_cells[0]
        raise DataError("not a number", where=f"{table.name}:{cell.row}", field=cell.column, value=cell.raw)
