"""Rules about reactions: whatever a model can say, somebody knows what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lineside.domain.outcomes import NONCONFORMING
from lineside.domain.plan.findings import Finding, Path
from lineside.domain.plan.model import Priority, SpecialClass, StepKind
from lineside.domain.plan.view import View, mistake, warning
from lineside.domain.units import format_duration


def every_class_has_a_reaction(view: View) -> Iterator[Finding]:
    """Each class that a model can call nonconforming has a reaction for any cause."""
    for position, item in enumerate(view.plan.characteristics):
        general = [reaction for _, reaction in view.reactions_to(item.id, "alarm") if not reaction.signals]
        for name in item.nonconforming or (NONCONFORMING,):
            if not any(not reaction.classes or name in reaction.classes for reaction in general):
                yield mistake(
                    "no-reaction",
                    ("characteristics", position),
                    f"an alarm of '{item.id}' ({name}) has no reaction for any cause",
                    next_step=f"add a reaction with 'characteristic: {item.id}' and without 'signals'",
                )
        if not any(view.reactions_to(item.id, "outside_experience")):
            yield warning(
                "outside-experience",
                ("characteristics", position),
                "nothing says what to do when conditions are outside what was learned",
                next_step="add a reaction with 'when: outside_experience'",
            )


def no_cause_has_two_reactions(view: View) -> Iterator[Finding]:
    """It is plain which reaction answers a cause."""
    first: dict[tuple[object, ...], int] = {}
    for position, item in enumerate(view.plan.reactions):
        for name in item.classes or ("",):
            key = (item.characteristic, item.when, frozenset(item.signals), name)
            if key in first:
                yield mistake(
                    "two-reactions",
                    ("reactions", position),
                    f"reactions[{first[key]}] '{view.plan.reactions[first[key]].id}' answers the same cause",
                    next_step="tell them apart by 'signals' or 'classes', or merge them",
                )
            first.setdefault(key, position)


def critical_means_critical(view: View) -> Iterator[Finding]:
    """A critical characteristic has a critical reaction."""
    for position, item in enumerate(view.plan.characteristics):
        if item.special_class is not SpecialClass.CRITICAL:
            continue
        if all(reaction.priority is not Priority.CRITICAL for _, reaction in view.reactions_to(item.id, "alarm")):
            yield warning(
                "priority",
                ("characteristics", position, "special_class"),
                "a critical characteristic without a reaction of priority 'critical'",
            )


def escalations_are_in_order(view: View) -> Iterator[Finding]:
    """Escalations follow each other, the first not before the owner's time is up."""
    for position, item in enumerate(view.plan.reactions):
        path: Path = ("reactions", position, "escalation")
        times = [step.after for step in item.escalation]
        if times != sorted(times):
            yield mistake("escalation-order", path, "escalations are not in order of 'after'")
        elif times and times[0] < item.within:
            yield warning(
                "escalation-early",
                (*path, 0, "after"),
                f"escalates after {format_duration(times[0])}; the owner has {format_duration(item.within)}",
            )


def segregated_parts_are_released(view: View) -> Iterator[Finding]:
    """Where parts are segregated, somebody may release them."""
    for position, item in enumerate(view.plan.reactions):
        if not item.release_authority and any(step.do is StepKind.SEGREGATE for step in item.steps):
            yield warning(
                "release-authority",
                ("reactions", position),
                "parts are segregated, and nobody is named to release them",
            )


REACTION_RULES: Final = (
    every_class_has_a_reaction,
    no_cause_has_two_reactions,
    critical_means_critical,
    escalations_are_in_order,
    segregated_parts_are_released,
)
