"""Rule coverage: whatever a released model can say, the plan has a threshold, a priority, a reaction and a text for it.

A model that can call a part something for which nobody knows what to do must not judge: its alert would be one more
sign to ignore.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from lineside.domain.outcomes import NONCONFORMING
from lineside.domain.plan.model import Plan, Reaction
from lineside.domain.said import say


def uncovered(plan: Plan, characteristic: str, nonconforming: Iterable[str], limit: float) -> tuple[str, ...]:
    """Return what the plan lacks for a model of a characteristic, each with the next step; empty if nothing.

    Args:
        plan: the control plan in force.
        characteristic: what the model judges.
        nonconforming: the classes that the model can call nonconforming; empty: it only knows conforming or not.
        limit: the threshold that its scores are compared with.
    """
    if characteristic not in {item.id for item in plan.characteristics}:
        return (
            say("the plan has no characteristic '{name}': add it, or release no model for it", name=characteristic),
        )
    lacks: list[str] = (
        [] if math.isfinite(limit) else [say("'{name}' has no threshold: train the model again", name=characteristic)]
    )
    general = [item for item in plan.reactions_to(characteristic) if not item.signals]
    for name in tuple(nonconforming) or (NONCONFORMING,):
        lacks += _lacking(characteristic, name, [item for item in general if not item.classes or name in item.classes])
    return tuple(lacks)


def _lacking(characteristic: str, name: str, reactions: list[Reaction]) -> list[str]:
    """Return what an alarm of a class lacks; priority and steps are never missing in a reaction that is there."""
    if not reactions:
        return [
            say(
                "an alarm of '{characteristic}' as '{name}' has no reaction for any cause: add a reaction with "
                "'characteristic: {characteristic}' and without 'signals'",
                characteristic=characteristic,
                name=name,
            )
        ]
    return []
