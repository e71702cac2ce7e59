"""Which of two models finds more of the bad parts within the false alarms that a plan accepts, on held-out rows.

The whole ranking says little of that: where one good part in three hundred may be in alarm, an area under the ROC curve
is made of ranks that no limit will ever stand at, and with a dozen bad parts its mean over periods is noise. So each
held-out bad part counts once, by how far it is *found within the budget* (`lineside.domain.metrics.ranking`) among the
good parts of its own period, for both models; the figures are compared part by part. The standard error takes as many
parts as these are worth, since bad parts that come together in time are nearly one (`lineside.domain.effective`), and
counts beside them one part at which the models are equal, so that a few equal ones do not look certain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.costs import cost_curve
from lineside.domain.effective import effective_rows
from lineside.domain.metrics.ranking import above_each, found_within, roc_auc
from lineside.domain.readings import Float64, Int64
from lineside.learn.learned import Task

Bools = NDArray[np.bool_]
_LEAST_ABOVE: Final = 10
"""Good parts of a period above the budget's limit at least: fewer say too little of where it stands."""
_MOST_RATE: Final = 0.1


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Judged:
    """Held-out rows in order, with known outcome: which are bad, of which period each is ``(r,)``, and its group."""

    bad: Bools
    fold: Int64
    group: NDArray[np.object_]


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One model: the mean share found within the budget, its AUC, and what it costs within the budget."""

    found: float
    auc: float
    per_thousand: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Both models, and by how much the first finds more within ``rate``: of ``parts`` parts worth ``effective``."""

    first: Side
    second: Side
    rate: float
    gain: float
    error: float
    parts: int
    effective: float

    @property
    def clear(self) -> bool:
        """Whether the first finds more by over a standard error."""
        return self.gain > self.error

    @property
    def words(self) -> str:
        """What decides, as a person reads it."""
        return (
            f"they find {self.first.found:.0%} of held-out nonconforming parts, the model of normal"
            f" {self.second.found:.0%}, with up to {self.rate:.2%} of good parts in alarm (difference {self.gain:+.3f}"
            f" +- {self.error:.3f} by {self.parts} parts worth {self.effective:.0f} independent ones)"
        )

    def lines(self, first: str, second: str, currency: str) -> tuple[str, ...]:
        """Return a line for each model by its name."""
        return tuple(
            f"{name:42} found within the budget {side.found:.3f}, AUC {side.auc:.3f},"
            f" costs {side.per_thousand:,.0f} {currency} per 1,000 parts there"
            for name, side in ((first, self.first), (second, self.second))
        )


def compare(task: Task, judged: Judged, first: Float64, second: Float64) -> Comparison | None:
    """Compare two models' scores ``(r,)`` of the same rows; None where no period has two bad parts, or no good ones."""
    periods = list(_periods(judged))
    if sum(int(judged.bad[rows].sum()) for rows in periods) < 2:
        return None
    rate = _rate(task.alarms.rate, min(int((~judged.bad[rows]).sum()) for rows in periods))
    found = [
        np.concatenate([found_within(above_each(judged.bad[rows], score[rows]), rate) for rows in periods])
        for score in (first, second)
    ]
    period = np.concatenate([judged.fold[rows][judged.bad[rows]] for rows in periods]).astype(str).astype(object)
    gain = found[0] - found[1]
    effective = effective_rows(gain, period) if task.timed else float(len(gain))
    return Comparison(
        first=_side(task, judged, first, found[0]),
        second=_side(task, judged, second, found[1]),
        rate=rate,
        gain=float(gain.mean()),
        error=float(np.std(np.append(gain, 0.0), ddof=1) / np.sqrt(effective)),
        parts=len(gain),
        effective=effective,
    )


def _periods(judged: Judged) -> Iterator[Bools]:
    """Yield the rows of each period that has bad and good parts."""
    for number in np.unique(judged.fold):
        rows = np.asarray(judged.fold == number, dtype=np.bool_)
        if judged.bad[rows].any() and not judged.bad[rows].all():
            yield rows


def _rate(asked: float, fewest: int) -> float:
    """Return the share of good parts that may be in alarm: the budget's, or what so few good parts can know of."""
    return max(asked, min(_LEAST_ABOVE / fewest, _MOST_RATE))


def _side(task: Task, judged: Judged, score: Float64, found: Float64) -> Side:
    alarms = task.alarms if task.timed else replace(task.alarms, fold=0, raise_after=1)
    curve = cost_curve(score, judged.bad, judged.group, prices=task.characteristic.cost, alarms=alarms)
    within = curve.point("", curve.at(curve.within_budget()))
    return Side(found=float(found.mean()), auc=roc_auc(judged.bad, score), per_thousand=within.per_thousand)
