"""What solved the same cause before: how often the line came back to normal after which step of the reaction.

A step solved an alert when it was the last adjusting step done before the condition ended, and the alert was confirmed
with the same cause. Only steps that adjust can solve. In the plan's order they change places among themselves and
with nothing else: what is stopped, segregated or inspected first stays first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lineside.domain.alerts import Alert, AlertKind, Verdict
from lineside.domain.plan.model import Step, StepKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Remedies:
    """How often (by the step's text) a step solved a cause, ``of`` the times that the cause was solved by one."""

    solved: Mapping[str, int] = field(default_factory=dict)
    of: int = 0


def remedies(alerts: Iterable[Alert], steps: Sequence[Step]) -> Remedies:
    """Return what solved earlier alerts of one cause; ``steps`` are those of the cause's reaction."""
    adjusting = {step.text for step in steps if step.do is StepKind.ADJUST}
    found = Counter(text for alert in alerts if (text := _remedy(alert, adjusting)))
    return Remedies(solved=found, of=found.total())


def _remedy(alert: Alert, adjusting: Collection[str]) -> str:
    """Return the text of the step that solved an alert, ``""`` where none did or nobody can tell."""
    closed, latest = alert.closed, alert.latest_condition
    if closed is None or closed.verdict is not Verdict.CONFIRMED or closed.cause_code not in {"", alert.cause}:
        return ""
    if latest is None or latest.kind is not AlertKind.CLEARED:
        return ""
    done = [event.text for event in alert.events if event.kind is AlertKind.STEP and event.time <= latest.time]
    return next((text for text in reversed(done) if text in adjusting), "")


def in_order(steps: Sequence[Step], known: Remedies) -> tuple[tuple[int, Step], ...]:
    """Return the steps with their numbers in the plan (from 1): adjusting ones by how often they solved the cause.

    Equal ones keep the plan's order.
    """
    numbered = list(enumerate(steps, start=1))
    adjusting = [item for item in numbered if item[1].do is StepKind.ADJUST]
    best = iter(sorted(adjusting, key=lambda item: -known.solved.get(item[1].text, 0)))
    return tuple(next(best) if step.do is StepKind.ADJUST else (number, step) for number, step in numbered)
