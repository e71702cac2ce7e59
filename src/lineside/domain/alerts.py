"""Alerts: the life cycle of ISA-18.2 / IEC 62682, folded from two independent streams of events.

The gateway owns what the process does (*condition*: raised, updated, cleared); people own what they answer
(*response*: acknowledged, taken, shelved, closed). Either may arrive first; the state is the fold of both,
and the same events in any order give the same state. ``STATES`` is the one table of the resulting states.

Beside these states an alert may be *held back* (``HELD``): shelved by a person for a time or until it is over, out of
service until a person returns it, or suppressed by design, because the gateway said from its first part on that the
station was in a context in which the plan asks for silence. The first two hold the whole alarm *point* (station,
characteristic, cause): the next alert of the same cause is held back as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
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
    UNSHELVED = "unshelved"
    OUT_OF_SERVICE = "out_of_service"
    IN_SERVICE = "in_service"
    STEP = "step"
    CLOSED = "closed"
    AGREED = "agreed"


CONDITION_KINDS: Final = frozenset({AlertKind.RAISED, AlertKind.UPDATED, AlertKind.CLEARED})
RESPONSE_KINDS: Final = frozenset(AlertKind) - CONDITION_KINDS
HOLD_KINDS: Final = frozenset({AlertKind.SHELVED, AlertKind.UNSHELVED, AlertKind.OUT_OF_SERVICE, AlertKind.IN_SERVICE})
"""Answers about the alarm point: they say nothing of whether anybody has seen the alert."""


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
    LATCHED = "latched"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed"
    OUT_OF_SERVICE = "out_of_service"
    NORMAL = "normal"
    CLOSED = "closed"


STATES: Final[Mapping[tuple[bool, bool, bool], AlertState]] = {
    # (condition active, acknowledged, latching)
    (True, False, False): AlertState.UNACKNOWLEDGED,
    (True, True, False): AlertState.ACKNOWLEDGED,
    (False, False, False): AlertState.RETURNED,
    (False, True, False): AlertState.NORMAL,
    (True, False, True): AlertState.UNACKNOWLEDGED,
    (True, True, True): AlertState.ACKNOWLEDGED,
    (False, False, True): AlertState.LATCHED,
    (False, True, True): AlertState.LATCHED,
}
"""State by three orthogonal substates. A latching alert that is over stays until a person closes it."""

HELD: Final = (AlertState.OUT_OF_SERVICE, AlertState.SUPPRESSED, AlertState.SHELVED)
"""The ways in which an alert is held back; where several hold, the first is shown. Closing ends an alert in any."""
OPEN: Final = frozenset({AlertState.UNACKNOWLEDGED, AlertState.ACKNOWLEDGED, AlertState.RETURNED, AlertState.LATCHED})
"""The states of an alert that wants something of somebody."""

Point = tuple[str, str, str, bool]
"""An alarm point: station, characteristic, cause, and whether it is of parts that were judged late."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertEvent:
    """One event in the life of one alert; ``id`` is deterministic, so that a redelivery changes nothing.

    Condition events carry what was seen (unit, score, limit, risk, contributions as frozen when raised);
    response events carry what was answered. ``by`` is a role or pseudonym, never a name. ``late`` marks a
    containment alert: the parts were judged too late for it to be live. ``suppressed`` is the plan's reason for
    silence in whose context the part was made, ``""`` in none; ``latching`` says that the plan wants the alert closed
    by a person. ``until`` ends a shelving (UTC ns); ``one_shot`` ends it earlier, when the alert is over. The ``text``
    of a step that was done is the step's; ``measured`` is the value that it took, in ``measured_unit``.
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
    suppressed: str = ""
    latching: bool = False
    one_shot: bool = False
    measured: float | None = None
    measured_unit: str = ""

    @property
    def point(self) -> Point:
        """The alarm point that it belongs to."""
        return self.station, self.characteristic, self.cause, self.late


_RAISED: Final = frozenset({AlertKind.RAISED})
_CLOSED: Final = frozenset({AlertKind.CLOSED})
_SEEN: Final = frozenset({AlertKind.RAISED, AlertKind.UPDATED})
_ANSWERS: Final = RESPONSE_KINDS - HOLD_KINDS


@dataclass(frozen=True, kw_only=True, slots=True)
class Alert:
    """One alert as its events so far make it; ``holds`` are the shelvings and the like of its whole alarm point."""

    id: str
    station: str
    characteristic: str
    cause: str
    events: tuple[AlertEvent, ...] = field(default=(), repr=False)
    holds: tuple[AlertEvent, ...] = field(default=(), repr=False)
    raised: AlertEvent | None = field(init=False, repr=False, compare=False)
    """The event that raised it, None while only answers have arrived."""
    latest_condition: AlertEvent | None = field(init=False, repr=False, compare=False)
    """The newest condition event."""
    closed: AlertEvent | None = field(init=False, repr=False, compare=False)
    """The newest closing answer, with its verdict; None while open."""
    acknowledged: bool = field(init=False, repr=False, compare=False)
    """Whether a person has answered in any way that shows that it was seen."""
    suppressed: str = field(init=False, repr=False, compare=False)
    """The plan's reason for silence, where every part of it was made in such a context; else ``""``.

    What has been shown once is never hidden again by the system: one part outside the context shows the alert.
    """

    def __post_init__(self) -> None:
        """Look through the events once: a board asks a thousand alerts at every change."""
        seen = [event.suppressed for event in self.events if event.kind in _SEEN]
        found = {
            "raised": _last(self.events, _RAISED),
            "latest_condition": _last(self.events, CONDITION_KINDS),
            "closed": _last(self.events, _CLOSED),
            "acknowledged": _last(self.events, _ANSWERS) is not None,
            "suppressed": seen[-1] if seen and all(seen) else "",
        }
        for name, value in found.items():
            object.__setattr__(self, name, value)

    @property
    def active(self) -> bool:
        """Whether the condition still holds."""
        latest = self.latest_condition
        return latest is not None and latest.kind is not AlertKind.CLEARED

    @property
    def suspects(self) -> tuple[str, ...]:
        """The suspect units since the last good part, in the order in which they were seen."""
        units = (unit for event in self.events if event.kind in CONDITION_KINDS for unit in event.suspects)
        return tuple(dict.fromkeys(units))

    def shelving(self, now: int) -> AlertEvent | None:
        """Return the shelving that is in force at ``now`` (UTC ns), None where there is none."""
        latest = _last(self.holds, {AlertKind.SHELVED, AlertKind.UNSHELVED})
        if latest is None or latest.kind is AlertKind.UNSHELVED or latest.until <= now:
            return None
        if latest.one_shot and not (latest.alert_id == self.id and self.active):
            return None
        return latest

    @property
    def out_of_service(self) -> AlertEvent | None:
        """The event that put its alarm point out of service; None while it is in service."""
        latest = _last(self.holds, {AlertKind.OUT_OF_SERVICE, AlertKind.IN_SERVICE})
        return latest if latest is not None and latest.kind is AlertKind.OUT_OF_SERVICE else None

    def state(self, now: int) -> AlertState:
        """Return the alert's state at the time ``now`` (UTC ns)."""
        if self.closed is not None:
            return AlertState.CLOSED
        raised = self.raised
        held = (self.out_of_service is not None, bool(self.suppressed), self.shelving(now) is not None)
        for state, holds in zip(HELD, held, strict=True):
            if holds:
                return state if self.active or state is not AlertState.SUPPRESSED else AlertState.NORMAL
        return STATES[self.active, self.acknowledged, raised is not None and raised.latching]


def _last(events: tuple[AlertEvent, ...], kinds: AbstractSet[AlertKind]) -> AlertEvent | None:
    return next((event for event in reversed(events) if event.kind in kinds), None)


def fold(events: Iterable[AlertEvent], holds: Iterable[AlertEvent] = ()) -> dict[str, Alert]:
    """Return the alerts that the events make, by id; duplicates and order do not matter.

    ``holds`` are further answers that hold alarm points back, of alerts that are not among the events.
    """
    ordered = _ordered(events)
    own: dict[str, list[AlertEvent]] = {}
    for event in ordered:
        own.setdefault(event.alert_id, []).append(event)
    held: dict[Point, list[AlertEvent]] = {}
    for event in _ordered([*ordered, *holds]):
        if event.kind in HOLD_KINDS:
            held.setdefault(event.point, []).append(event)
    return {name: _alert(name, tuple(found), held) for name, found in own.items()}


def _ordered(events: Iterable[AlertEvent]) -> list[AlertEvent]:
    return sorted({event.id: event for event in events}.values(), key=lambda item: (item.time, item.id))


def _alert(name: str, events: tuple[AlertEvent, ...], held: Mapping[Point, list[AlertEvent]]) -> Alert:
    first = _last(events, {AlertKind.RAISED}) or events[0]
    return Alert(
        id=name,
        station=first.station,
        characteristic=first.characteristic,
        cause=first.cause,
        events=events,
        holds=tuple(held.get(first.point, ())),
    )
