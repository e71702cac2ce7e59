"""Coverage as SVG without scripts: parts per band of a condition, and of two conditions together."""

from __future__ import annotations

from html import escape
from typing import Final

from lineside.domain.coverage.facts import LEAST_PARTS, Condition, Coverage, Pair
from lineside.domain.coverage.gaps import Side, gaps_of
from lineside.domain.judging.wording import format_value
from lineside.domain.said import Tongue, planned, quantity, say

WIDTH: Final = 640
HEIGHT: Final = 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 16, 16, 26, 40
_SEEN, _GAP = "#2b6cb0", "#c2410c"
_CELL: Final = 26
_ROOM: Final = 150
"""For the names of rows of a plot of pairs."""


def condition_plot(condition: Condition, tongue: Tongue = str) -> str:
    """Return bars of parts per band, with the gaps of the declared range shaded beneath; ``tongue`` says its texts."""
    if not condition.edges:
        return ""
    low, high = condition.edges[0], condition.edges[-1]
    most = max((*condition.parts, 1))

    def x(value: float) -> float:
        share = min(max((value - low) / (high - low), 0.0), 1.0)
        return _LEFT + share * (WIDTH - _LEFT - _RIGHT)

    shaded = [
        (gap.low - 0.5, gap.high + 0.5) if gap.side is Side.STATE else (gap.low, gap.high) for gap in gaps_of(condition)
    ]
    base = HEIGHT - _BOTTOM
    parts = [_head(tongue(say("Parts seen by {label}", label=planned(condition.label))), WIDTH, HEIGHT)]
    parts += [_box(x(a), _TOP, x(b) - x(a), base - _TOP, _GAP, 0.18) for a, b in shaded]
    bands = list(zip(condition.edges, condition.edges[1:], condition.parts, strict=False))
    for left, right, count in bands:
        height = (base - _TOP - 14) * count / most
        parts.append(_box(x(left) + 1, base - height, max(x(right) - x(left) - 2, 1), height, _SEEN, 1))
        parts.append(_text((x(left) + x(right)) / 2, base - height - 3, str(count), "middle"))
    parts.append(_box(_LEFT, base, WIDTH - _LEFT - _RIGHT, 1, "currentColor", 1))
    marks = [(left + right) / 2 for left, right, _ in bands] if condition.states else list(condition.edges)
    parts += [_text(x(value), base + 14, format_value(value), "middle") for value in marks]
    label, unit = planned(condition.label), f" [{condition.unit}]" if condition.unit else ""
    below = say("{label}{unit}: parts per band; declared and not seen is shaded", label=label, unit=unit)
    parts.append(_text(_LEFT, HEIGHT - 8, tongue(below), "start"))
    return "\n".join([*parts, "</svg>"])


def pair_plot(coverage: Coverage, pair: Pair, tongue: Tongue = str) -> str:
    """Return a table of bands as cells: the darker, the more parts; cells without enough parts are empty."""
    first, second = coverage.condition(pair.first), coverage.condition(pair.second)
    down, across = pair.edges
    most = max((*(count for row in pair.parts for count in row), 1))
    width, height = max(_ROOM + 4 * _CELL * (len(across) - 1), WIDTH), _TOP + _CELL * len(down) + 18
    title = say("{first} with {second}", first=planned(first.label), second=planned(second.label))
    parts = [_head(tongue(title), width, height)]
    for i, row in enumerate(pair.parts):
        y = _TOP + _CELL * i
        parts.append(_text(_ROOM - 8, y + 17, _band(first, down, i, tongue), "end"))
        for j, count in enumerate(row):
            x = _ROOM + 4 * _CELL * j
            strength = 0.0 if count < LEAST_PARTS else 0.15 + 0.85 * (count / most) ** 0.5
            parts.append(_box(x, y, 4 * _CELL - 2, _CELL - 2, _SEEN if strength else _GAP, strength or 0.12))
            parts.append(_text(x + 2 * _CELL, y + 17, str(count), "middle", "#fff" if strength > 0.6 else ""))
    foot = _TOP + _CELL * (len(down) - 1) + 16
    parts += [
        _text(_ROOM + 4 * _CELL * (j + 0.5), foot, _band(second, across, j, tongue), "middle")
        for j in range(len(across) - 1)
    ]
    return "\n".join([*parts, _text(_ROOM, foot + 20, tongue(second.label), "start"), "</svg>"])


def _band(condition: Condition, edges: tuple[float, ...], place: int, tongue: Tongue) -> str:
    if condition.states:
        return format_value((edges[place] + edges[place + 1]) / 2)
    low, high = format_value(edges[place]), f"{format_value(edges[place + 1])} {condition.unit}".rstrip()
    return tongue(say("{low} to {high}", low=quantity(low), high=quantity(high)))


def _head(title: str, width: float, height: float) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" font-family="sans-serif" '
        f'font-size="11" fill="currentColor">\n<title>{escape(title)}</title>\n'
        f'<text x="{_LEFT}" y="16" font-size="13">{escape(title)}</text>'
    )


def _box(x: float, y: float, width: float, height: float, colour: str, strength: float) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}" '
        f'fill="{colour}" fill-opacity="{strength:.2f}"/>'
    )


def _text(x: float, y: float, text: str, anchor: str, colour: str = "") -> str:
    fill = f' fill="{colour}"' if colour else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{fill}>{escape(text)}</text>'
