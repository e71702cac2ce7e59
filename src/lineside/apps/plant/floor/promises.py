"""What is promised of open alerts: by the plan's reactions, who is to do what by when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lineside.apps.plant.floor.views import Card, StepView


@dataclass(frozen=True, kw_only=True, slots=True)
class Promise:
    """A step that is to be done: ``who`` is a role, ``due`` UTC ns, 0 where the plan has no reaction."""

    card: Card
    step: StepView
    who: str
    due: int


def promises_of(cards: Iterable[Card]) -> tuple[Promise, ...]:
    """Return every step of the cards that is not done, what is due first before the others.

    It is for whom the plan names at the step, else for whoever took the alert, else for whose it is now.
    """
    found = [
        Promise(card=card, step=step, who=step.owner or card.taken_by.partition(" ")[0] or card.owner, due=step.due)
        for card in cards
        for step in card.steps
        if not step.done
    ]
    return tuple(sorted(found, key=lambda promise: (promise.due, promise.card.id)))
