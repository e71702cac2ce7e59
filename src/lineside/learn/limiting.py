"""How every family sets its limit, and says what it promises."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lineside.domain.costs import CostReport, cost_curve, cost_report
from lineside.domain.following import FollowFacts, follow_facts
from lineside.domain.limits import Limit, conformal_limit, extended, serial_limit
from lineside.domain.plan.budget import FalseAlarms
from lineside.domain.readings import Float64
from lineside.learn.learned import Task
from lineside.learn.rows import Rows, known, nonconforming, several_groups
from lineside.learn.validation import Bools, HeldOut, alarm_metrics, alert_metrics, fold_limits, ranking_metrics


def limit_on(task: Task, scores: Float64, group: NDArray[np.object_]) -> Limit:
    """Return the limit of a task by scores as `limit_by` takes them."""
    return limit_by(task.alarms, scores, group, timed=task.timed)


def limit_by(alarms: FalseAlarms, scores: Float64, group: NDArray[np.object_], *, timed: bool) -> Limit:
    """Return the limit by scores of conforming rows in their order, NaN where a row has none.

    Rows without time and in one group are taken as exchangeable: their order says nothing.

    Raises:
        DataError: no row has a score.
    """
    scored = ~np.isnan(scores)
    scores, group, rate, certain = scores[scored], group[scored], alarms.rate, alarms.certain
    if timed:
        return serial_limit(scores, rate, group, alarms.fold, alarms.raise_after, certain=certain)
    if several_groups(group):
        return serial_limit(scores, rate, group, certain=certain)
    return extended(conformal_limit(scores, rate, certain=certain), scores)


def held_out_metrics(
    task: Task, held: HeldOut, score: Float64, rows: Rows, good: Bools, *, priced: bool, known: Bools | None = None
) -> dict[str, float]:
    """Return the figures of held-out scores: ranking over all, alarms by the limit that other folds' rows set.

    Args:
        task: what is learned.
        held: how the rows were held out.
        score: their held-out scores ``(n,)``, greater is worse.
        rows: the rows.
        good: which of them set the limit that keeps the budget ``(n,)``.
        priced: whether the model's limit is that of least cost within the budget; else it is widened by its margin.
        known: which of them have a known outcome ``(n,)``; None: all.
    """
    bad = nonconforming(rows, task.characteristic)

    def limit_of(basis: Bools) -> float:
        if priced:
            return priced_limit(task, score[basis], rows.group[basis], bad[basis], good[basis])[0].value
        taken = basis & good
        return limit_on(task, score[taken], rows.group[taken]).value * task.characteristic.model.margin

    limits = fold_limits(held, good, limit_of)
    ranked = held.judged if known is None else held.judged & known
    judged = held.judged & np.isfinite(limits)
    alarm, wrong = score[judged] > limits[judged], bad[judged]
    alerts = alert_metrics(alarm, wrong, rows.group[judged], task.characteristic.alert) if task.timed else {}
    return {**ranking_metrics(score[ranked], bad[ranked]), **alarm_metrics(alarm, wrong), **alerts}


def priced_limit(
    task: Task, scores: Float64, group: NDArray[np.object_], bad: Bools, good: Bools
) -> tuple[Limit, CostReport | None]:
    """Return the limit of least cost among those by which good parts keep the budget, taken as `by_cost` takes them."""
    return by_cost(task, limit_on(task, scores[good], group[good]), scores, group, bad)


def by_cost(
    task: Task, least: Limit, scores: Float64, group: NDArray[np.object_], bad: Bools
) -> tuple[Limit, CostReport | None]:
    """Return the limit of least cost not below one that keeps the budget, and the curve it was chosen on.

    Args:
        task: says the prices and how false alarms are counted.
        least: the limit that the budget sets; it stays where no part is bad, since nothing is then known of escapes.
        scores: held-out scores of parts with known outcome in the order judged ``(n,)``.
        group: the stretch of each ``(n,)``.
        bad: which of them do not conform ``(n,)``.
    """
    report = costs_of(task, least, scores, group, bad)
    if report is None or report.within.limit is None:
        return least, None
    return replace(least, value=report.within.limit), replace(report, chosen=replace(report.within, name="chosen"))


def costs_of(task: Task, limit: Limit, scores: Float64, group: NDArray[np.object_], bad: Bools) -> CostReport | None:
    """Return what a limit within the budget costs by scores as `by_cost` takes them; None where no part is bad."""
    if not bad.any():
        return None
    alarms = task.alarms if task.timed else replace(task.alarms, fold=0, raise_after=1)
    curve = cost_curve(scores, bad, group, prices=task.characteristic.cost, alarms=alarms, limits=(limit.value,))
    return cost_report(curve, bad, group, chosen=limit.value, budget=limit.value, known=float(known(task.rows).mean()))


def follow_on(task: Task, scores: Float64, limit: Limit) -> FollowFacts | None:
    """Return how the limit follows, by scores of conforming rows in their order; None where it is not to, or cannot."""
    share = task.characteristic.model.follow
    if not share or not task.timed:
        return None
    return follow_facts(scores[~np.isnan(scores)], limit.value, limit.effective, share)


def following(limit: Limit, facts: FollowFacts | None) -> tuple[str, ...]:
    """Return in words how a limit follows; nothing where it does not."""
    if facts is None:
        return ()
    low, high = limit.value - facts.reach, limit.value + facts.reach
    reach = f"from {low:.6g} to {high:.6g} at most, in {facts.parts_to_reach} parts at least"
    return (f"follows slow change by unsuspected parts, {reach}: a fault that grows more slowly is seen from there on",)


def promise(limit: Limit, alarms: FalseAlarms) -> tuple[str, ...]:
    """Return in words what a limit promises, and from how many rows."""
    shift = "" if alarms.shift_parts is None else f" ({limit.guaranteed * alarms.shift_parts:.3g} a shift)"
    unit = "an alert at" if limit.per_episode else "an alarm on"
    held = f"promises {unit} at most {limit.guaranteed:.3%} of parts like those{shift}, on average over such limits"
    rows = f"by {limit.rows} rows worth {limit.effective:.0f} independent ones"
    words = [
        f"{held}, {rows}",
        f"nine of ten such limits stay below {limit.likely_at_most:.3%}; asked for: {limit.nominal:.3%}, {alarms.why}",
    ]
    if not limit.keeps_its_rate:
        beyond = "; it follows a modelled tail to there, which is no promise" if limit.modelled else ""
        words.append(f"too few parts to promise what is asked for: {limit.enough} independent ones could{beyond}")
    return tuple(words)
