"""The health of sources: the adapter's record, and what it means beside the plan."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.health.sources import (
    LEAST_SILENCE,
    TRANSITIONS,
    Event,
    Phase,
    SourceCondition,
    SourceRecord,
    silence_allowed,
    silence_of,
    source_health,
)
from lineside.domain.health.states import LEVELS, Health, Level, State, Subject, not_good, worst
from lineside.domain.units import MINUTE, SECOND
from lineside.testing.plans import plan_with_source

T = 1_000 * SECOND


def health(condition: SourceCondition, *, heard: int = 0, allowed: int = 0, now: int = T) -> Health:
    return source_health("press", condition, heard=heard, allowed=allowed, now=now)


def test_every_phase_knows_every_event() -> None:
    assert set(TRANSITIONS) == set(itertools.product(Phase, Event))


def test_every_subject_has_levels_and_a_state_that_is_good() -> None:
    assert set(LEVELS) == set(Subject)
    for subject, states in LEVELS.items():
        assert Level.GOOD in states.values(), subject


def test_a_state_that_the_subject_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="disk"):
        Health(subject=Subject.DISK, id="", state=State.CONNECTED, since=0)


def test_a_source_that_was_never_asked_for_anything_is_starting() -> None:
    assert health(SourceRecord().condition).state is State.STARTING


def test_lost_says_why_and_when_it_is_tried_again_and_since_the_first_failure() -> None:
    record = SourceRecord()
    record.start(T)
    record.connect(T + SECOND)
    record.lose(T + 2 * SECOND, "reset by peer", T + 3 * SECOND)
    record.lose(T + 3 * SECOND, "refused", T + 5 * SECOND)

    found = health(record.condition, now=T + 4 * SECOND)

    assert (found.state, found.since) == (State.LOST, T + 2 * SECOND)
    assert found.reason == "refused; tried again in 1.0 s"
    assert found.level is Level.BAD


def test_it_is_connected_again_since_its_return_and_without_the_old_reason() -> None:
    record = SourceRecord()
    record.lose(T, "refused")
    record.connect(T + MINUTE)

    assert health(record.condition, now=T + MINUTE) == Health(
        subject=Subject.SOURCE, id="press", state=State.CONNECTED, since=T + MINUTE
    )


def test_what_is_said_after_the_end_changes_nothing() -> None:
    record = SourceRecord()
    record.stop(T, "every file was read")
    record.lose(T + SECOND, "cancelled")
    record.connect(T + SECOND)

    assert record.condition == SourceCondition(phase=Phase.STOPPED, since=T, reason="every file was read")


def test_what_does_not_work_over_a_connection_is_named_until_it_is_mended() -> None:
    record = SourceRecord()
    record.connect(T, {"ns=2;s=A": "no such node", "b": "2", "c": "3", "d": "4"})
    assert health(record.condition).state is State.DEGRADED
    assert health(record.condition).reason == "ns=2;s=A: no such node; b: 2; c: 3; and 1 more"

    for what in ("ns=2;s=A", "b", "c", "d"):
        record.mend(what)
    assert health(record.condition).state is State.CONNECTED


def test_a_connected_source_that_says_nothing_for_longer_than_its_rates_allow_is_silent() -> None:
    record = SourceRecord()
    record.connect(T)
    allowed = silence_of(0.25)
    assert allowed == 40 * SECOND

    quiet = health(record.condition, heard=T + SECOND, allowed=allowed, now=T + 41 * SECOND)
    silent = health(record.condition, heard=T + SECOND, allowed=allowed, now=T + 42 * SECOND)

    assert quiet.state is State.CONNECTED
    assert (silent.state, silent.since) == (State.SILENT, T + SECOND)
    assert "nothing for 41 s" in silent.reason


def test_a_source_without_an_expected_rate_may_be_silent() -> None:
    record = SourceRecord()
    record.connect(T)
    plan = plan_with_source({"kind": "files", "path": "x"})
    allowed = silence_allowed(plan, "nobody")

    assert allowed == 0
    assert health(record.condition, allowed=allowed, now=T + 10**15).state is State.CONNECTED


def test_a_quick_signal_is_given_a_moment() -> None:
    assert silence_of(1_000.0) == LEAST_SILENCE


def test_the_worst_counts_and_comes_first() -> None:
    low = Health(subject=Subject.DISK, id="", state=State.LOW, since=T)
    lost = Health(subject=Subject.LINK, id="", state=State.LOST, since=T, reason="nobody answers")
    good = Health(subject=Subject.CLOCK, id="", state=State.STEADY, since=T)

    assert worst([]) is Level.GOOD
    assert worst([good, low]) is Level.ATTENTION
    assert not_good([good, low, lost]) == (lost, low)
    assert lost.words == "link: lost (nobody answers)"


@given(st.lists(st.tuples(st.sampled_from(Event), st.integers(1, 10**6)), max_size=20))
def test_the_time_since_when_is_that_of_the_change_of_phase(events: list[tuple[Event, int]]) -> None:
    record, phase, since, now = SourceRecord(), None, 0, 0
    for event, passed in events:
        now += passed
        note = {Event.START: record.start, Event.CONNECT: record.connect, Event.STOP: record.stop}
        record.lose(now, "why") if event is Event.LOSE else note[event](now)
        if record.condition.phase is not phase:
            phase, since = record.condition.phase, now
        assert record.condition.since == since
