"""What is recorded of a gateway's health."""

from __future__ import annotations

from lineside.domain.health.events import SETTLED, HealthEventKind, HealthJournal
from lineside.domain.health.states import Health, State, Subject

T = 10**18


def disk(state: State, since: int) -> Health:
    return Health(subject=Subject.DISK, id="", state=state, since=since, reason="why")


def test_a_change_is_recorded_once_when_it_has_settled() -> None:
    journal = HealthJournal("g1")
    assert journal.changes([disk(State.READY, T)], T) == ()
    [event] = journal.changes([disk(State.READY, T)], T + SETTLED)
    assert (event.kind, event.gateway, event.subject, event.state) == (HealthEventKind.STATE, "g1", "disk", "ready")
    assert (event.since, event.reason, event.level) == (T, "why", 0)
    assert journal.changes([disk(State.READY, T)], T + 2 * SETTLED) == ()


def test_a_state_that_flutters_is_not() -> None:
    journal = HealthJournal("g1")
    journal.changes([disk(State.READY, T)], T + SETTLED)
    for second in range(10):
        now = T + 2 * SETTLED + second
        assert journal.changes([disk(State.SLOW, now)], now) == ()
        assert journal.changes([disk(State.READY, now)], now) == ()


def test_events_have_ids_of_their_own() -> None:
    journal = HealthJournal("g1")
    first = journal.changes([disk(State.READY, T)], T + SETTLED)
    second = journal.changes([disk(State.FULL, T + 9 * SETTLED)], T + 10 * SETTLED)
    assert first[0].id != second[0].id
