"""What scores of held-out parts are worth, with an interval, and how much of a figure the split alone has made.

For attributes the figure is the area under the ROC curve, for variables the share of the variance explained. Scores of
different folds come from different models, so that only parts of one fold are compared with each other; the folds'
figures are averaged, weighted by what they compare. A random and an honest split are compared on the *same* parts and
within the *same* folds, with models of equally many parts, and the difference is drawn again stretch by stretch: a
difference that chance explains accuses nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from lineside.domain.adoption.case import Bools
from lineside.domain.metrics.ranking import roc_auc
from lineside.domain.readings import Float64, Int64

ROUNDS: Final = 200
LEAST_GAP: Final = 0.02
"""A figure that is better by less than this is not called inflated."""
_SURE: Final = 3.0
"""Standard errors that a difference must be above zero: about one in 700 is, by chance, where there is none."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Truth:
    """What is true of parts: whether they are bad and, for a variable, the value measured (else None)."""

    bad: Bools
    value: Float64 | None = None

    @property
    def measure(self) -> str:
        """The name of the figure: ``auc``, or ``r2`` for a variable."""
        return "auc" if self.value is None else "r2"

    @property
    def trivial(self) -> float:
        """The figure of a predictor that knows nothing."""
        return 0.5 if self.value is None else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A figure with its 90 % interval (NaN where there is none) and the worst and best fold."""

    value: float
    low: float
    high: float
    worst: float
    worst_fold: str
    parts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """By how much a random split flatters: on the same parts, the same folds, from equally many parts."""

    random: float
    honest: float
    gap: float
    low: float
    high: float
    surely_above: float

    @property
    def inflated(self) -> bool:
        """Whether chance does not explain the difference, and it is worth a word."""
        return self.gap >= LEAST_GAP and self.surely_above > 0.0


def worth(truth: Truth, score: Float64, fold: Int64) -> float:
    """Return the figure of scores within folds (fold below 0: not judged); NaN where nothing can be compared."""
    total, weight = 0.0, 0.0
    for number in np.unique(fold[fold >= 0]):
        rows = np.flatnonzero(fold == number)
        value, counts = _worth_of(truth, score, rows)
        if np.isfinite(value):
            total, weight = total + value * counts, weight + counts
    return total / weight if weight else float("nan")


def figure(truth: Truth, score: Float64, fold: Int64, names: tuple[str, ...], stretch: Int64, seed: int) -> Figure:
    """Return the figure with its interval, drawn stretch by stretch."""
    judged = fold >= 0
    per_fold = {
        number: _worth_of(truth, score, np.flatnonzero(fold == number))[0]
        for number in np.unique(fold[judged]).tolist()
    }
    known = {number: value for number, value in per_fold.items() if np.isfinite(value)}
    worst = min(known, key=lambda number: known[number]) if known else -1
    low, high = _ends(_drawn_again(lambda rows: _drawn(truth, score, fold, rows), stretch, judged, seed))
    return Figure(
        value=worth(truth, score, fold),
        low=low,
        high=high,
        worst=known.get(worst, float("nan")),
        worst_fold=names[worst] if 0 <= worst < len(names) else "",
        parts=int(judged.sum()),
    )


def gap(truth: Truth, random: Float64, honest: Float64, fold: Int64, stretch: Int64, seed: int) -> Gap:
    """Return how much better random scores are than honest ones within the honest folds."""
    judged = (fold >= 0) & np.isfinite(random) & np.isfinite(honest)
    own = np.where(judged, fold, -1)

    def difference(rows: Int64) -> float:
        return _drawn(truth, random, own, rows) - _drawn(truth, honest, own, rows)

    better, worse = worth(truth, random, own), worth(truth, honest, own)
    drawn = _drawn_again(difference, stretch, judged, seed)
    low, high = _ends(drawn)
    surely = better - worse - _SURE * float(np.std(drawn)) if len(drawn) else float("nan")
    return Gap(random=better, honest=worse, gap=better - worse, low=low, high=high, surely_above=surely)


def _drawn(truth: Truth, score: Float64, fold: Int64, rows: Int64) -> float:
    value = None if truth.value is None else truth.value[rows]
    return worth(Truth(bad=truth.bad[rows], value=value), score[rows], fold[rows])


def _worth_of(truth: Truth, score: Float64, rows: Int64) -> tuple[float, float]:
    """Return a fold's figure and its weight: pairs compared, or the sum of squares explained."""
    rows = rows[np.isfinite(score[rows])]
    if truth.value is None:
        bad = truth.bad[rows]
        pairs = float(bad.sum()) * float((~bad).sum())
        return (roc_auc(bad, score[rows]), pairs) if pairs else (float("nan"), 0.0)
    value = truth.value[rows]
    spread = float(np.sum((value - value.mean()) ** 2)) if len(rows) > 1 else 0.0
    return (1.0 - float(np.sum((value - score[rows]) ** 2)) / spread, spread) if spread else (float("nan"), 0.0)


def _drawn_again(measure: Callable[[Int64], float], stretch: Int64, judged: Bools, seed: int) -> Float64:
    """Return a measure over stretches drawn with replacement (Davison and Hinkley, 1997), where it mostly exists."""
    order = np.flatnonzero(judged)[np.argsort(stretch[judged], kind="stable")]
    starts = np.append(0, np.flatnonzero(np.diff(stretch[order])) + 1)
    if len(order) == 0 or len(starts) < 2:
        return np.empty(0)
    sizes = np.diff(np.append(starts, len(order)))
    rng = np.random.default_rng(seed)
    drawn = [
        measure(order[_positions(starts, sizes, rng.integers(len(starts), size=len(starts)))]) for _ in range(ROUNDS)
    ]
    known = np.array([value for value in drawn if np.isfinite(value)])
    return known if len(known) >= ROUNDS // 2 else np.empty(0)


def _ends(drawn: Float64) -> tuple[float, float]:
    """Return the 90 % interval of what was drawn."""
    if not len(drawn):
        return float("nan"), float("nan")
    low, high = np.quantile(drawn, (0.05, 0.95))
    return float(low), float(high)


def _positions(starts: Int64, sizes: Int64, chosen: Int64) -> Int64:
    """Return the positions of the chosen stretches, one after another."""
    size = sizes[chosen]
    within = np.arange(int(size.sum())) - np.repeat(np.cumsum(size) - size, size)
    return np.asarray(np.repeat(starts[chosen], size) + within, dtype=np.int64)
