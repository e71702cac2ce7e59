"""How every family sets its limit, and says what it promises."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lineside.domain.following import FollowFacts, follow_facts
from lineside.domain.limits import Limit, conformal_limit, extended, serial_limit
from lineside.domain.plan.budget import FalseAlarms
from lineside.domain.readings import Float64
from lineside.learn.learned import Task
from lineside.learn.rows import several_groups


def limit_on(task: Task, scores: Float64, group: NDArray[np.object_]) -> Limit:
    """Return the limit by scores of conforming rows in their order, NaN where a row has none.

    Rows without time and in one group are taken as exchangeable: their order says nothing.

    Raises:
        DataError: no row has a score.
    """
    known = ~np.isnan(scores)
    alarms = task.alarms
    if task.timed:
        return serial_limit(scores[known], alarms.rate, group[known], alarms.fold, alarms.raise_after)
    if several_groups(group):
        return serial_limit(scores[known], alarms.rate, group[known])
    return extended(conformal_limit(scores[known], alarms.rate), scores[known])


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
