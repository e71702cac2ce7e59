"""Bars as SVG text: the laboratory figure, and what it becomes under every honest split."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 960
_LEFT, _RIGHT, _ROW, _BAR = 360, 70, 26, 18
_LAB, _FLATTERED, _SOUND, _INK = "#2b6cb0", "#c2410c", "#4a8c5b", "#222"


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One figure with its interval (NaN: none), and whether it is the laboratory's, flattered by it, or neither."""

    name: str
    value: float
    low: float
    high: float
    lab: bool = False
    flattered: bool = False


def bars(items: Sequence[Bar], floor: float, title: str) -> str:
    """Return the bars, one below the other; the dashed line is the figure of a predictor that knows nothing."""
    known = [item.value for item in items if math.isfinite(item.value)]
    start = min([floor - 0.1, *known])
    drawn = [text for number, item in enumerate(items) for text in _bar(item, 8 + number * _ROW, start)]
    height = 16 + len(items) * _ROW
    dashed = f'x1="{_x(floor, start):.1f}" x2="{_x(floor, start):.1f}" y1="4" y2="{height - 8}"'
    drawn.append(f'<line {dashed} stroke="{_INK}" stroke-dasharray="4 3"/>')
    head = f'<svg viewBox="0 0 {WIDTH} {height}" role="img"><title>{escape(title)}</title>'
    return f"{head}{''.join(drawn)}</svg><p>{escape(title)}.</p>"


def _bar(item: Bar, top: int, start: float) -> list[str]:
    drawn = [f'<text x="{_LEFT - 10}" y="{top + 14}" text-anchor="end">{escape(_short(item.name))}</text>']
    if math.isfinite(item.value):
        colour = _LAB if item.lab else _FLATTERED if item.flattered else _SOUND
        end, behind = _x(item.value, start), max(item.value, item.high if math.isfinite(item.high) else item.value)
        drawn.append(f'<rect x="{_LEFT}" y="{top}" width="{end - _LEFT:.1f}" height="{_BAR}" fill="{colour}"/>')
        drawn.append(f'<text x="{_x(behind, start) + 6:.1f}" y="{top + 14}">{item.value:.3f}</text>')
    if math.isfinite(item.low) and math.isfinite(item.high):
        ends = f'x1="{_x(item.low, start):.1f}" x2="{_x(item.high, start):.1f}" y1="{top + 9}" y2="{top + 9}"'
        drawn.append(f'<line {ends} stroke="{_INK}" stroke-width="2"/>')
    return drawn


def _x(value: float, start: float) -> float:
    return _LEFT + (WIDTH - _LEFT - _RIGHT) * (min(max(value, start), 1.0) - start) / (1.0 - start)


def _short(name: str, most: int = 52) -> str:
    return name if len(name) <= most else f"{name[: most - 3]}..."
