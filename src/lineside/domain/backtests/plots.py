"""Plots as SVG text, drawn by hand: a score against its limit over time, with alarms and the truth beneath."""

from __future__ import annotations

from html import escape
from typing import Final

import numpy as np

from lineside.domain.backtests.judged import Bools, Floats, Judged
from lineside.domain.metrics.episodes import Stretch, stretches

WIDTH: Final = 960
HEIGHT: Final = 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 28, 44
_MOST_POINTS: Final = 1200
_INK, _SCORE, _LIMIT, _ALARM, _BAD = "#333", "#2b6cb0", "#444", "#c2410c", "#e5b8a5"


def score_plot(title: str, judged: Judged, bad: Bools) -> str:
    """Return a plot of one group's scores in the order judged, on a logarithmic axis where they span decades.

    Bad units are shaded, alarms are the strip beneath, the limit is dashed. Where there are more units than the
    plot has room for, each point is the greatest score of its stretch.
    """
    score = np.where(np.isfinite(judged.score), judged.score, np.nan)
    low, high, log = _span(np.concatenate((score, judged.limit)))
    parts = [
        _head(title),
        *(_band(item.first, item.last, len(judged), _TOP, HEIGHT - _BOTTOM, _BAD) for item in _runs(bad)),
        _polyline(_peaks(score), low, high, _SCORE, "", log=log),
        _polyline(_peaks(judged.limit), low, high, _LIMIT, "6 4", log=log),
        *(
            _band(item.first, item.last, len(judged), HEIGHT - _BOTTOM + 6, HEIGHT - _BOTTOM + 16, _ALARM)
            for item in _runs(judged.alarm)
        ),
        _axis(low, high, len(judged), log=log),
        "</svg>",
    ]
    return "\n".join(parts)


def _runs(on: Bools) -> tuple[Stretch, ...]:
    return stretches(on, [""] * len(on))


def _span(values: Floats) -> tuple[float, float, bool]:
    """Return the axis' ends, and whether it is logarithmic."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.0, 1.0, False
    low, high = float(finite.min()), float(finite.max())
    positive = finite[finite > 0]
    if low >= 0 and len(positive) and high > 100 * float(np.median(positive)):
        return float(np.log10(np.quantile(positive, 0.01))), float(np.log10(high)), True
    return low, high if high > low else low + 1.0, False


def _peaks(values: Floats) -> Floats:
    if len(values) <= _MOST_POINTS:
        return values
    pieces = np.array_split(values, _MOST_POINTS)
    return np.array([np.nan if np.isnan(piece).all() else np.nanmax(piece) for piece in pieces])


def _x(position: float, count: int) -> float:
    return _LEFT + position * (WIDTH - _LEFT - _RIGHT) / max(count, 1)


def _y(value: float, low: float, high: float) -> float:
    share = min(max((value - low) / (high - low), 0.0), 1.0)
    return HEIGHT - _BOTTOM - share * (HEIGHT - _BOTTOM - _TOP)


def _head(title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="sans-serif" font-size="12" fill="{_INK}">\n<title>{escape(title)}</title>\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>\n<text x="{_LEFT}" y="18">{escape(title)}</text>'
    )


def _band(first: int, last: int, count: int, top: float, bottom: float, colour: str) -> str:
    left, right = _x(first, count), _x(last + 1, count)
    return (
        f'<rect x="{left:.1f}" y="{top}" width="{max(right - left, 0.6):.1f}" height="{bottom - top}" fill="{colour}"/>'
    )


def _polyline(values: Floats, low: float, high: float, colour: str, dash: str, *, log: bool) -> str:
    points = []
    for position, value in enumerate(values):
        if np.isfinite(value):
            shown = float(np.log10(value)) if log and value > 0 else low if log else float(value)
            points.append(f"{_x(position + 0.5, len(values)):.1f},{_y(shown, low, high):.1f}")
    style = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<polyline fill="none" stroke="{colour}" stroke-width="1"{style} points="{" ".join(points)}"/>'


def _axis(low: float, high: float, count: int, *, log: bool) -> str:
    def shown(value: float) -> str:
        return f"{10**value if log else value:.3g}"

    return (
        f'<text x="{_LEFT - 6}" y="{HEIGHT - _BOTTOM}" text-anchor="end">{shown(low)}</text>\n'
        f'<text x="{_LEFT - 6}" y="{_TOP + 10}" text-anchor="end">{shown(high)}</text>\n'
        f'<text x="{_LEFT}" y="{HEIGHT - 10}">score (line), limit (dashed){", logarithmic" if log else ""}; '
        f"alarms beneath; truly bad shaded</text>\n"
        f'<text x="{WIDTH - _RIGHT}" y="{HEIGHT - 10}" text-anchor="end">{count} units</text>'
    )
