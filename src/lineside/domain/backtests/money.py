"""What the limits of a backtest cost in money, and what the same limits would, all moved up or down."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lineside.domain.backtests.figures import truth_of
from lineside.domain.backtests.judged import Floats, Judged
from lineside.domain.costs import CostReport, cost_curve, cost_report
from lineside.domain.plan.budget import false_alarms
from lineside.domain.plan.model import Characteristic, Plan
from lineside.domain.predictions import JudgementState

_JUDGED = (JudgementState.NORMAL.value, JudgementState.ALARM.value)


def money_of(plan: Plan, characteristic: Characteristic, judged: Judged, after: int) -> CostReport | None:
    """Return the costs over limits relative to those in force (0: as they were); None without good and bad units.

    ``after`` is the trivial clock's number of units. Only units with known outcome are counted. The cheapest points
    are known in hindsight: nothing was chosen on these units.
    """
    bad, known = truth_of(characteristic, judged.outcome)
    if not bad[known].any() or bad[known].all():
        return None
    alarms = false_alarms(plan, characteristic)
    if judged.time is None:
        alarms = replace(alarms, fold=0, raise_after=1)
    counted = judged.take(known)
    curve = cost_curve(
        above_limit(counted),
        bad[known],
        counted.group,
        prices=characteristic.cost,
        alarms=alarms,
        limits=(0.0,),
    )
    report = cost_report(
        curve, bad[known], counted.group, chosen=0.0, budget=curve.within_budget(),
        known=float(known.mean()), after=after,
    )  # fmt: skip
    return replace(report, in_hindsight=True, chosen=replace(report.chosen, name="limits in force"))


def above_limit(judged: Judged) -> Floats:
    """Return how far each score was above the limit in force: positive where there was an alarm, and only there.

    Units that were not judged, and were in no alarm, are never above any limit.
    """
    state = np.array(judged.state, dtype=object)
    gap = judged.score - judged.limit
    gap = np.where(np.isnan(gap), np.where(judged.alarm, np.inf, -np.inf), gap)
    gap = np.where(judged.alarm, np.where(gap > 0, gap, np.inf), np.minimum(gap, 0.0))
    return np.where(np.isin(state, _JUDGED), gap, -np.inf).astype(np.float64)
