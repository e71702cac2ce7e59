"""What a limit makes of held-out scores, as people at the line meet it: alarms by the shift, and what they find."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lineside.domain.adoption.case import Bools, Case
from lineside.domain.metrics.bootstrap import group_interval
from lineside.domain.metrics.confusion import confusion
from lineside.domain.metrics.episodes import episodes_of
from lineside.domain.plan.budget import shift_hours
from lineside.domain.plan.model import AlertDelays, Plan
from lineside.domain.readings import Int64
from lineside.domain.units import HOUR


@dataclass(frozen=True, kw_only=True, slots=True)
class Alarms:
    """Alarms of a scheme under one rule; intervals are 90 %, NaN where there is none.

    ``false_per_shift`` counts episodes raised on good parts, ``parts_per_shift`` is NaN where it is not known.
    """

    rule: str
    parts: int
    nonconforming: int
    recall: float
    recall_low: float
    recall_high: float
    precision: float
    false_alarm_rate: float
    rate_low: float
    rate_high: float
    false_per_shift: float
    per_shift_low: float
    per_shift_high: float
    parts_per_shift: float


def parts_per_shift(plan: Plan, case: Case) -> float:
    """Return how many parts a shift makes by the usual spacing of the data; NaN where they have no time."""
    if case.time is None or len(case) < 2:
        return float("nan")
    gaps = np.diff(case.time)[case.group[1:] == case.group[:-1]]
    gaps = gaps[gaps > 0]
    return shift_hours(plan) * HOUR / float(np.median(gaps)) if len(gaps) else float("nan")


def alarms_under(
    rule: str, case: Case, alarm: Bools, delays: AlertDelays, per_shift: float, stretch: Int64, seed: int
) -> Alarms:
    """Return the figures of alarms on a case's parts, which stand in the order made within each group."""
    bad = case.bad
    counts = confusion(bad, alarm)
    raised = np.zeros(len(case), dtype=np.bool_)
    raised[[item.first for item in episodes_of(alarm, list(case.group), delays.clear_after, delays.raise_after)]] = True
    false = raised & ~bad
    names = [str(item) for item in stretch]

    def interval(of: Bools, among: Bools, scale: float) -> tuple[float, float]:
        def measure(rows: Int64) -> float:
            whole = int(among[rows].sum())
            return scale * float((of & among)[rows].sum()) / whole if whole else float("nan")

        return group_interval(measure, names, seed=seed)

    recall, rate = interval(alarm, bad, 1.0), interval(alarm, ~bad, 1.0)
    shift = interval(false, np.ones_like(bad), per_shift) if np.isfinite(per_shift) else (float("nan"), float("nan"))
    return Alarms(
        rule=rule,
        parts=len(case),
        nonconforming=int(bad.sum()),
        recall=counts.recall,
        recall_low=recall[0],
        recall_high=recall[1],
        precision=counts.precision,
        false_alarm_rate=counts.false_alarm_rate,
        rate_low=rate[0],
        rate_high=rate[1],
        false_per_shift=per_shift * float(false.sum()) / len(case) if len(case) else float("nan"),
        per_shift_low=shift[0],
        per_shift_high=shift[1],
        parts_per_shift=per_shift,
    )
