"""What a column's values give away: how many there are, how they move, and in which range they are plausible."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from lineside.domain.tables import Numbers, Table

TAIL: Final = 0.001
"""Share of values at each end that may be wild and do not decide on the range."""
WIDER: Final = 5.0
"""The range reaches so many spans beyond the usual values, on either side."""
LEAST_RUNS: Final = 4
"""Ups and downs that a trigger or a sawtooth must show before it counts as one."""
_FINEST: Final = -300
"""Power of ten of the finest step that a range is rounded to: a finer one cannot be divided by."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What the values of one column give away.

    Attributes:
        filled: cells that hold something.
        distinct: different values among them.
        numeric: whether they are numbers; what follows is false or empty otherwise.
        binary: two values, both seen at least `LEAST_RUNS` times in turn.
        whole: whole numbers only.
        rising: each value is greater than the one before.
        counting: each value is the one before plus one.
        sawtooth: climbs and falls back to its foot, again and again.
        on: the middle between the two values of a binary column, or half the height of a sawtooth.
        usual: the `TAIL` and 1 - `TAIL` quantiles.
        share: what the filled cells are of all.
    """

    filled: int
    distinct: int
    numeric: bool
    binary: bool = False
    whole: bool = False
    rising: bool = False
    counting: bool = False
    sawtooth: bool = False
    on: float = 0.5
    usual: tuple[float, float] = (0.0, 0.0)
    least: float = 0.0
    median: float = 0.0
    share: float = 1.0


def facts_of(table: Table, column: str) -> Facts:
    """Return the facts of a column of a table."""
    if table.is_numeric(column):
        return facts_of_numbers(table.numbers(column))
    texts = [cell for cell in table.texts(column) if cell is not None]
    return Facts(
        filled=len(texts),
        distinct=len({text.strip() for text in texts}),
        numeric=False,
        share=len(texts) / max(1, len(table)),
    )


def facts_of_numbers(column: Numbers) -> Facts:
    """Return the facts of a column of numbers (NaN: empty)."""
    values = column[~np.isnan(column)]
    if not len(values):
        return Facts(filled=0, distinct=0, numeric=True, share=0.0)
    steps = np.diff(values)
    different = np.unique(values)
    low, high = (float(edge) for edge in np.quantile(values, (TAIL, 1 - TAIL)))
    return Facts(
        filled=len(values),
        distinct=len(different),
        numeric=True,
        binary=len(different) == 2 and int(np.count_nonzero(steps)) >= 2 * LEAST_RUNS,
        whole=bool(np.all(values == np.floor(values))),
        rising=len(values) > 2 and bool(np.all(steps > 0)),
        counting=len(values) > 2 and bool(np.all(steps == 1)),
        sawtooth=_is_sawtooth(values, steps),
        on=float(different[0] + different[-1]) / 2,
        usual=(low, high),
        least=float(values.min()),
        median=float(np.median(values)),
        share=len(values) / len(column),
    )


def _is_sawtooth(values: Numbers, steps: Numbers) -> bool:
    """Nearly all steps go up, and the few that go down fall by most of the height at once."""
    height = float(values.max() - values.min())
    if height <= 0 or len(np.unique(values)) < 5:
        return False
    falls = steps < -0.5 * height
    others = steps[~falls]
    return int(falls.sum()) >= LEAST_RUNS and len(others) > 3 * falls.sum() and bool(np.mean(others >= 0) >= 0.98)


def plausible_range(facts: Facts) -> tuple[float, float]:
    """Return a range that holds what a healthy sensor could read: the usual values and their span on either side.

    Rounded outwards to two digits of the span; a quantity that is never negative stays so.
    """
    low, high = facts.usual
    span = high - low or abs(high) or 1.0
    step = 10.0 ** max(math.floor(math.log10(span)) - 1, _FINEST)
    bottom = math.floor((low - WIDER * span) / step) * step
    top = math.ceil((high + WIDER * span) / step) * step
    if facts.least >= 0:
        bottom = max(bottom, 0.0)
    return tidy(bottom), tidy(top)


def tidy(number: float) -> float:
    """Return a number without the dust of binary arithmetic: ten significant digits."""
    return float(f"{number:.10g}")
