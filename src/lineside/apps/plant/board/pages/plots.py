"""A signal or a feature of a station over hours to a year: a page that works without script, and data for one.

The page draws an SVG of the whole span and says it in figures. Its script puts a plot in the SVG's place that asks for
finer data of whatever part of the history somebody looks at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lineside.apps.plant.board.context import Board
from lineside.apps.plant.board.guard import Call
from lineside.apps.plant.board.rendering import page
from lineside.apps.plant.floor.labels import signal_label
from lineside.apps.plant.floor.views import Trend
from lineside.domain.errors import InputError
from lineside.domain.features.recipe import signals_of
from lineside.domain.plan.model import SignalType
from lineside.domain.readings import Float64, Int64
from lineside.domain.said import say
from lineside.domain.thinning import Columns, points_of, stretches_of
from lineside.domain.units import DAY, HOUR

SPANS: Final = {"shift": 8 * HOUR, "day": DAY, "week": 7 * DAY, "month": 30 * DAY, "year": 365 * DAY}
_SVG_COLUMNS: Final = 300
_STRETCHES: Final = 12
_LATEST_MS: Final = 4_102_444_800_000  # the year 2100
_MILLISECOND: Final = 1_000_000
BINARY: Final = "application/octet-stream"


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantity:
    """What can be drawn of a station: ``id`` is ``signal:`` or ``feature:`` and a name."""

    id: str
    label: str
    unit: str


async def plot(call: Call) -> Response:
    """Show one quantity of a station over a span that ends now."""
    board, station = call.board, call.path("station")
    known = _quantities(board, station)
    asked = call.request.query_params.get("quantity", "")
    over = call.request.query_params.get("over", "day")
    over = over if over in SPANS else "day"
    chosen = next((item for item in known if item.id == asked), known[0] if known else None)
    end = board.now()
    start = max(0, end - SPANS[over])
    found = None if chosen is None else await _columns(board, station, chosen.id, start, end, _SVG_COLUMNS)
    return page(
        board,
        call.who,
        "plot.html",
        station=station,
        quantities=known,
        chosen=chosen,
        spans=tuple(SPANS),
        over=over,
        start=start,
        end=end,
        trend=None if chosen is None or found is None else _trend(chosen, found),
        stretches=() if found is None else stretches_of(found, end, _STRETCHES),
        values=0 if found is None else found.values,
    )


async def data(call: Call) -> Response:
    """Return the points of a quantity between two times: float64, little-endian.

    First the number of points and the number of values behind them, then the points' times (ms UTC), then their values;
    NaN breaks the line.
    """
    board, station = call.board, call.path("station")
    asked = call.request.query_params.get("quantity", "")
    if asked not in {item.id for item in _quantities(board, station)}:
        raise HTTPException(404)
    start, end = span_of(call)
    return Response(await long_points(call, asked, start, end), media_type=BINARY)


def span_of(call: Call) -> tuple[int, int]:
    """Return from when to when points are asked for, UTC ns; raises `InputError` where it is no span."""
    start, end = _number(call, "from", _LATEST_MS), _number(call, "to", _LATEST_MS)
    if end <= start:
        raise InputError(say("the end must come after the beginning"), field="to", value=end)
    return start * _MILLISECOND, end * _MILLISECOND


async def long_points(call: Call, quantity: str, start: int, end: int) -> bytes:
    """Return the points of a quantity out of the history, as many as the columns that are asked for can show."""
    columns = max(1, _number(call, "columns", 1_000_000))
    found = await _columns(call.board, call.path("station"), quantity, start, end, columns)
    return b"" if found is None else encode_points(*points_of(found), found.values)


def encode_points(times: Int64, values: Float64, behind: int) -> bytes:
    """Return the points of a line (UTC ns) as `data` sends them; ``behind`` counts the values that they stand for."""
    return np.concatenate([[len(times), behind], times / _MILLISECOND, values]).astype("<f8").tobytes()


def _quantities(board: Board, station: str) -> tuple[Quantity, ...]:
    """Return what can be drawn of a station; raises 404 where there is none of that name."""
    if station not in board.floor.stations():
        raise HTTPException(404)
    plan = board.floor.plan
    signals = [
        Quantity(id=f"signal:{item.id}", label=signal_label(plan, item.id), unit=item.unit)
        for item in signals_of(plan, station)
        if item.type is not SignalType.TEXT
    ]
    recipe = board.floor.recipe(station)
    labels = {item.name: item.label for item in board.floor.features(station)}
    features = [
        Quantity(id=f"feature:{spec.name}", label=labels[spec.name], unit=spec.unit) for spec in recipe.features
    ]
    return (*signals, *features)


async def _columns(board: Board, station: str, quantity: str, start: int, end: int, columns: int) -> Columns | None:
    source = board.settings.plots
    return None if source is None else await source(station, quantity, start, end, columns)


def _trend(quantity: Quantity, columns: Columns) -> Trend:
    times, values = points_of(columns)
    return Trend(
        label=quantity.label,
        unit=quantity.unit,
        times=tuple(times.tolist()),
        values=tuple(None if np.isnan(value) else float(value) for value in values),
    )


def _number(call: Call, name: str, most: int) -> int:
    text = call.request.query_params.get(name, "")
    if not text.isascii() or not text.isdigit() or len(text) > 15 or int(text) > most:
        raise InputError(say("a whole number is wanted"), field=name, value=text[:40])
    return int(text)
