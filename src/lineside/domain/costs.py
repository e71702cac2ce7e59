"""What a limit costs: escapes and false alarms in money over every limit, and the cheapest one within the budget.

At a limit ``L`` a bad part *escapes* if it is not above ``L``, or is so before an alert is raised. A false alarm is
what the plan's budget counts (`FalseAlarms`): an alert raised at a good part, or else a good part above ``L``. With
prices ``E`` and ``F`` the cost of ``n`` parts is ``E * escapes + F * false alarms`` (expected cost of a decision:
Elkan, "The foundations of cost-sensitive learning", IJCAI 2001; its curve over thresholds: Hand, Machine Learning 77,
2009).

Far down, alerts merge into one that never clears, which is no saving. So a limit never counts for fewer false alarms
than any higher one; below the limit with the most alerts each further good part in alarm counts for itself, and for
predictors whose alarm never goes out every good part in alarm does.

The share of bad parts is taken from the data. `at_share` says what the curve is where it is another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.limits import highest_before, lowest_of
from lineside.domain.metrics.trivial import alarm_after
from lineside.domain.plan.budget import FalseAlarms
from lineside.domain.plan.model import Cost
from lineside.domain.readings import Float64

Bools = NDArray[np.bool_]
Int64 = NDArray[np.int64]
Names = Sequence[str] | NDArray[np.object_]
THOUSAND: Final = 1000.0
AFTER: Final = 200
"""Parts of a group after which the trivial clock alarms."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CostPoint:
    """What one way of deciding costs on the parts counted; ``limit`` is None where it has none.

    ``per_shift`` is None where the plan does not say how many parts a shift makes.
    """

    name: str
    limit: float | None
    escapes: float
    false_alarms: float
    per_thousand: float
    per_shift: float | None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CostCurve:
    """Escapes and false alarms ``(m,)`` at ascending limits ``(m,)``, of ``parts`` parts of which ``bad`` are bad.

    Between two limits both are as at the lower one; the first is minus infinity, above which every score is.
    """

    limit: Float64
    escapes: Float64
    false_alarms: Float64
    parts: int
    bad: int
    prices: Cost
    alarms: FalseAlarms

    @property
    def counted(self) -> str:
        """What a false alarm is here, in words."""
        return "false alerts" if self.alarms.per_episode else "good parts in alarm"

    @property
    def per_thousand(self) -> Float64:
        """Cost of 1,000 parts at each limit."""
        paid = self.prices.escape * self.escapes + self.prices.false_alarm * self.false_alarms
        return paid * (THOUSAND / self.parts)

    def at(self, limit: float) -> int:
        """Return the place on the curve at which any limit lies."""
        return int(np.searchsorted(self.limit, limit, side="right")) - 1

    def cheapest(self, least: float = -np.inf) -> int:
        """Return the cheapest place not below a limit on the curve; of equals the highest, which alarms the least."""
        first = self.at(least)
        return len(self.limit) - 1 - int(np.argmin(self.per_thousand[first:][::-1]))

    def within_budget(self) -> float:
        """Return the least limit at which good parts give no more false alarms than the plan's rate."""
        allowed = self.alarms.rate * (self.parts - self.bad) + 1e-9
        return float(self.limit[np.flatnonzero(self.false_alarms <= allowed)[0]])

    def point(self, name: str, place: int) -> CostPoint:
        """Return a place on the curve by a name."""
        return self.priced(name, float(self.limit[place]), self.escapes[place], self.false_alarms[place])

    def priced(self, name: str, limit: float | None, escapes: float, false_alarms: float) -> CostPoint:
        """Return what so many escapes and false alarms among the parts cost."""
        paid = (self.prices.escape * escapes + self.prices.false_alarm * false_alarms) / self.parts
        shift = self.alarms.shift_parts
        return CostPoint(
            name=name, limit=limit, escapes=float(escapes), false_alarms=float(false_alarms),
            per_thousand=paid * THOUSAND, per_shift=None if shift is None else paid * shift,
        )  # fmt: skip

    def at_share(self, share: float) -> CostCurve:
        """Return the curve of as many parts if ``share`` of them were bad, scored like those counted.

        Counts are then expected ones. There must be good and bad parts.
        """
        good = self.parts - self.bad
        return replace(
            self,
            escapes=self.escapes * (share * self.parts / self.bad),
            false_alarms=self.false_alarms * ((1.0 - share) * self.parts / good),
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CostReport:
    """The curve with what was chosen on it, and what the alternatives cost.

    ``within`` is the cheapest point within the budget, ``cheapest`` that of the whole curve. ``budget`` is the least
    limit within the budget. ``trivial`` are always alarm, never alarm and alarm after N. ``known`` is the share of
    parts whose outcome is known. ``in_hindsight`` says that the parts counted took no part in the choice.
    """

    curve: CostCurve
    budget: float
    chosen: CostPoint
    within: CostPoint
    cheapest: CostPoint
    trivial: tuple[CostPoint, ...]
    known: float = 1.0
    in_hindsight: bool = False

    @property
    def budget_costs(self) -> float:
        """What 1,000 parts cost more because cheaper limits lie beyond the budget."""
        return self.within.per_thousand - self.cheapest.per_thousand

    @property
    def points(self) -> tuple[CostPoint, ...]:
        """The point chosen, the cheapest ones, and the trivial rows."""
        return (self.chosen, self.within, self.cheapest, *self.trivial)


def cost_curve(
    scores: Float64, bad: Bools, group: Names, *, prices: Cost, alarms: FalseAlarms, limits: Sequence[float] = ()
) -> CostCurve:
    """Return the curve over every limit that tells parts apart, and over ``limits``.

    Args:
        scores: of parts with known outcome in the order judged ``(n,)``; minus infinity: never in alarm.
        bad: which do not conform ``(n,)``.
        group: the stretch of each; an alert does not outlast one.
        prices: what an escape and a false alarm cost.
        alarms: how false alarms are counted; by alert only if ``fold`` is more than 0, which takes parts in time.
        limits: limits that are to be on the curve.
    """
    lasting = lowest_of(scores, group, alarms.raise_after) if alarms.per_episode else scores
    before = highest_before(lasting, group, alarms.fold)
    limit = np.unique(np.concatenate((lasting, [-np.inf], np.asarray(limits, dtype=np.float64))))
    good = np.sort(lasting[~bad])
    shadowed = np.sort(np.minimum(lasting, before)[~bad])
    above = len(good) - np.searchsorted(good, limit, "right")
    raised = np.searchsorted(shadowed, limit, "right") - np.searchsorted(good, limit, "right")
    return CostCurve(
        limit=limit,
        escapes=np.searchsorted(np.sort(lasting[bad]), limit, "right").astype(np.float64),
        false_alarms=_without_merging(raised, above).astype(np.float64),
        parts=len(scores),
        bad=int(bad.sum()),
        prices=prices,
        alarms=alarms,
    )


def _without_merging(raised: Int64, above: Int64) -> Int64:
    """Return false alarms at ascending limits by alerts raised and good parts above: never fewer at a lower one."""
    most = len(raised) - 1 - int(np.argmax(raised[::-1]))
    merged = raised[most] + above[:most] - above[most]
    return np.concatenate((merged, np.maximum.accumulate(raised[most:][::-1])[::-1]))


def cost_report(
    curve: CostCurve, bad: Bools, group: Names, *, chosen: float, budget: float, known: float = 1.0, after: int = AFTER
) -> CostReport:
    """Return the curve with the limit chosen and the alternatives; ``budget`` is the least limit within the budget."""
    return CostReport(
        curve=curve,
        budget=budget,
        chosen=replace(curve.point("chosen", curve.at(chosen)), limit=chosen),
        within=curve.point("cheapest within the budget", curve.cheapest(budget)),
        cheapest=curve.point("cheapest of all", curve.cheapest()),
        trivial=trivial_points(curve, bad, group, after),
        known=known,
    )


def trivial_points(curve: CostCurve, bad: Bools, group: Names, after: int = AFTER) -> tuple[CostPoint, ...]:
    """Return what predictors that know nothing cost; each good part in alarm counts, since the alarm never goes out."""
    clock = alarm_after([str(name) for name in group], after)
    rows = {
        "always alarm": np.ones(len(bad), dtype=np.bool_),
        "never alarm": np.zeros(len(bad), dtype=np.bool_),
        f"alarm after {after}": clock,
    }
    return tuple(
        curve.priced(name, None, float(np.sum(bad & ~alarm)), float(np.sum(~bad & alarm)))
        for name, alarm in rows.items()
    )
