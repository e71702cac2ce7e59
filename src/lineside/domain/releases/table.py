"""Every state of a release and every step between them, in one table.

A model is learned as a *draft*. In the *shadow* it scores the parts that the line makes and raises nothing. As a
*canary* it judges a share of the parts, or some stations. The *champion* judges what no canary does. *Retired*
releases judge nothing; the champion before the last one is what a rollback calls back.

A revision of the control plan goes the same way, in two steps: somebody *proposes* it, and when two others have
approved it, it is put *in force*; the one before is *withdrawn*.

A step that puts a model before people needs evidence and two persons; a step that takes one away needs only somebody
who may, and a reason: going back must never wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Rung(StrEnum):
    """Where a release stands; ``NONE``: it is not on the ladder."""

    NONE = "none"
    DRAFT = "draft"
    SHADOW = "shadow"
    CANARY = "canary"
    CHAMPION = "champion"
    RETIRED = "retired"
    PROPOSED = "proposed"
    IN_FORCE = "in force"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    """What happens to a release."""

    DRAFTED = "drafted"
    SHADOWED = "shadowed"
    APPROVED = "approved"
    CANARIED = "canaried"
    CROWNED = "crowned"
    SUPERSEDED = "superseded"
    STEPPED_BACK = "stepped_back"
    ROLLED_BACK = "rolled_back"
    CALLED_BACK = "called_back"
    RETIRED = "retired"
    REOPENED = "reopened"
    FOUND = "found"
    PROPOSED = "proposed"
    ENFORCED = "enforced"


class Need(StrEnum):
    """What a step needs beside a reason and somebody who may take it."""

    READY = "a readiness report that says ready"
    TWO_PERSONS = "the approval of two persons, none of them its author"
    NOT_AUTHOR = "somebody who is not its author and has not approved yet"
    BEFORE = "that it was the champion before"
    SYSTEM = "that it judged before there was a ladder, or is a demo (exempt, and watermarked)"


@dataclass(frozen=True, slots=True)
class Row:
    """Where a step leads, and what it needs."""

    then: Rung
    needs: frozenset[Need] = frozenset()


MEANING: Final[Mapping[Step, str]] = MappingProxyType(
    {
        Step.DRAFTED: "somebody puts it on the ladder, and is its author from then on",
        Step.SHADOWED: "it scores the line's parts and raises nothing",
        Step.APPROVED: "a person approves the next step upwards",
        Step.CANARIED: "it judges a share of the parts, or some stations",
        Step.CROWNED: "it judges the line",
        Step.SUPERSEDED: "another one has become the champion",
        Step.STEPPED_BACK: "the canary is ended; it goes on in the shadow",
        Step.ROLLED_BACK: "the champion is taken back",
        Step.CALLED_BACK: "the champion before is called back in a rollback",
        Step.RETIRED: "it is not wanted any more",
        Step.REOPENED: "it starts again from the bottom",
        Step.FOUND: "it is taken up as it judges already",
        Step.PROPOSED: "somebody proposes a revision of the plan, and is its author",
        Step.ENFORCED: "the revision of the plan may be given to gateways",
    }
)
_UP: Final = frozenset({Need.READY, Need.TWO_PERSONS})
TRANSITIONS: Final[Mapping[tuple[Rung, Step], Row]] = MappingProxyType(
    {
        (Rung.NONE, Step.DRAFTED): Row(Rung.DRAFT),
        (Rung.NONE, Step.FOUND): Row(Rung.CHAMPION, frozenset({Need.SYSTEM})),
        (Rung.DRAFT, Step.SHADOWED): Row(Rung.SHADOW),
        (Rung.DRAFT, Step.RETIRED): Row(Rung.RETIRED),
        (Rung.SHADOW, Step.APPROVED): Row(Rung.SHADOW, frozenset({Need.NOT_AUTHOR})),
        (Rung.SHADOW, Step.CANARIED): Row(Rung.CANARY, _UP),
        (Rung.SHADOW, Step.RETIRED): Row(Rung.RETIRED),
        (Rung.CANARY, Step.APPROVED): Row(Rung.CANARY, frozenset({Need.NOT_AUTHOR})),
        (Rung.CANARY, Step.CROWNED): Row(Rung.CHAMPION, _UP),
        (Rung.CANARY, Step.STEPPED_BACK): Row(Rung.SHADOW),
        (Rung.CANARY, Step.RETIRED): Row(Rung.RETIRED),
        (Rung.CHAMPION, Step.SUPERSEDED): Row(Rung.RETIRED),
        (Rung.CHAMPION, Step.ROLLED_BACK): Row(Rung.RETIRED),
        (Rung.RETIRED, Step.CALLED_BACK): Row(Rung.CHAMPION, frozenset({Need.BEFORE})),
        (Rung.RETIRED, Step.REOPENED): Row(Rung.DRAFT),
        (Rung.NONE, Step.PROPOSED): Row(Rung.PROPOSED),
        (Rung.PROPOSED, Step.APPROVED): Row(Rung.PROPOSED, frozenset({Need.NOT_AUTHOR})),
        (Rung.PROPOSED, Step.ENFORCED): Row(Rung.IN_FORCE, frozenset({Need.TWO_PERSONS})),
        (Rung.PROPOSED, Step.RETIRED): Row(Rung.WITHDRAWN),
        (Rung.IN_FORCE, Step.SUPERSEDED): Row(Rung.WITHDRAWN),
        (Rung.WITHDRAWN, Step.PROPOSED): Row(Rung.PROPOSED),
    }
)


def row_of(rung: Rung, step: Step) -> Row:
    """Return where a step leads; raises `ValueError` for one that cannot be taken there."""
    try:
        return TRANSITIONS[rung, step]
    except KeyError:
        raise ValueError(f"a release that is {rung} cannot be {step}") from None


def ladder_table() -> str:
    """Return the table as Markdown, for the documentation."""
    lines = ["| stands | what happens | stands then | needs |", "|---|---|---|---|"]
    for (rung, step), row in TRANSITIONS.items():
        needs = "; ".join(sorted(row.needs)) or "a reason"
        lines.append(f"| {rung} | `{step}`: {MEANING[step]} | {row.then} | {needs} |")
    return "\n".join(lines) + "\n"
