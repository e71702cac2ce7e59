"""From tables of past data to units in the order in which they would have been judged.

Finished part rows become part records directly. Raw readings go through the same assembler as at the gateway, in
canonical order (source time, then order in the file), so that a backtest sees the features that production sees.
A unit's outcome is what the table's outcome column says within its cycle. For an attribute without classes one bad
row makes the unit bad; otherwise the last row that says something holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.cycles.assembler import CycleAssembler
from lineside.domain.errors import DataError
from lineside.domain.features.recipe import FeatureRecipe, recipe_for, signals_of
from lineside.domain.outcomes import NONCONFORMING, UNKNOWN, is_nonconforming, other_characteristics, read_outcome
from lineside.domain.parts import PartRecord, PartTable
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.model import (
    Characteristic,
    CharacteristicKind,
    Cycle,
    CycleByRows,
    CycleByWindow,
    FilesSpec,
    Plan,
    Role,
    Signal,
    SignalType,
)
from lineside.domain.readings import ReadingBatch, make_batch
from lineside.domain.tables import Int64, Table
from lineside.domain.units import SECOND

_PIECE: Final = 16_384
"""Readings given to the assembler at once."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Units:
    """Units of one station in the order judged: by group, then by time (or row, where there is no time).

    ``outcome`` is in the plan's words, ``""`` where unknown. ``other_defects`` says of each unit whether it is known
    not to conform in another characteristic of the station. ``dropped`` counts by reason what did not become part of
    a unit. ``continuous`` says that a unit is a window of a continuous process.
    """

    recipe: FeatureRecipe
    parts: tuple[PartRecord, ...]
    group: tuple[str, ...]
    outcome: tuple[str, ...]
    other_defects: tuple[bool, ...]
    timed: bool
    continuous: bool
    dropped: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of units."""
        return len(self.parts)

    @property
    def names(self) -> tuple[str, ...]:
        """The units' names."""
        return tuple(part.unit for part in self.parts)

    @property
    def time(self) -> Int64 | None:
        """The start of each unit in UTC ns, None for data without time."""
        return np.array([part.started for part in self.parts], dtype=np.int64) if self.timed else None

    @property
    def features(self) -> NDArray[np.float64]:
        """The features, of shape ``(n, len(recipe.features))``."""
        width = len(self.recipe.features)
        return np.array([part.features for part in self.parts], dtype=np.float64).reshape(len(self.parts), width)

    def take(self, rows: Int64) -> Units:
        """Return the units at these positions."""
        return replace(
            self,
            parts=tuple(self.parts[row] for row in rows),
            group=tuple(self.group[row] for row in rows),
            outcome=tuple(self.outcome[row] for row in rows),
            other_defects=tuple(self.other_defects[row] for row in rows),
        )

    def table(self, rows: Int64, *, labelled: bool = True) -> PartTable:
        """Return the units at these positions as a table to learn from, its outcomes hidden if not ``labelled``."""
        chosen = self.take(rows)
        return PartTable(
            recipe=self.recipe,
            unit=chosen.names,
            started=np.array([part.started for part in chosen.parts], dtype=np.int64),
            ended=np.array([part.ended for part in chosen.parts], dtype=np.int64),
            features=chosen.features,
            group=chosen.group,
            outcome=chosen.outcome if labelled else (UNKNOWN,) * len(chosen),
            context=tuple(part.context for part in chosen.parts),
            other_defects=chosen.other_defects if labelled else (),
        )


def units_from_tables(
    plan: Plan,
    characteristic: Characteristic,
    tables: Iterable[tuple[str, Table]],
    group_column: str = "",
    *,
    outcomes_needed: bool = True,
) -> Units:
    """Return the units that tables hold; each table is a group, unless a column names the groups.

    Without a column of outcomes none is known, which is an error where they are needed.

    Raises:
        DataError: a column that the plan needs is missing or of another kind, or an outcome is not the plan's.
    """
    pieces = [
        _units_of(plan, characteristic, table, group, outcomes_needed=outcomes_needed)
        for name, whole in tables
        for group, table in (split_by(whole, group_column) if group_column else [(name, whole)])
    ]
    if not any(len(piece) for piece in pieces):
        raise DataError("no unit in the data", field=characteristic.station, next_step="check the plan's cycle")
    dropped: Counter[str] = Counter()
    for piece in pieces:
        dropped.update(piece.dropped)
    return replace(
        pieces[0],
        parts=tuple(part for piece in pieces for part in piece.parts),
        group=tuple(name for piece in pieces for name in piece.group),
        outcome=tuple(text for piece in pieces for text in piece.outcome),
        other_defects=tuple(defect for piece in pieces for defect in piece.other_defects),
        timed=all(piece.timed for piece in pieces),
        dropped={reason: count for reason, count in dropped.items() if count},
    )


def in_time_order(units: Units) -> Units:
    """Return the units by time alone, whatever their group: what a protocol along the calendar needs."""
    time = units.time
    return units if time is None else units.take(np.argsort(time, kind="stable").astype(np.int64))


def shuffled(units: Units, seed: int) -> Units:
    """Return the units of data without time in an order of chance, numbered anew: row order reaches no model."""
    order = np.random.default_rng(seed).permutation(len(units))
    chosen = units.take(order.astype(np.int64))
    parts = [replace(part, started=place, ended=place, received=place) for place, part in enumerate(chosen.parts)]
    return replace(chosen, parts=tuple(parts))


def split_by(table: Table, column: str) -> list[tuple[str, Table]]:
    """Return the rows of each value of a column, in order of appearance.

    Raises:
        DataError: there is no such column, or a row has no value in it.
    """
    names = table.texts(column)
    missing = [int(row) for row, name in zip(table.rows, names, strict=True) if name is None]
    if missing:
        raise DataError("rows without a group", where=table.name, field=column, value=missing[:5])
    return [(str(name), _rows(table, np.flatnonzero(names == name))) for name in dict.fromkeys(names)]


def _rows(table: Table, rows: NDArray[np.int64]) -> Table:
    return replace(
        table,
        columns={name: column[rows] for name, column in table.columns.items()},
        rows=table.rows[rows],
        times=None if table.times is None else table.times[rows],
    )


# -- one table --------------------------------------------------------------------------------------------


def _units_of(plan: Plan, characteristic: Characteristic, table: Table, group: str, *, outcomes_needed: bool) -> Units:
    table = _ordered(table)
    station = plan.station(characteristic.station)
    finished = isinstance(station.cycle, CycleByRows)
    _check_columns(plan, station.id, table, finished=finished)
    said = _outcomes(characteristic, table, needed=outcomes_needed)
    beside = [(item, _readable(item, table)) for item in other_characteristics(plan, characteristic)]
    dropped = Counter({"rows rejected": len(table.rejected), "cells that are no number": len(table.bad_cells)})
    times = _times(plan, station.id, table)
    if finished:
        parts = _finished_parts(plan, station.id, table, times, group)
        outcome: Sequence[str] = said
        others = beside
    else:
        parts, dropped_readings = _assembled_parts(plan, station.id, table, times)
        dropped.update(dropped_readings)
        ends = [_end(station.cycle, part) for part in parts]
        cycles = [(part.started, end) for part, end in zip(parts, ends, strict=True)]
        outcome = [_outcome_within(characteristic, *cycle, times, said) for cycle in cycles]
        others = [(item, [_outcome_within(item, *cycle, times, texts) for cycle in cycles]) for item, texts in beside]
    return Units(
        recipe=recipe_for(plan, station.id),
        parts=tuple(parts),
        group=(group,) * len(parts),
        outcome=tuple(outcome),
        other_defects=tuple(
            any(is_nonconforming(item, texts[place]) for item, texts in others) for place in range(len(parts))
        ),
        timed=table.times is not None,
        continuous=isinstance(station.cycle, CycleByWindow),
        dropped=dropped,
    )


def _ordered(table: Table) -> Table:
    """Return the rows in canonical order: by time, then as in the file."""
    return table if table.times is None else _rows(table, np.argsort(table.times, kind="stable").astype(np.int64))


def _times(plan: Plan, station_id: str, table: Table) -> Int64:
    """Return the rows' times; rows without time are spaced as the plan says, from the epoch."""
    if table.times is not None:
        return table.times
    source = plan.source(plan.signals_at(station_id)[0].source)
    spacing = source.row_interval if isinstance(source, FilesSpec) else SECOND
    return np.arange(len(table), dtype=np.int64) * spacing


def _check_columns(plan: Plan, station_id: str, table: Table, *, finished: bool) -> None:
    for signal in signals_of(plan, station_id):
        if finished and signal.role is Role.TRIGGER:
            continue
        column = column_of(signal)
        if column not in table.columns:
            raise DataError(
                f"the plan's signal {signal.id} has no column",
                where=table.name,
                field=column,
                choices=table.names,
                next_step="set the signal's 'address' to its column, or remove the signal from the plan",
            )
        if signal.type is SignalType.NUMBER:
            table.numbers(column)


def column_of(signal: Signal) -> str:
    """Return the column that holds a signal: its address, or its id where the plan gives none."""
    return signal.address or signal.id


def _outcomes(characteristic: Characteristic, table: Table, *, needed: bool) -> list[str]:
    column = characteristic.outcome.column or characteristic.id
    if column not in table.columns and not needed:
        return [UNKNOWN] * len(table)
    if column not in table.columns:
        raise DataError(
            f"the outcome of {characteristic.id} has no column",
            where=table.name,
            field=column,
            choices=table.names,
            next_step="set the characteristic's outcome.column, or say --unlabelled where nothing is known",
        )
    known: dict[str | None, str] = {None: UNKNOWN}
    said = []
    for row, text in zip(table.rows, table.texts(column), strict=True):
        if text not in known:
            known[text] = _read(characteristic, text, f"{table.name}:{row}")
        said.append(known[text])
    return said


def _readable(characteristic: Characteristic, table: Table) -> list[str]:
    """Return what is known of a characteristic that is not asked for: nothing without its column, or as it stands."""
    column = characteristic.outcome.column or characteristic.id
    if column not in table.columns:
        return [UNKNOWN] * len(table)
    known: dict[str | None, str] = {None: UNKNOWN}
    texts = table.texts(column)
    for text in dict.fromkeys(texts):
        if text is not None:
            try:
                known[text] = read_outcome(characteristic, text)
            except DataError:  # said where this one is asked for
                known[text] = UNKNOWN
    return [known[text] for text in texts]


def _read(characteristic: Characteristic, text: str, where: str) -> str:
    try:
        return read_outcome(characteristic, text)
    except DataError as error:
        raise DataError(
            error.problem, where=where, field=error.field, value=error.value, choices=error.choices
        ) from error


# -- finished part rows -----------------------------------------------------------------------------------


def _finished_parts(plan: Plan, station_id: str, table: Table, times: Int64, group: str) -> list[PartRecord]:
    recipe = recipe_for(plan, station_id)
    columns = [table.numbers(column_of(plan.signal(spec.signal))) for spec in recipe.features]
    features = np.column_stack(columns) if columns else np.empty((len(table), 0))
    context = {
        signal.id: table.texts(column_of(signal))
        for signal in signals_of(plan, station_id)
        if signal.role is Role.CONTEXT
    }
    serial = plan.station(station_id).serial
    serials = None if serial is None else table.texts(column_of(plan.signal(serial)))
    parts = []
    for row in range(len(table)):
        cycle_id = f"{station_id}-{group}-{int(table.rows[row])}"
        time = int(times[row])
        parts.append(
            PartRecord(
                cycle_id=cycle_id,
                unit=(serials[row] if serials is not None else None) or cycle_id,
                station=station_id,
                started=time,
                ended=time,
                received=time,
                recipe=recipe.digest,
                features=features[row],
                context={name: column[row] for name, column in context.items() if column[row] is not None},
                readings=int(np.sum(~np.isnan(features[row]))),
                missing=tuple(
                    spec.signal for spec, value in zip(recipe.features, features[row], strict=True) if np.isnan(value)
                ),
            )
        )
    return parts


# -- raw readings -----------------------------------------------------------------------------------------


def _assembled_parts(
    plan: Plan, station_id: str, table: Table, times: Int64
) -> tuple[list[PartRecord], dict[str, int]]:
    assembler = CycleAssembler(plan, station_id, catalogue_for(plan))
    batch = readings_from(plan, station_id, table, times)
    parts: list[PartRecord] = []
    for start in range(0, len(batch), _PIECE):
        parts += assembler.push(batch.take(slice(start, start + _PIECE)))
    parts += assembler.flush()
    counts = assembler.counts
    return parts, {
        "readings too late": counts.late,
        "readings of bad status": counts.bad,
        "readings that came twice": counts.duplicate,
        "readings that contradict an earlier one of the same time": counts.conflicting,
    }


def readings_from(plan: Plan, station_id: str, table: Table, times: Int64) -> ReadingBatch:
    """Return the readings of a wide table, row by row, cells without a value left out."""
    catalogue = catalogue_for(plan)
    codes = catalogue.codes()
    texts: dict[str, int] = {}
    signals = [signal for signal in signals_of(plan, station_id) if column_of(signal) in table.columns]
    values = np.column_stack([_column_values(signal, table, texts) for signal in signals])
    present = ~np.isnan(values)
    code = np.array([codes[signal.id] for signal in signals], dtype=np.int32)
    return make_batch(
        catalogue,
        np.broadcast_to(code, values.shape)[present],
        np.broadcast_to(times[:, None], values.shape)[present],
        values[present],
        texts=tuple(texts),
    )


def _column_values(signal: Signal, table: Table, texts: dict[str, int]) -> NDArray[np.float64]:
    if signal.type is SignalType.NUMBER:
        return table.numbers(column_of(signal))
    cells = table.texts(column_of(signal))
    return np.array([np.nan if cell is None else texts.setdefault(cell, len(texts)) for cell in cells])


def _end(cycle: Cycle, part: PartRecord) -> int:
    """Return the first time behind a part's cycle; the data may end within its last window."""
    return part.started + cycle.length if isinstance(cycle, CycleByWindow) else part.ended


def _outcome_within(characteristic: Characteristic, started: int, end: int, times: Int64, said: Sequence[str]) -> str:
    """Return what the rows from ``started`` until before ``end`` say."""
    first, behind = np.searchsorted(times, (started, end), side="left").tolist()
    found = [text for text in said[first:behind] if text != UNKNOWN]
    if not found:
        return UNKNOWN
    either = characteristic.kind is CharacteristicKind.ATTRIBUTE and not characteristic.classes
    return NONCONFORMING if either and NONCONFORMING in found else found[-1]
