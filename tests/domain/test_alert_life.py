from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lineside.domain.alerts import HELD, STATES, AlertEvent, AlertKind, AlertState, fold

WHERE: Final[dict[str, Any]] = {"station": "cast", "characteristic": "porosity", "cause": "cooling", "writer": "w"}
POINT_ALERTS: Final = ("first", "second")

STANDARD: Final[dict[tuple[AlertState, AlertKind], AlertState]] = {
    # The transitions of ISA-18.2, figure 2, without what holds an alarm back.
    (AlertState.UNACKNOWLEDGED, AlertKind.UPDATED): AlertState.UNACKNOWLEDGED,
    (AlertState.UNACKNOWLEDGED, AlertKind.ACKNOWLEDGED): AlertState.ACKNOWLEDGED,
    (AlertState.UNACKNOWLEDGED, AlertKind.CLEARED): AlertState.RETURNED,
    (AlertState.ACKNOWLEDGED, AlertKind.UPDATED): AlertState.ACKNOWLEDGED,
    (AlertState.ACKNOWLEDGED, AlertKind.ACKNOWLEDGED): AlertState.ACKNOWLEDGED,
    (AlertState.ACKNOWLEDGED, AlertKind.CLEARED): AlertState.NORMAL,
    (AlertState.RETURNED, AlertKind.ACKNOWLEDGED): AlertState.NORMAL,
    (AlertState.NORMAL, AlertKind.ACKNOWLEDGED): AlertState.NORMAL,
    (AlertState.LATCHED, AlertKind.ACKNOWLEDGED): AlertState.LATCHED,
    **{(state, AlertKind.CLOSED): AlertState.CLOSED for state in AlertState},
    **{(AlertState.CLOSED, kind): AlertState.CLOSED for kind in AlertKind},
}


def event(alert: str, kind: AlertKind, time: int, **more: Any) -> AlertEvent:
    return AlertEvent(id=f"{alert}/{kind}/{time}", alert_id=alert, kind=kind, time=time, **{**WHERE, **more})


@dataclass
class Expected:
    """What the standard's table says of one alert, walked in the order of time."""

    state: AlertState = AlertState.UNACKNOWLEDGED
    latching: bool = False
    suppressed: bool = False
    active: bool = True


@dataclass
class Held:
    """What holds the whole alarm point back, in the order of time."""

    shelved: AlertEvent | None = None
    out: bool = False
    known: list[AlertEvent] = field(default_factory=list)


class LifeOfAlerts(RuleBasedStateMachine):
    """Gateway and people act in the order of time; their events arrive in any order, some of them twice."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.arrived: list[AlertEvent] = []
        self.expected: dict[str, Expected] = {}
        self.held = Held()

    def happens(self, alert: str, kind: AlertKind, place: int, **more: Any) -> AlertEvent:
        self.now += 10
        made = event(alert, kind, self.now, **more)
        self.arrived.insert(place % (len(self.arrived) + 1), made)
        if place % 3 == 0:
            self.arrived.append(made)
        return made

    def goes(self, alert: str, kind: AlertKind) -> None:
        known = self.expected[alert]
        known.state = STANDARD.get((known.state, kind), known.state)
        if kind is AlertKind.CLEARED and known.latching and known.state is not AlertState.CLOSED:
            known.state = AlertState.LATCHED

    @initialize(latching=st.booleans(), suppressed=st.booleans())
    def an_alert_is_raised(self, *, latching: bool, suppressed: bool) -> None:
        self.raise_another(0, latching=latching, suppressed=suppressed)

    def raise_another(self, place: int, *, latching: bool, suppressed: bool) -> None:
        name = POINT_ALERTS[len(self.expected)]
        reason = "warm_up" if suppressed else ""
        self.happens(name, AlertKind.RAISED, place, latching=latching, suppressed=reason)
        self.expected[name] = Expected(latching=latching, suppressed=suppressed)

    @rule(latching=st.booleans(), suppressed=st.booleans(), place=st.integers(0, 50))
    def the_same_cause_comes_again(self, *, latching: bool, suppressed: bool, place: int) -> None:
        if len(self.expected) < len(POINT_ALERTS) and not any(known.active for known in self.expected.values()):
            self.raise_another(place, latching=latching, suppressed=suppressed)

    @rule(suppressed=st.booleans(), place=st.integers(0, 50))
    def another_part_is_in_alarm(self, *, suppressed: bool, place: int) -> None:
        for name, known in self.expected.items():
            if known.active:
                self.happens(name, AlertKind.UPDATED, place, suppressed="warm_up" if suppressed else "")
                known.suppressed &= suppressed
                self.goes(name, AlertKind.UPDATED)

    @rule(place=st.integers(0, 50))
    def the_condition_ends(self, place: int) -> None:
        for name, known in self.expected.items():
            if known.active:
                self.happens(name, AlertKind.CLEARED, place)
                known.active = False
                self.goes(name, AlertKind.CLEARED)

    @rule(which=st.integers(0, 1), place=st.integers(0, 50))
    def somebody_acknowledges(self, which: int, place: int) -> None:
        self.answer(which, AlertKind.ACKNOWLEDGED, place)

    @rule(which=st.integers(0, 1), place=st.integers(0, 50))
    def somebody_closes(self, which: int, place: int) -> None:
        self.answer(which, AlertKind.CLOSED, place)

    def answer(self, which: int, kind: AlertKind, place: int) -> None:
        name = POINT_ALERTS[which]
        if name in self.expected:
            self.happens(name, kind, place)
            self.goes(name, kind)

    @rule(which=st.integers(0, 1), length=st.sampled_from([5, 25, 1000]), once=st.booleans(), place=st.integers(0, 50))
    def somebody_shelves(self, *, which: int, length: int, once: bool, place: int) -> None:
        name = POINT_ALERTS[which]
        if name in self.expected:
            until = self.now + 10 + length
            self.held.shelved = self.happens(name, AlertKind.SHELVED, place, until=until, one_shot=once)

    @rule(place=st.integers(0, 50))
    def somebody_shows_it_again(self, place: int) -> None:
        self.happens("first", AlertKind.UNSHELVED, place)
        self.held.shelved = None

    @rule(out=st.booleans(), place=st.integers(0, 50))
    def an_engineer_decides_on_service(self, *, out: bool, place: int) -> None:
        self.happens("first", AlertKind.OUT_OF_SERVICE if out else AlertKind.IN_SERVICE, place)
        self.held.out = out

    def awaited(self, name: str, known: Expected) -> AlertState:
        shelved = self.held.shelved
        if known.state is AlertState.CLOSED:
            return AlertState.CLOSED
        if self.held.out:
            return AlertState.OUT_OF_SERVICE
        if known.suppressed:
            return AlertState.SUPPRESSED if known.active else AlertState.NORMAL
        once_only = shelved is not None and shelved.one_shot and not (shelved.alert_id == name and known.active)
        if shelved is not None and shelved.until > self.now and not once_only:
            return AlertState.SHELVED
        return known.state

    @invariant()
    def every_order_of_arrival_tells_one_history_within_the_table(self) -> None:
        told = fold(self.arrived)
        assert told == fold(reversed(self.arrived))
        for name, known in self.expected.items():
            state = told[name].state(self.now)
            assert state in {*STATES.values(), *HELD, AlertState.CLOSED}
            assert state is self.awaited(name, known)
            assert told[name].active is known.active


TestLifeOfAlerts = LifeOfAlerts.TestCase
TestLifeOfAlerts.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
