"""A signal or a feature over any stretch of the history, thinned to what a screen can show.

The history's files are read and thinned by DuckDB in one pass, so that memory stays bounded however long the stretch
is; one question is answered at a time, because each takes every core.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from lineside.adapters.delta_history.tables import day_of
from lineside.adapters.history_query import HistoryQuery, quoted
from lineside.domain.readings import BAD, SEVERITY, Float64, Int64
from lineside.domain.thinning import Columns, step_of
from lineside.domain.units import DAY

MOST_COLUMNS: Final = 4_000
"""More than any screen has."""
_SIGNAL: Final = (
    "SELECT source_time AS t, value AS v FROM readings WHERE signal = {name} AND day >= {day} "
    "AND source_time >= {start} AND source_time < {end} AND isfinite(value) AND (status & {severity}) <> {bad}"
)
_FEATURE: Final = (
    "SELECT ended AS t, features[list_position(feature_names, {name})] AS v FROM parts WHERE station = {station} "
    "AND day >= {day} AND ended >= {start} AND ended < {end} AND isfinite(v)"
)
_THINNED: Final = (
    "SELECT (t - {start}) // {step} AS place, count(*) AS count, sum(v) AS total, min(t) AS first_time, "
    "arg_min(v, t) AS first, arg_min(t, v) AS low_time, min(v) AS low, arg_max(t, v) AS high_time, max(v) AS high, "
    "max(t) AS last_time, arg_max(v, t) AS last FROM ({rows}) GROUP BY place ORDER BY place"
)


@dataclass(frozen=True, slots=True)
class LongPlots:
    """Answers the board's question for a quantity over a stretch of time."""

    history: Path
    _turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    async def __call__(self, station: str, quantity: str, start: int, end: int, columns: int) -> Columns:
        """Return a quantity from ``start`` to before ``end`` (UTC ns) in at most so many columns.

        Args:
            station: the station's id.
            quantity: ``signal:`` and its id, or ``feature:`` and its name in the recipe.
            start: the first instant.
            end: the instant after the last.
            columns: how many columns the screen has; `MOST_COLUMNS` at most.
        """
        async with self._turn:
            return await asyncio.to_thread(self._read, station, quantity, start, end, min(columns, MOST_COLUMNS))

    def _read(self, station: str, quantity: str, start: int, end: int, columns: int) -> Columns:
        kind, _, name = quantity.partition(":")
        step = step_of(start, end, columns)
        rows = (_SIGNAL if kind == "signal" else _FEATURE).format(
            name=quoted(name),
            station=quoted(station),
            day=quoted(day_of(max(0, start - DAY))),  # of receipt, which a clock that runs ahead may put before
            start=int(start),
            end=int(end),
            severity=int(SEVERITY),
            bad=int(BAD),
        )
        found = HistoryQuery(self.history).sql(
            _THINNED.format(start=int(start), step=step, rows=rows), ["readings" if kind == "signal" else "parts"]
        )
        return _columns(found, start, step)


def _columns(found: pa.Table, start: int, step: int) -> Columns:
    def times(name: str) -> Int64:
        return np.asarray(found.column(name).to_numpy(), dtype=np.int64)

    def values(name: str) -> Float64:
        return np.asarray(found.column(name).to_numpy(), dtype=np.float64)

    return Columns(
        start=start, step=step, column=times("place"), count=times("count"), total=values("total"),
        first_time=times("first_time"), first=values("first"), low_time=times("low_time"), low=values("low"),
        high_time=times("high_time"), high=values("high"), last_time=times("last_time"), last=values("last"),
    )  # fmt: skip
