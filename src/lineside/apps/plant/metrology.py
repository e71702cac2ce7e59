"""What models of measured values expected of a station's parts, against what was measured: out of the history."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from lineside.adapters.history_query import HistoryQuery, quoted
from lineside.apps.plant.floor.views import Trend
from lineside.domain.metrics.regression import rmse
from lineside.domain.outcomes import precedence_of
from lineside.domain.plan.model import Characteristic, CharacteristicKind, Plan
from lineside.domain.readings import Float64

MOST: Final = 2_000
"""Newest judged parts that are looked at."""
LISTED: Final = 20
"""Newest parts that are listed one by one."""
_TABLES: Final = ("predictions", "outcomes")
_JUDGED: Final = """
SELECT p.unit, p.model, p.ended, TRY_CAST(p.predicted AS DOUBLE) AS value, p.low, p.high, coalesce(p.bias, 0) AS bias,
       coalesce(p.measured, 0) AS measured, TRY_CAST(o.value AS DOUBLE) AS truth, o.recorded - p.ended AS lag
FROM predictions_as_judged p LEFT JOIN latest_outcomes o ON o.unit = p.unit AND o.characteristic = p.characteristic
WHERE p.station = {station} AND p.characteristic = {characteristic} AND p.predicted <> \'\' AND p.low IS NOT NULL
ORDER BY p.ended DESC, p.cycle_id DESC LIMIT {most}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Errors:
    """Of measured less expected: root mean square, mean, and the share that the interval held (None: it has none)."""

    rmse: float
    mean: float
    held: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PartView:
    """One part: the value that was judged with its interval, the model's own, and the measured one (NaN: it was not).

    ``ended`` in UTC ns.
    """

    unit: str
    ended: int
    own: float
    value: float
    low: float
    high: float
    truth: float


@dataclass(frozen=True, kw_only=True, slots=True)
class MetrologyView:
    """One variable of a station over its newest ``parts``, ``known`` of them measured, the median ``lag`` (ns) after.

    The newest part's value is corrected by ``offset``, out of ``rests_on`` measured parts.
    """

    characteristic: str
    unit: str
    model: str = ""
    parts: int = 0
    known: int = 0
    lag: int | None = None
    offset: float = 0.0
    rests_on: int = 0
    judged: Errors | None = None
    alone: Errors | None = None
    errors: tuple[Trend, ...] = ()
    newest: tuple[PartView, ...] = ()


@dataclass(frozen=True, slots=True)
class Metrology:
    """Answers the board's question for what was expected and measured of a station's parts."""

    plan: Plan
    history: Path

    async def __call__(self, station: str) -> Sequence[MetrologyView]:
        """Return the variables of a station, in the plan's order."""
        wanted = [item for item in self.plan.characteristics_at(station) if item.kind is CharacteristicKind.VARIABLE]
        return await asyncio.to_thread(lambda: [self._view(item) for item in wanted])

    def _view(self, item: Characteristic) -> MetrologyView:
        unit, rows = "" if item.specification is None else item.specification.unit, self._rows(item)
        if not rows:
            return MetrologyView(characteristic=item.id, unit=unit)
        value, bias, low, high, truth = (_column(rows, name) for name in ("value", "bias", "low", "high", "truth"))
        known, own = np.isfinite(truth) & np.isfinite(value), value - bias
        held = float(np.mean((low <= truth)[known] & (truth <= high)[known])) if known.any() else None
        return MetrologyView(
            characteristic=item.id,
            unit=unit,
            model=rows[-1]["model"],
            parts=len(rows),
            known=int(known.sum()),
            lag=int(np.median(_column(rows, "lag")[known])) if known.any() else None,
            offset=float(bias[-1]),
            rests_on=int(rows[-1]["measured"]),
            judged=_errors(truth[known], value[known], held),
            alone=_errors(truth[known], own[known]),
            errors=_curves(rows, known, unit, {"judged": truth - value, "alone": truth - own}),
            newest=tuple(_part(row) for row in rows[: -LISTED - 1 : -1]),
        )

    def _rows(self, item: Characteristic) -> list[dict[str, Any]]:
        """Return the newest judged parts, oldest of them first."""
        if not (self.history / "predictions").is_dir():
            return []
        text = _JUDGED.format(station=quoted(item.station), characteristic=quoted(item.id), most=MOST)
        found: list[dict[str, Any]] = (
            HistoryQuery(self.history, precedence_of(self.plan)).sql(text, _TABLES).to_pylist()
        )
        return found[::-1]


def _column(rows: Sequence[dict[str, Any]], name: str) -> Float64:
    return np.array([_number(row[name]) for row in rows], dtype=np.float64)


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _part(row: dict[str, Any]) -> PartView:
    value, low, high, truth = (
        math.nan if row[name] is None else row[name] for name in ("value", "low", "high", "truth")
    )
    own = value - row["bias"]
    return PartView(unit=row["unit"], ended=row["ended"], own=own, value=value, low=low, high=high, truth=truth)


def _errors(truth: Float64, expected: Float64, held: float | None = None) -> Errors | None:
    if not len(truth):
        return None
    return Errors(rmse=rmse(truth, expected), mean=float(np.mean(truth - expected)), held=held)


def _curves(
    rows: Sequence[dict[str, Any]], known: np.ndarray[Any, Any], unit: str, errors: dict[str, Float64]
) -> tuple[Trend, ...]:
    """Return the errors of the measured parts over time, by name; none where none was measured."""
    places = np.flatnonzero(known).tolist()
    times = tuple(rows[place]["ended"] for place in places)
    return tuple(
        Trend(label=name, unit=unit, times=times, values=tuple(values[known].tolist()))
        for name, values in errors.items()
        if places
    )
