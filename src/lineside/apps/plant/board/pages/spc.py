"""Control charts of a station's features over the latest parts: is the process stable, and with which limits?

Limits come from the first parts that are remembered, not from those that they judge. Ranges and EWMA are asked for
single points beyond their limits only. The page follows the line: its script asks for the points of each chart anew
when a part has come, out of what is remembered; single parts of longer ago come out of the history.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lineside.apps.plant.board.guard import Call
from lineside.apps.plant.board.pages import plots
from lineside.apps.plant.board.rendering import page
from lineside.apps.plant.board.wording import refusal
from lineside.apps.plant.floor.views import Series, Trend
from lineside.domain.errors import DataError
from lineside.domain.spc.charts import FEWEST_POINTS, Chart, average_and_range, ewma, individuals
from lineside.domain.spc.run_rules import DEFAULT_RULES, false_alarm_rate, find_signals
from lineside.domain.units import MILLISECOND

_BASELINE: Final = 100
_SHOWN: Final = 300
_GROUP: Final = 5
_SEED: Final = 1
_GROUPED: Final = frozenset({"averages", "ranges"})
"""Charts whose points stand for a group of parts each."""
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


async def points(call: Call) -> Response:
    """Return the points of one chart between two times, as `plots.data` returns those of a quantity."""
    board, name, asked = call.board, call.path("station"), call.request.query_params
    feature, kind, chart_name = asked.get("feature", ""), asked.get("chart", ""), asked.get("name", "")
    if name not in board.floor.stations() or feature not in {item.name for item in board.floor.features(name)}:
        raise HTTPException(404)
    start, end = plots.span_of(call)
    series = board.floor.series(name, feature)
    older = not series.times or start < series.times[0] - MILLISECOND  # a browser's times are whole milliseconds
    if chart_name == "individuals" and older and board.settings.plots is not None:
        return Response(await plots.long_points(call, f"feature:{feature}", start, end), media_type=plots.BINARY)
    chart = next((item for item in _charts(series, kind)[0] if item.name == chart_name), None)
    if chart is None:
        return Response(b"", media_type=plots.BINARY)
    times = np.array(series.times, dtype=np.int64)[_places(series, chart)]
    within = (times >= start) & (times < end)
    found = plots.encode_points(times[within], chart.points[within], int(within.sum()))
    return Response(found, media_type=plots.BINARY)


async def capability(call: Call) -> Response:
    """Show how well what is measured of a station's parts keeps its specification."""
    board, name = call.board, call.path("station")
    if name not in board.floor.stations():
        raise HTTPException(404)
    source = board.settings.capabilities
    views = () if source is None else await source(name)
    return page(board, call.who, "capability.html", station=name, views=views)


async def measured(call: Call) -> Response:
    """Show what models expected of a station's parts against what was measured of them."""
    board, name = call.board, call.path("station")
    if name not in board.floor.stations():
        raise HTTPException(404)
    source = board.settings.metrology
    views = () if source is None else await source(name)
    return page(board, call.who, "metrology.html", station=name, views=views)


def _views(series: Series | None, kind: str) -> tuple[tuple[ChartView, ...], str]:
    """Return the charts as they are shown, or why there are none."""
    made, problem = _charts(series, kind)
    return tuple(_view(series, chart) for chart in made if series is not None), problem


def _charts(series: Series | None, kind: str) -> tuple[tuple[Chart, ...], str]:
    """Return the charts, or why there are none."""
    size = _GROUP if kind == "averages" else 1
    if kind not in _KINDS or series is None or len(series.values) < 2 * FEWEST_POINTS * size:
        return (), "few"
    values = np.array(series.values, dtype=np.float64)
    baseline = min(_BASELINE, len(values) // size // 2)
    try:
        if kind == "averages":
            return average_and_range(values[: len(values) // size * size], size, baseline), ""
        return ((ewma(values, baseline),) if kind == "ewma" else individuals(values, baseline)), ""
    except DataError as error:
        return (), refusal(error)


def _places(series: Series, chart: Chart) -> list[int]:
    """Return the places of a chart's points in the series: a point is named by the last part in it."""
    size = _GROUP if chart.name in _GROUPED else 1
    offset = len(series.values) - len(chart.points) * size if size == 1 else 0
    return [min(offset + (point + 1) * size - 1, len(series.values) - 1) for point in range(len(chart.points))]


def _view(series: Series, chart: Chart) -> ChartView:
    """Return a chart with the latest points."""
    rules = DEFAULT_RULES if chart.name in {"individuals", "averages"} else (1,)
    places = _places(series, chart)
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
