"""Longer records of the conditions, from the history's readings or from a file, for `lineside.domain.coverage`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lineside.adapters.tables import TimeOptions, read_table
from lineside.domain.backtests.units import column_of
from lineside.domain.coverage.record import ConditionRecord, record_of
from lineside.domain.errors import DataError
from lineside.domain.plan.model import Plan, Role, Signal, SignalType
from lineside.domain.readings import SEVERITY, Float64, Int64
from lineside.domain.units import HOUR
from lineside.learn.local_time import local_times


def conditions_of(plan: Plan) -> tuple[Signal, ...]:
    """Return the signals that measure conditions: those of role environment, and those that the envelope names."""
    declared = {item.signal for item in plan.envelope}
    found = [item for item in plan.signals if item.role is Role.ENVIRONMENT or item.id in declared]
    return tuple(item for item in found if item.type is SignalType.NUMBER)


def history_record(plan: Plan, history: Path, since: int = 0) -> ConditionRecord | None:
    """Return the hourly means of conditions of a history's readings received since (UTC ns); None where it has none."""
    from lineside.adapters.delta_history.tables import day_of  # noqa: PLC0415 - take a second to load
    from lineside.adapters.history_query import HistoryQuery  # noqa: PLC0415

    names = ", ".join(f"'{item.id}'" for item in conditions_of(plan))  # ids are letters, digits and '_' by the schema
    if not names:
        return None
    found = HistoryQuery(history).sql(
        f"SELECT signal, source_time // {HOUR} AS hour, avg(value) AS value FROM readings "  # noqa: S608 - as above
        f"WHERE day >= '{day_of(since)}' AND signal IN ({names}) AND (status & {SEVERITY}) = 0 AND isfinite(value) "
        "GROUP BY ALL"
    )
    hours = found.column("hour").to_numpy()
    if not len(hours):
        return None
    steps, place = np.unique(hours, return_inverse=True)
    signals = np.array(found.column("signal").to_pylist(), dtype=object)
    values = {}
    for name in set(signals.tolist()):
        column = np.full(len(steps), np.nan)
        column[place[signals == name]] = found.column("value").to_numpy()[signals == name]
        values[str(name)] = column
    return _record(plan, steps * HOUR + HOUR // 2, values)


def file_record(plan: Plan, path: Path, time_column: str) -> ConditionRecord:
    """Return the conditions in a table with a time and a column per signal (its address or id).

    Raises:
        DataError: there is no column of times, or none of a condition.
    """
    table = read_table(path, time=TimeOptions(column=time_column or None))
    columns = {
        item.id: name for item in conditions_of(plan) for name in (column_of(item), item.id) if name in table.columns
    }
    if table.times is None or not columns:
        raise DataError(
            "a record of conditions needs a time and a column per condition",
            where=str(path),
            field="--conditions",
            choices=[column_of(item) for item in conditions_of(plan)],
            next_step="name the column of times with --time",
        )
    return _record(plan, table.times, {name: table.numbers(column) for name, column in columns.items()})


def _record(plan: Plan, times: Int64, values: Mapping[str, Float64]) -> ConditionRecord:
    return record_of(plan.shifts, local_times(times, plan.line.timezone), values, plan.holidays)
