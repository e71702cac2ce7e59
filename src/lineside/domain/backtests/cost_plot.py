"""The curve of costs as SVG text, drawn by hand: money over false alarms, with the budget and what was chosen."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Final

import numpy as np

from lineside.domain.backtests.judged import Floats
from lineside.domain.costs import THOUSAND, CostPoint, CostReport

WIDTH: Final = 960
HEIGHT: Final = 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 16, 44, 44
_BEYOND: Final = 3.0
"""How far beyond the budget, and beyond the points that are marked, the plot goes."""
_HIGHER: Final = 4.0
"""How much dearer than the dearest point marked the plot goes."""
_MOST_POINTS: Final = 600
_INK, _TOTAL, _ESCAPES, _FALSE, _BUDGET = "#333", "#2b6cb0", "#c2410c", "#888", "#444"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Axes:
    right: float
    top: float

    def x(self, value: float) -> float:
        return _LEFT + min(value / self.right, 1.0) * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - _BOTTOM - min(value / self.top, 1.0) * (HEIGHT - _BOTTOM - _TOP)


def cost_plot(report: CostReport) -> str:
    """Return the cost of 1,000 parts over the false alarms among them: in all, by escapes, and by false alarms."""
    curve = report.curve
    false = curve.false_alarms * (THOUSAND / curve.parts)
    budget = false[curve.at(report.budget)]
    marked = (report.chosen, report.within, report.cheapest)
    right = _BEYOND * max(float(budget), *(_false(report, point) for point in marked), THOUSAND / curve.parts)
    shown = false <= right
    paid_escapes = curve.escapes * (curve.prices.escape * THOUSAND / curve.parts)
    highest = 1.1 * float(curve.per_thousand[shown].max())
    top = min(highest, _HIGHER * max(point.per_thousand for point in marked)) or highest
    axes = _Axes(right=right, top=max(top, 1e-9))
    parts = [
        _head(report),
        _line(false[shown], false[shown] * curve.prices.false_alarm, axes, _FALSE),
        _line(false[shown], paid_escapes[shown], axes, _ESCAPES),
        _line(false[shown], curve.per_thousand[shown], axes, _TOTAL, 2.0),
        _budget_line(float(budget), axes),
        *(_mark(report, point, axes, filled=not place) for place, point in enumerate(marked)),
        _axis(report, axes),
        "</svg>",
    ]
    return "\n".join(parts)


def _false(report: CostReport, point: CostPoint) -> float:
    return point.false_alarms * THOUSAND / report.curve.parts


def _line(x: Floats, y: Floats, axes: _Axes, colour: str, width: float = 1.0) -> str:
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), _MOST_POINTS)).astype(np.int64))
    points = " ".join(f"{axes.x(float(x[place])):.1f},{axes.y(float(y[place])):.1f}" for place in kept)
    return f'<polyline fill="none" stroke="{colour}" stroke-width="{width}" points="{points}"/>'


def _mark(report: CostReport, point: CostPoint, axes: _Axes, *, filled: bool) -> str:
    fill = _TOTAL if filled else "none"
    x, y = axes.x(_false(report, point)), axes.y(point.per_thousand)
    name = f"<title>{escape(point.name)}</title>"
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{fill}" stroke="{_TOTAL}">{name}</circle>'


def _budget_line(budget: float, axes: _Axes) -> str:
    x = axes.x(budget)
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}" stroke="{_BUDGET}" '
        f'stroke-dasharray="6 4"/>\n<text x="{x + 4:.1f}" y="{_TOP + 10}">budget</text>'
    )


def _head(report: CostReport) -> str:
    title = f"Cost in {report.curve.prices.currency} per 1,000 parts"
    legend = (
        f'<tspan fill="{_TOTAL}">in all</tspan>, <tspan fill="{_ESCAPES}">escapes</tspan>, '
        f'<tspan fill="{_FALSE}">false alarms</tspan>; point: {escape(report.chosen.name)}, rings: cheapest within '
        "the budget and of all; what is dearer is cut off"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="sans-serif" font-size="12" fill="{_INK}">\n<title>{escape(title)}</title>\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>\n<text x="{_LEFT}" y="18">{escape(title)}: '
        f"{legend}</text>"
    )


def _axis(report: CostReport, axes: _Axes) -> str:
    bottom = HEIGHT - _BOTTOM
    return (
        f'<text x="{_LEFT - 6}" y="{bottom}" text-anchor="end">0</text>\n'
        f'<text x="{_LEFT - 6}" y="{_TOP + 10}" text-anchor="end">{axes.top:,.0f}</text>\n'
        f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{bottom}" y2="{bottom}" stroke="{_INK}"/>\n'
        f'<text x="{_LEFT}" y="{bottom + 16}">0</text>\n'
        f'<text x="{WIDTH - _RIGHT}" y="{bottom + 16}" text-anchor="end">{axes.right:.3g}</text>\n'
        f'<text x="{_LEFT}" y="{HEIGHT - 10}">{report.curve.counted} per 1,000 parts</text>'
    )
