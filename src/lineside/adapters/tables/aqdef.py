"""AQDEF files (.dfq, or .dfx with its .dfd) as tables: a row per value set, a column per characteristic and K-field."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lineside.adapters.tables.times import TimeOptions
from lineside.domain.aqdef import AqdefReader, Description, ValueSet, sets_in
from lineside.domain.aqdef.meaning import number_of, time_of
from lineside.domain.errors import DataError
from lineside.domain.intake.reasons import Refusal
from lineside.domain.intake.times import LATEST
from lineside.domain.tables import NO_TIME, BadCell, RejectedRow, Table, TableForm
from lineside.zones import zone_named

TIME: Final = "K0004"
_LEFT_OUT: Final = frozenset({"K0001", "K0002", TIME})


def read_aqdef(path: Path, time: TimeOptions) -> Table:
    """Read an AQDEF file; inspectors (K0008) are left out, times (K0004) are taken wherever they are there.

    Raises:
        DataError: it is no AQDEF, or its description is not there.
    """
    reader = AqdefReader()
    sets: list[ValueSet] = []
    rejected = []
    for file in _files(path):
        for found in sets_in([_bytes(file)], reader):
            if isinstance(found, Refusal):
                rejected.append(RejectedRow(row=len(sets) + 1, raw=b"", reason=found.detail))
            else:
                sets.append(found)
    if not sets:
        raise DataError("no value of a described characteristic is in it", where=path.name)
    columns, bad = _columns(sets, reader.description)
    times, late = _times(sets, time)
    keep = times != NO_TIME if any(found.first(TIME) for found in sets) else np.ones(len(sets), dtype=np.bool_)
    return Table(
        name=path.name,
        columns={name: column[keep] for name, column in columns.items()},
        rows=np.array([found.number for found in sets], dtype=np.int64)[keep],
        times=times[keep] if (times != NO_TIME).any() else None,
        rejected=tuple(rejected + (late if not keep.all() else [])),
        bad_cells=tuple(bad),
        form=TableForm(kind="aqdef", time_column=TIME if (times != NO_TIME).any() else ""),
    )


def _files(path: Path) -> Sequence[Path]:
    if path.suffix.lower() != ".dfx":
        return (path,)
    description = next((path.with_suffix(end) for end in (".dfd", ".DFD") if path.with_suffix(end).exists()), None)
    if description is None:
        raise DataError("a file of values without its description", where=path.name, next_step="add the .DFD file")
    return description, path


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=str(path)) from error


def _columns(sets: Sequence[ValueSet], description: Description) -> tuple[dict[str, NDArray[Any]], list[BadCell]]:
    columns: dict[str, NDArray[Any]] = {}
    bad: list[BadCell] = []
    said = {key for found in sets for fields in found.values.values() for key in fields} - _LEFT_OUT
    for key in sorted(said):
        columns[key] = _texts([found.first(key) for found in sets])
    for key in sorted({key for fields in description.parts.values() for key in fields}):
        columns[key] = _texts([description.part(found.part).fields.get(key, "") for found in sets])
    for name, indices in description.columns().items():
        column = np.full(len(sets), np.nan)
        for row, found in enumerate(sets):
            fields = next((found.values[index] for index in indices if index in found.values), {})
            value = number_of(fields)
            if isinstance(value, Refusal):
                bad.append(BadCell(row=found.number, column=name, raw=fields.get("K0001", "")))
            elif value is not None:
                column[row] = value[0]
        columns[name] = column
    return columns, bad


def _texts(cells: Sequence[str]) -> NDArray[np.object_]:
    column = np.empty(len(cells), dtype=np.object_)
    column[:] = [cell or None for cell in cells]
    return column


def _times(sets: Sequence[ValueSet], options: TimeOptions) -> tuple[NDArray[np.int64], list[RejectedRow]]:
    zone = zone_named(options.zone)
    times = np.full(len(sets), NO_TIME, dtype=np.int64)
    late = []
    for row, found in enumerate(sets):
        moment = time_of(found.first(TIME), zone, LATEST)
        if isinstance(moment, Refusal):
            late.append(RejectedRow(row=found.number, raw=b"", reason=f"time: {moment.detail}"))
        else:
            times[row] = moment
    return times, late
