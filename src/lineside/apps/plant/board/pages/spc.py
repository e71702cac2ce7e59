"""Control charts of a station's features over the latest parts: is the process stable, and with which limits?

Limits come from the first parts that are remembered, not from those that they judge. Ranges and EWMA are asked for
single points beyond their limits only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lineside.apps.plant.board.guard import Call
from lineside.apps.plant.board.rendering import page
from lineside.apps.plant.floor.views import Series, Trend
from lineside.domain.errors import DataError
from lineside.domain.spc.charts import FEWEST_POINTS, Chart, average_and_range, ewma, individuals
from lineside.domain.spc.run_rules import DEFAULT_RULES, false_alarm_rate, find_signals

_BASELINE: Final = 100
_SHOWN: Final = 300
_GROUP: Final = 5
_SEED: Final = 1
_KINDS: Final = ("individuals", "averages", "ewma")


@dataclass(frozen=True, kw_only=True, slots=True)
class ChartView:
    """One chart: its curve, its limits, and the points that are signals, by rule: (time, part, rule), newest first."""

    name: str
    trend: Trend
    centre: float
    lower: float
    upper: float
    baseline: int
    signals: tuple[tuple[int, str, int], ...]


async def charts(call: Call) -> Response:
    """Show the charts of one feature of a station."""
    board, name = call.board, call.path("station")
    if name not in board.floor.stations():
        raise HTTPException(404)
    features = board.floor.features(name)
    asked = call.request.query_params.get("feature", "")
    feature = asked if asked in {item.name for item in features} else next((item.name for item in features), "")
    kind = call.request.query_params.get("chart", "individuals")
    kind = kind if kind in _KINDS else "individuals"
    series = board.floor.series(name, feature) if feature else None
    views, problem = _views(series, kind)
    per_shift = (board.floor.plan.station(name).parts_per_hour or 60.0) * 8 / (_GROUP if kind == "averages" else 1)
    return page(
        board,
        call.who,
        "spc.html",
        station=name,
        features=features,
        feature=feature,
        kinds=_KINDS,
        kind=kind,
        views=views,
        problem=problem,
        expected=None if kind == "ewma" else false_alarm_rate(DEFAULT_RULES, _SEED) * per_shift,
    )


async def capability(call: Call) -> Response:
    """Show how well what is measured of a station's parts keeps its specification."""
    board, name = call.board, call.path("station")
    if name not in board.floor.stations():
        raise HTTPException(404)
    source = board.settings.capabilities
    views = () if source is None else await source(name)
    return page(board, call.who, "capability.html", station=name, views=views)


def _views(series: Series | None, kind: str) -> tuple[tuple[ChartView, ...], str]:
    """Return the charts, or why there are none."""
    if series is None or len(series.values) < 2 * FEWEST_POINTS * (_GROUP if kind == "averages" else 1):
        return (), "few"
    values = np.array(series.values, dtype=np.float64)
    size = _GROUP if kind == "averages" else 1
    baseline = min(_BASELINE, len(values) // size // 2)
    made: tuple[Chart, ...]
    try:
        if kind == "averages":
            made = average_and_range(values[: len(values) // size * size], size, baseline)
        else:
            made = (ewma(values, baseline),) if kind == "ewma" else individuals(values, baseline)
    except DataError as error:
        return (), error.problem
    return tuple(_view(series, chart, size) for chart in made), ""


def _view(series: Series, chart: Chart, size: int) -> ChartView:
    """Return a chart with the latest points; a point is named by the last part in it."""
    rules = DEFAULT_RULES if chart.name in {"individuals", "averages"} else (1,)
    offset = len(series.values) - len(chart.points) * size if size == 1 else 0
    places = [min(offset + (point + 1) * size - 1, len(series.values) - 1) for point in range(len(chart.points))]
    beyond = (chart.points > chart.upper) | (chart.points < chart.lower)
    signals = [
        (series.times[places[point]], series.units[places[point]], rule)
        for rule in rules
        for point in np.flatnonzero(beyond if rule == 1 else find_signals(chart.deviations, rule)).tolist()
    ]
    shown = slice(max(0, len(chart.points) - _SHOWN), None)
    trend = Trend(
        label=series.label,
        unit=series.unit,
        times=tuple(series.times[place] for place in places[shown]),
        values=tuple(float(value) for value in chart.points[shown]),
        low=float(chart.lower[-1]),
        high=float(chart.upper[-1]),
    )
    return ChartView(
        name=chart.name,
        trend=trend,
        centre=chart.centre,
        lower=float(chart.lower[-1]),
        upper=float(chart.upper[-1]),
        baseline=chart.baseline,
        signals=tuple(sorted(signals, reverse=True)),
    )
