"""Alerts as the board may know them: withheld until audited, then folded; bounded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lineside.apps.plant.floor.views import Trust
from lineside.domain.alerts import (
    HELD,
    HOLD_KINDS,
    OPEN,
    RESPONSE_KINDS,
    Alert,
    AlertEvent,
    AlertKind,
    Point,
    Verdict,
    fold,
)
from lineside.domain.plan.model import Priority
from lineside.domain.units import SECOND

LAST: Final = 20
"""How many checked alerts "confirmed N of the last M here" looks back."""

_RANK: Final = {priority: rank for rank, priority in enumerate(Priority)}


class AlertMemory:
    """The latest alerts, each as the fold of the events that may be shown."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._events: dict[str, dict[str, AlertEvent]] = {}
        self._withheld: dict[str, AlertEvent] = {}
        self._holds: dict[Point, dict[str, AlertEvent]] = {}
        self._visible: list[Alert] | None = None
        self._trusts: dict[tuple[str | None, str | None], Trust] = {}
        self._by_state: tuple[int, list[Alert], list[Alert]] | None = None
        self.alerts: dict[str, Alert] = {}

    def add(self, events: Iterable[AlertEvent], *, shown: bool) -> set[str]:
        """Take events in; return the ids of the alerts that look different for it.

        A person's answer is in the audit record before it gets here, so only what the process did is withheld.
        """
        ready = []
        for event in events:
            if event.id in self._withheld or event.id in self._events.get(event.alert_id, ()):
                if shown and event.id in self._withheld:
                    ready.append(self._withheld.pop(event.id))
            elif shown or event.kind in RESPONSE_KINDS:
                ready.append(event)
            else:
                self._withheld[event.id] = event
        return self._fold(ready)

    def withheld(self) -> tuple[AlertEvent, ...]:
        """Return what waits for the audit record, oldest first."""
        return tuple(sorted(self._withheld.values(), key=lambda event: (event.time, event.id)))

    def reveal(self, event_ids: Iterable[str]) -> set[str]:
        """Let events be shown that the audit record now holds; return the alerts that look different for it."""
        return self._fold([self._withheld.pop(name) for name in event_ids if name in self._withheld])

    def _fold(self, events: list[AlertEvent]) -> set[str]:
        changed, held = set(), set()
        for event in events:
            self._events.setdefault(event.alert_id, {})[event.id] = event
            changed.add(event.alert_id)
            if event.kind in HOLD_KINDS:
                self._holds.setdefault(event.point, {})[event.id] = event
                held.add(event.point)
        changed |= {name for name, alert in self.alerts.items() if held and point_of(alert) in held}
        for name in changed:
            own = self._events[name].values()
            self.alerts |= fold(own, (hold for event in own for hold in self._holds.get(event.point, {}).values()))
        self._forget()
        if changed:
            self._visible, self._by_state, self._trusts = None, None, {}
        return changed

    def _forget(self) -> None:
        if len(self.alerts) <= self._most:
            return
        over = sorted(self.alerts.values(), key=_end)[: len(self.alerts) - self._most]
        for alert in over:
            del self.alerts[alert.id]
            del self._events[alert.id]

    def visible(self) -> list[Alert]:
        """Return the alerts that were raised, newest first; answers that came before their alert wait for it."""
        if self._visible is None:
            raised = [alert for alert in self.alerts.values() if alert.raised is not None]
            self._visible = sorted(raised, key=lambda alert: (-raised_at(alert), alert.id))
        return self._visible

    def open(self, now: int) -> list[Alert]:
        """Return the alerts that want an answer: those that stand, the urgent, the unanswered, the newest first."""
        return self._sorted_out(now)[0]

    def held(self, now: int) -> list[Alert]:
        """Return the alerts that stand but are shelved, suppressed by design or out of service, the newest first."""
        return self._sorted_out(now)[1]

    def _sorted_out(self, now: int) -> tuple[list[Alert], list[Alert]]:
        """Return the open and the held alerts; what time alone changes (a shelving's end) shows within a second."""
        second = now // SECOND
        if self._by_state is None or self._by_state[0] != second:
            states = [(alert, alert.state(now)) for alert in self.visible()]
            wanting = sorted((alert for alert, state in states if state in OPEN), key=_urgency)
            held = [alert for alert, state in states if state in HELD and alert.active]
            self._by_state = second, wanting, held
        return self._by_state[1], self._by_state[2]

    def trust(self, station: str | None = None, characteristic: str | None = None) -> Trust:
        """Return how the latest alerts turned out, of one kind at one station or of all."""
        key = station, characteristic
        if key not in self._trusts:
            self._trusts[key] = self._trust(station, characteristic)
        return self._trusts[key]

    def _trust(self, station: str | None, characteristic: str | None) -> Trust:
        confirmed = checked = unconfirmed = 0
        for alert in self.visible():
            if station not in {None, alert.station} or characteristic not in {None, alert.characteristic}:
                continue
            if checked == LAST:
                break
            verdict = None if alert.closed is None else alert.closed.verdict
            sure = verdict in {Verdict.CONFIRMED, Verdict.NO_DEFECT}
            checked += sure
            confirmed += verdict is Verdict.CONFIRMED
            unconfirmed += not sure and (alert.closed is not None or not alert.active)
        return Trust(confirmed=confirmed, checked=checked, unconfirmed=unconfirmed)


def _urgency(alert: Alert) -> tuple[bool, bool, int, bool]:
    return not alert.active, is_late(alert), _RANK[priority_of(alert)], alert.acknowledged


def point_of(alert: Alert) -> Point:
    """Return the alarm point of an alert."""
    return alert.station, alert.characteristic, alert.cause, is_late(alert)


def raised_at(alert: Alert) -> int:
    """Return when an alert was raised."""
    return 0 if alert.raised is None else alert.raised.time


def priority_of(alert: Alert) -> Priority:
    """Return the priority with which it was raised or last updated, cleared ones as they were."""
    event = alert.raised
    for item in alert.events:
        if item.kind is AlertKind.UPDATED:
            event = item
    return Priority.HIGH if event is None else event.priority


def is_late(alert: Alert) -> bool:
    """Return whether it is a containment alert: its parts were judged too late to be live."""
    return alert.raised is not None and alert.raised.late


def _end(alert: Alert) -> tuple[bool, int]:
    """Order for forgetting: what is closed or gone first, the oldest of it first."""
    return alert.closed is None and alert.active, alert.events[-1].time
