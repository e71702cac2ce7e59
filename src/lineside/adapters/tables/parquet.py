"""Parquet files, by pyarrow, which the plant's install brings."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineside.adapters.tables.times import TIME_WORDS, TimeOptions, find_time_column, parse_times
from lineside.domain.errors import ConfigurationError, DataError
from lineside.domain.quarantine import RAW_LIMIT
from lineside.domain.tables import NO_TIME, BadCell, Int64, RejectedRow, Table, TableForm


def read_parquet(path: Path, time: TimeOptions, as_text: Collection[str]) -> Table:
    """Read a Parquet file.

    Raises:
        ConfigurationError: pyarrow is not installed.
        DataError: it is not a Parquet file, or lacks the time column.
    """
    columns, size = _load(path)
    column = _time_column(columns) if time.column is None else time.column
    times: Int64 | None = None
    keep = np.ones(size, dtype=np.bool_)
    rejected: tuple[RejectedRow, ...] = ()
    if column:
        if column not in columns:
            raise DataError("no such column for the time", where=path.name, field=column, choices=tuple(columns))
        times, rejected = _times(columns.pop(column), time, path.name, column)
        keep = times != NO_TIME
        times = times[keep]
    taken: dict[str, NDArray[Any]] = {}
    bad: list[BadCell] = []
    for name, data in columns.items():
        taken[name], wrong = _column(data, name in as_text)
        bad += [BadCell(row=i + 1, column=name, raw=str(data[i])) for i in wrong.tolist() if keep[i]]
    return Table(
        name=path.name,
        columns={name: values[keep] for name, values in taken.items()},
        rows=np.arange(1, size + 1, dtype=np.int64)[keep],
        times=times,
        rejected=rejected,
        bad_cells=tuple(bad),
        form=TableForm(kind="parquet", time_column=column),
    )


def _load(path: Path) -> tuple[dict[str, Any], int]:
    """Return the columns as Arrow's chunked arrays, and their length."""
    try:
        import pyarrow as pa  # noqa: PLC0415 (171 MB that the gateway does without)
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError(
            "reading Parquet needs pyarrow", where=path.name, next_step="pip install 'lineside[plant]'"
        ) from error
    try:
        arrow = pq.ParquetFile(path).read()
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"cannot be read as Parquet: {str(error)[:200]}", where=str(path)) from error
    return dict(zip(_unique(arrow.column_names), arrow.columns, strict=True)), arrow.num_rows


def _unique(names: list[str]) -> list[str]:
    """Return the names with repeated ones numbered, as Parquet allows them."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return result


def _time_column(columns: dict[str, Any]) -> str:
    """Return the first column of the type timestamp, or else one that reads like times, or ``""``."""
    import pyarrow as pa  # noqa: PLC0415

    for name, data in columns.items():
        if pa.types.is_timestamp(data.type):
            return name
    candidates = {
        name: [str(cell) for cell in data[:2000].to_pylist()]
        for name, data in columns.items()
        if pa.types.is_string(data.type) or (pa.types.is_integer(data.type) and TIME_WORDS.search(name))
    }
    return find_time_column(candidates)


def _times(data: Any, time: TimeOptions, where: str, field: str) -> tuple[Int64, tuple[RejectedRow, ...]]:
    """Return UTC nanoseconds, and the rows that have none."""
    import pyarrow as pa  # noqa: PLC0415

    if pa.types.is_timestamp(data.type) and data.type.tz is not None:
        try:
            whole = data.cast(pa.timestamp("ns", tz="UTC")).cast(pa.int64())
        except pa.ArrowInvalid as error:
            raise DataError(f"times that nanoseconds cannot hold: {error}", where=where, field=field) from error
        values = whole.fill_null(NO_TIME).to_numpy().astype(np.int64)
        problems = dict.fromkeys(np.flatnonzero(values == NO_TIME).tolist(), "empty")
    else:
        parsed = parse_times(
            ["" if cell is None else str(cell) for cell in _cells(data)], time, where=where, field=field
        )
        values, problems = parsed.values, dict(parsed.problems)
    rejected = [
        RejectedRow(row=i + 1, raw=str(data[i]).encode("utf-8", "replace")[:RAW_LIMIT], reason=f"time: {problem}")
        for i, problem in problems.items()
    ]
    return values, tuple(rejected)


def _cells(data: Any) -> list[Any]:
    """Return the cells of a column of times without a zone; timestamps as ISO 8601."""
    import pyarrow as pa  # noqa: PLC0415

    if pa.types.is_timestamp(data.type):
        data = data.cast(pa.timestamp("ns")).cast(pa.string())
    cells: list[Any] = data.to_pylist()
    return cells


def _column(data: Any, as_text: bool) -> tuple[NDArray[Any], NDArray[np.int64]]:  # noqa: FBT001 (says how)
    """Return float64 or text, and the indices of cells that are no finite numbers."""
    import pyarrow as pa  # noqa: PLC0415

    kind = data.type
    numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if pa.types.is_boolean(kind):
        data, numeric = data.cast(pa.int8()), True
    if numeric and not as_text:
        numbers = data.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype(np.float64)
        if not (pa.types.is_integer(kind) and np.any(np.abs(numbers) > 2**53)):
            wrong = np.flatnonzero(np.isinf(numbers))
            numbers[wrong] = np.nan
            return numbers, wrong
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        data = data.cast(pa.string())  # Python's own times end at microseconds
    texts = np.empty(len(data), dtype=np.object_)
    texts[:] = [None if cell is None else str(cell) for cell in data.to_pylist()]
    return texts, np.empty(0, dtype=np.int64)
