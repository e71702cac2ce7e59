"""Figures per regime that was left out: the worst one by name, beside the mean, never the mean alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from lineside.domain.backtests.figures import Figures, plain_figures
from lineside.domain.backtests.judged import Judged
from lineside.domain.plan.model import Characteristic

LEAST_CONFORMING: Final = 20
LEAST_NONCONFORMING: Final = 5
"""Units that make a figure of a regime worth comparing: a recall of one bad part is 0 or 1."""
WORST_IS: Final = {
    "false_alarm_rate": max,
    "recall": min,
    "auc": min,
    "accuracy": min,
    "rmse": max,
    "share_outside_experience": max,
}
"""The figures that are compared, and which end of them is the worst."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RegimeRow:
    """What came out in one regime: units judged, of them nonconforming, and the figures that it is large enough for."""

    kind: str
    name: str
    units: int
    nonconforming: int
    figures: dict[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Worst:
    """The worst regime by one figure, the mean over ``of`` regimes that have the figure, and over how many units."""

    figure: str
    regime: str
    value: float
    units: int
    mean: float
    of: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RegimeReport:
    """Every regime left out, the worst by each figure, and in words the regimes that could not be left out."""

    each: tuple[RegimeRow, ...]
    worst: tuple[Worst, ...]
    passed_over: tuple[str, ...]


def regime_report(
    characteristic: Characteristic, judged: Judged, kinds: Sequence[tuple[str, str]], passed_over: Sequence[str]
) -> RegimeReport:
    """Return the report of units whose groups are the regimes; ``kinds`` are (kind, name) in order."""
    group = np.asarray(judged.group, dtype=object)
    rows = tuple(_row(characteristic, judged.take(np.flatnonzero(group == name)), kind, name) for kind, name in kinds)
    return RegimeReport(each=rows, worst=worst_regimes(rows), passed_over=tuple(passed_over))


def worst_regimes(rows: Sequence[RegimeRow]) -> tuple[Worst, ...]:
    """Return the worst regime by every figure that two regimes or more have; of equals the larger one."""
    found = []
    for figure, worse in WORST_IS.items():
        having = [row for row in rows if figure in row.figures]
        if len(having) < 2:
            continue
        sign = 1.0 if worse is max else -1.0
        row = max(having, key=lambda item: (sign * item.figures[figure], item.units))
        values = [item.figures[figure] for item in having]
        if figure == "share_outside_experience" and not any(values):
            continue
        mean = float(np.mean(values))
        worst = Worst(
            figure=figure, regime=row.name, value=row.figures[figure], units=row.units, mean=mean, of=len(having)
        )
        found.append(worst)
    return tuple(found)


def _row(characteristic: Characteristic, judged: Judged, kind: str, name: str) -> RegimeRow:
    figures = plain_figures(characteristic, judged)
    bad = int(figures.get("nonconforming", 0.0))
    known = int(figures["units_with_outcome"])
    return RegimeRow(
        kind=kind,
        name=name,
        units=len(judged),
        nonconforming=bad,
        figures={item: figures[item] for item in WORST_IS if _enough(item, figures, known - bad, bad)},
    )


def _enough(figure: str, figures: Figures, good: int, bad: int) -> bool:
    value: Any = figures.get(figure)
    if not isinstance(value, float) or not np.isfinite(value):
        return False
    if figure == "recall":
        return bad >= LEAST_NONCONFORMING
    if figure == "auc":
        return bad >= LEAST_NONCONFORMING and good >= LEAST_CONFORMING
    return figure != "false_alarm_rate" or good >= LEAST_CONFORMING
