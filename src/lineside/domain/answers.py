"""From an answer to a label: in quarantine until a measurement or a second person confirms it.

One tap at the end of a long shift is no truth to learn from, and whoever can answer could teach the model what they
like. So what one person says of an alert trains nothing. It becomes a label when somebody else agrees, or when
inspection finds the same; where inspection finds the opposite, the measurement holds and the answer is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lineside.domain.alerts import Alert, AlertEvent, AlertKind, Verdict
from lineside.domain.outcomes import AGREED, CONFORMING, NONCONFORMING, Outcome
from lineside.domain.plan.model import Characteristic, CharacteristicKind


class Standing(StrEnum):
    """How far an answer can be believed."""

    QUARANTINED = "quarantined"
    AGREED = "agreed"
    MEASURED = "measured"
    CONTRADICTED = "contradicted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """An answer that says whether an alert was right, and how far it can be believed."""

    alert: str
    right: bool
    by: str
    given: int
    standing: Standing

    @property
    def trains(self) -> bool:
        """Whether a model may learn from it."""
        return self.standing in {Standing.AGREED, Standing.MEASURED}


def label_of(alert: Alert, *, measured: bool | None) -> Label | None:
    """Return the label that an alert's closing answer makes, None where it says nothing.

    ``measured`` says whether a part of the alert was found nonconforming, None where none was measured.
    """
    closed = alert.closed
    if closed is None or closed.verdict not in {Verdict.CONFIRMED, Verdict.NO_DEFECT}:
        return None
    right = closed.verdict is Verdict.CONFIRMED
    if measured is not None:
        standing = Standing.MEASURED if measured is right else Standing.CONTRADICTED
    else:
        standing = Standing.AGREED if agreement(alert) is not None else Standing.QUARANTINED
    return Label(alert=alert.id, right=right, by=closed.by, given=closed.time, standing=standing)


def agreement(alert: Alert) -> AlertEvent | None:
    """Return the answer of a second person that agrees with the closing one, None where there is none."""
    closed = alert.closed
    if closed is None:
        return None
    return next((event for event in alert.events if event.kind is AlertKind.AGREED and agrees(closed, event)), None)


def agrees(closed: AlertEvent, other: AlertEvent) -> bool:
    """Return whether another answer is somebody else's, later, and says the same."""
    return bool(other.by) and other.by != closed.by and other.verdict is closed.verdict and other.time >= closed.time


def outcome_from(alert: Alert, characteristic: Characteristic, now: int) -> Outcome | None:
    """Return the outcome that two people agree on for the part that raised the alert.

    None where they do not agree, where nobody knows the part, or where the outcome is a class or a value, which a yes
    or no does not give.
    """
    raised, second = alert.raised, agreement(alert)
    yes_or_no = characteristic.kind is CharacteristicKind.ATTRIBUTE and not characteristic.classes
    if raised is None or second is None or not raised.unit or not yes_or_no:
        return None
    return Outcome(
        unit=raised.unit,
        characteristic=characteristic.id,
        value=NONCONFORMING if second.verdict is Verdict.CONFIRMED else CONFORMING,
        found=second.time,
        source=AGREED,
        recorded=now,
    )
