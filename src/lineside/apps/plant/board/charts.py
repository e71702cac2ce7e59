"""Curves as points of an SVG: plain geometry, no drawing library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lineside.apps.plant.board.traces import Trace
from lineside.apps.plant.floor.views import Trend

_MARGIN: Final = 0.08
_STILL: Final = 0.08
"""Where nothing is known of what is usual, a curve that moves by less than this share looks still."""
_QUIET: Final = 0.5
"""The usual band fills at most this share of the height, so that a quiet curve looks quiet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """An SVG's content. ``lines`` are polylines (a gap ends one); ``band`` is a polygon; the rest are heights."""

    width: int
    height: int
    lines: tuple[str, ...]
    band: str = ""
    limit: float | None = None
    change: float | None = None
    last: tuple[float, float] | None = None


def tile_chart(trend: Trend | None) -> Chart | None:
    """Return the small curve of a tile; None where there is nothing to draw."""
    return None if trend is None else _trend_chart(trend, 300, 64)


def card_chart(trend: Trend | None) -> Chart | None:
    """Return the large curve of an alert card; None where there is nothing to draw."""
    return None if trend is None else _trend_chart(trend, 900, 170)


def trace_chart(trace: Trace) -> Chart:
    """Return the curve of a signal over a cycle, with its usual band."""
    low, high = _range([*trace.values, *trace.low, *trace.high])
    frame = _Frame(600, 120, trace.seconds[0], trace.seconds[-1], low, high)
    band = ""
    if trace.low:
        upper = [frame.point(x, y) for x, y in zip(trace.seconds, trace.high, strict=True)]
        lower = [frame.point(x, y) for x, y in zip(trace.seconds, trace.low, strict=True)]
        band = _joined([*upper, *reversed(lower)])
    return Chart(width=600, height=120, lines=_lines(frame, trace.seconds, trace.values), band=band)


def _trend_chart(trend: Trend, width: int, height: int) -> Chart | None:
    known = [(time, value) for time, value in zip(trend.times, trend.values, strict=True) if value is not None]
    if not known:
        return None
    edges = [edge for edge in (trend.low, trend.high, trend.limit) if edge is not None]
    low, high = _range([*(value for _, value in known), *edges])
    if trend.low is not None and trend.high is not None:
        low, high = _roomier(low, high, (trend.high - trend.low) / _QUIET)
    elif trend.limit is None:
        low, high = _roomier(low, high, _STILL * abs(high))
    frame = _Frame(width, height, trend.times[0], trend.times[-1], low, high)
    return Chart(
        width=width,
        height=height,
        lines=_lines(frame, trend.times, trend.values),
        band=_flat_band(frame, trend.low, trend.high),
        limit=None if trend.limit is None else frame.y(trend.limit),
        change=None if trend.change is None else frame.x(trend.change),
        last=(frame.x(known[-1][0]), frame.y(known[-1][1])),
    )


@dataclass(frozen=True, slots=True)
class _Frame:
    width: int
    height: int
    start: float
    end: float
    low: float
    high: float

    def x(self, at: float) -> float:
        share = 1.0 if self.end <= self.start else (at - self.start) / (self.end - self.start)
        return round(self.width * share, 1)

    def y(self, value: float) -> float:
        return round(self.height * (self.high - value) / (self.high - self.low), 1)

    def point(self, at: float, value: float) -> tuple[float, float]:
        return self.x(at), self.y(value)


def _lines(frame: _Frame, times: Sequence[float], values: Sequence[float | None]) -> tuple[str, ...]:
    """Return the polylines between gaps; a single point becomes a short dash."""
    runs: list[list[tuple[float, float]]] = [[]]
    for at, value in zip(times, values, strict=True):
        if value is not None:
            runs[-1].append(frame.point(at, value))
        elif runs[-1]:
            runs.append([])
    return tuple(_joined(run if len(run) > 1 else [(run[0][0] - 4, run[0][1]), run[0]]) for run in runs if run)


def _flat_band(frame: _Frame, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    top, bottom = frame.y(high), frame.y(low)
    return _joined([(0, top), (frame.width, top), (frame.width, bottom), (0, bottom)])


def _joined(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = (high - low) * _MARGIN or abs(high) * _MARGIN or 1.0
    return low - room, high + room


def _roomier(low: float, high: float, wanted: float) -> tuple[float, float]:
    """Widen a range to the wanted width, so that a quiet curve looks quiet."""
    more = max(0.0, wanted - (high - low)) / 2
    return low - more, high + more
