"""What may be given as the cause when an alert is closed."""

from __future__ import annotations

from typing import Final

from lineside.apps.plant.floor.views import CauseChoice
from lineside.apps.web.language import word
from lineside.domain.plan.model import Plan, Reaction

NO_DEFECT_REASONS: Final = (
    CauseChoice(code="looked_good", label=word("Parts are good")),
    CauseChoice(code="changeover", label=word("Changeover or warm-up")),
    CauseChoice(code="sensor", label=word("Sensor is wrong")),
    CauseChoice(code="known_work", label=word("Known work on the machine")),
    CauseChoice(code="other", label=word("Other")),
)
"""Reasons for "not a problem", the same on every line, so that they can be compared."""

OTHER: Final = CauseChoice(code="other", label=word("Another cause"))


def cause_choices(plan: Plan, characteristic: str) -> tuple[CauseChoice, ...]:
    """Return the causes that may be given for a confirmed defect: those of the plan, and another."""
    named = tuple(CauseChoice(code=item.id, label=_cause(plan, item)) for item in plan.reactions_to(characteristic))
    return (*(choice for choice in named if choice.code != OTHER.code), OTHER)


def cause_label(plan: Plan, characteristic: str, code: str) -> str:
    """Return in words what was given as the cause or the reason; the code itself where it is of an older plan."""
    choices = (*cause_choices(plan, characteristic), *NO_DEFECT_REASONS)
    return next((choice.label for choice in choices if choice.code == code), code.replace("_", " "))


def _cause(plan: Plan, reaction: Reaction) -> str:
    if reaction.name:
        return reaction.name
    if not reaction.signals:
        return word("No single cause")
    labels = [plan.signal(name).label.replace("_", " ") for name in reaction.signals]
    return ", ".join(labels)
