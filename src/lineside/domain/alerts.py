"""Alerts: the life cycle of ISA-18.2 / IEC 62682, folded from two independent streams of events.

The gateway owns what the process does (*condition*: raised, updated, cleared); people own what they answer
(*response*: acknowledged, taken, shelved, closed). Either may arrive first; the state is the fold of both,
and the same events in any order give the same state. ``STATES`` is the one table of the resulting states.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from lineside.domain.plan.model import Priority
from lineside.domain.predictions import Contribution


class AlertKind(StrEnum):
    """What an alert event says."""

    RAISED = "raised"
    UPDATED = "updated"
    CLEARED = "cleared"
    ACKNOWLEDGED = "acknowledged"
    TAKEN = "taken"
    HELP = "help"
    SHELVED = "shelved"
    STEP = "step"
    CLOSED = "closed"


CONDITION_KINDS: Final = frozenset({AlertKind.RAISED, AlertKind.UPDATED, AlertKind.CLEARED})
RESPONSE_KINDS: Final = frozenset(AlertKind) - CONDITION_KINDS


class Verdict(StrEnum):
    """One tap: was it real?"""

    CONFIRMED = "defect_confirmed"
    NO_DEFECT = "no_defect"
    NOT_CHECKED = "not_checked"


class AlertState(StrEnum):
    """State of an alert (ISA-18.2, figure of alarm states)."""

    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned"
    SHELVED = "shelved"
    NORMAL = "normal"
    CLOSED = "closed"


STATES: Final[Mapping[tuple[bool, bool], AlertState]] = {
    # (condition active, acknowledged)
    (True, False): AlertState.UNACKNOWLEDGED,
    (True, True): AlertState.ACKNOWLEDGED,
    (False, False): AlertState.RETURNED,
    (False, True): AlertState.NORMAL,
}
"""State by the two orthogonal substates; shelving hides it for a time, closing ends it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertEvent:
    """One event in the life of one alert; ``id`` is deterministic, so that a redelivery changes nothing.

    Condition events carry what was seen (unit, score, limit, risk, contributions as frozen when raised);
    response events carry what was answered. ``by`` is a role or pseudonym, never a name. ``late`` marks a
    containment alert: the parts were judged too late for it to be live.
    """

    id: str
    alert_id: str
    kind: AlertKind
    time: int
    station: str
    characteristic: str
    cause: str
    writer: str
    priority: Priority = Priority.HIGH
    text: str = ""
    cycle_id: str = ""
    unit: str = ""
    score: float | None = None
    limit: float | None = None
    risk: float | None = None
    contributions: tuple[Contribution, ...] = ()
    suspects: tuple[str, ...] = ()
    late: bool = False
    received: int = 0
    by: str = ""
    verdict: Verdict | None = None
    cause_code: str = ""
    note: str = ""
    step: int | None = None
    until: int = 0
    model: str = ""
    plan: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Alert:
    """One alert as its events so far make it."""

    id: str
    station: str
    characteristic: str
    cause: str
    events: tuple[AlertEvent, ...] = field(default=(), repr=False)

    @property
    def raised(self) -> AlertEvent | None:
        """The event that raised it, None while only answers have arrived."""
        return self._last(AlertKind.RAISED)

    @property
    def latest_condition(self) -> AlertEvent | None:
        """The newest condition event."""
        return next((event for event in reversed(self.events) if event.kind in CONDITION_KINDS), None)

    @property
    def active(self) -> bool:
        """Whether the condition still holds."""
        latest = self.latest_condition
        return latest is not None and latest.kind is not AlertKind.CLEARED

    @property
    def acknowledged(self) -> bool:
        """Whether a person has answered in any way."""
        return any(event.kind in RESPONSE_KINDS and event.kind is not AlertKind.SHELVED for event in self.events)

    @property
    def closed(self) -> AlertEvent | None:
        """The newest closing answer, with its verdict; None while open."""
        return self._last(AlertKind.CLOSED)

    @property
    def suspects(self) -> tuple[str, ...]:
        """The suspect units since the last good part, in the order in which they were seen."""
        units = (unit for event in self.events if event.kind in CONDITION_KINDS for unit in event.suspects)
        return tuple(dict.fromkeys(units))

    def state(self, now: int) -> AlertState:
        """Return the alert's state at the time ``now`` (UTC ns)."""
        if self.closed is not None:
            return AlertState.CLOSED
        shelved = self._last(AlertKind.SHELVED)
        if shelved is not None and shelved.until > now:
            return AlertState.SHELVED
        return STATES[self.active, self.acknowledged]

    def _last(self, kind: AlertKind) -> AlertEvent | None:
        return next((event for event in reversed(self.events) if event.kind is kind), None)


def fold(events: Iterable[AlertEvent]) -> dict[str, Alert]:
    """Return the alerts that the events make, by id; duplicates and order do not matter."""
    alerts: dict[str, Alert] = {}
    for event in sorted({event.id: event for event in events}.values(), key=lambda item: (item.time, item.id)):
        known = alerts.get(event.alert_id)
        if known is None:
            known = Alert(
                id=event.alert_id, station=event.station, characteristic=event.characteristic, cause=event.cause
            )
        alerts[event.alert_id] = replace(known, events=(*known.events, event))
    return alerts
