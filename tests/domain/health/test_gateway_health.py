"""The health of the gateway's parts: from what was measured to a state with a reason."""

from __future__ import annotations

import pytest

from lineside.domain.health.gateway import (
    STEP_SHOWN,
    ClockWatch,
    HealthBook,
    buffer_finding,
    disk_finding,
    link_finding,
    model_findings,
    station_finding,
)
from lineside.domain.health.states import LEVELS, Level, State, Subject
from lineside.domain.units import DAY, HOUR, MILLISECOND, MINUTE, SECOND

T = 1_000 * SECOND


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ({"expected": ["porosity"], "judged": False, "parts": 3, "missing": []}, State.UNJUDGED),
        ({"expected": ["porosity"], "judged": True, "parts": 0, "missing": []}, State.WAITING),
        ({"expected": ["porosity"], "judged": True, "parts": 3, "missing": ["flow"]}, State.DEGRADED),
        ({"expected": ["porosity"], "judged": True, "parts": 3, "missing": []}, State.JUDGING),
        ({"expected": [], "judged": False, "parts": 3, "missing": []}, State.READY),
    ],
)
def test_a_station_says_what_it_does(said: dict[str, object], state: State) -> None:
    found = station_finding(last=T - 12 * SECOND, now=T, **said)  # type: ignore[arg-type]
    assert found.state is state
    assert state in LEVELS[Subject.STATION]


def test_a_station_that_lacks_a_signal_names_it() -> None:
    found = station_finding(expected=["a"], judged=True, parts=1, last=T, missing=["flow"], now=T)
    assert found.reason == "the last part lacked flow"


def test_the_buffer_says_how_long_there_is_room() -> None:
    half = buffer_finding(unrecorded=False, used=4_000, limit=8_000, bytes_per_second=1.0, dropped=0)
    assert (half.state, half.reason) == (State.FILLING, "50% of 8.0 KB used; room for 1.1 h at this rate")
    full = buffer_finding(unrecorded=False, used=8_000, limit=8_000, bytes_per_second=0.0, dropped=7)
    assert (full.state, full.reason) == (State.FULL, "100% of 8.0 KB used; 7 readings let go, with receipts")
    unwritable = buffer_finding(unrecorded=True, used=0, limit=8_000, bytes_per_second=0.0, dropped=0)
    assert unwritable.state is State.UNRECORDED


def test_the_disk_is_full_before_the_last_byte_is() -> None:
    assert disk_finding(free=10**9, least=10**8, write=MILLISECOND).state is State.READY
    assert disk_finding(free=15 * 10**7, least=10**8, write=MILLISECOND).state is State.LOW
    assert disk_finding(free=10**7, least=10**8, write=MILLISECOND).state is State.FULL
    slow = disk_finding(free=10**9, least=10**8, write=SECOND)
    assert (slow.state, slow.reason) == (State.SLOW, "1.0 GB free; a durable write takes 1000.0 ms")


def test_the_link_is_lost_only_once_it_was_tried() -> None:
    said = {"backlog": 7, "confirmed": 3, "problem": "nobody listens"}
    assert link_finding(reachable=False, tried=False, **said).state is State.STARTING  # type: ignore[arg-type]
    lost = link_finding(reachable=False, tried=True, **said)  # type: ignore[arg-type]
    assert (lost.state, lost.reason) == (
        State.LOST,
        "nobody listens; 7 records wait; the plant holds all up to 3",
    )
    assert link_finding(reachable=True, tried=True, backlog=9_999, confirmed=3, problem="").state is State.BEHIND


def test_a_refused_model_says_why() -> None:
    found = model_findings({"porosity-1": "version 1"}, {"porosity-2": "its signature is not ours"})
    assert (found["porosity-1"].state, found["porosity-2"].state) == (State.IN_SERVICE, State.REFUSED)
    assert found["porosity-2"].reason == "its signature is not ours"


def test_a_clock_that_jumps_is_seen_and_shown_for_an_hour() -> None:
    watch = ClockWatch()
    assert watch.look(10 * DAY, 0).state is State.STEADY
    assert watch.look(10 * DAY + SECOND, SECOND).state is State.STEADY
    back = watch.look(2 * SECOND, 2 * SECOND)
    assert back.state is State.STEPPED
    assert "-864000.000 s" in back.reason
    assert watch.look(2 * SECOND + STEP_SHOWN - 1, 2 * SECOND + STEP_SHOWN - 1).state is State.STEPPED
    assert watch.look(2 * SECOND + STEP_SHOWN, 2 * SECOND + STEP_SHOWN).state is State.STEADY


def test_a_clock_that_is_slewed_is_steady() -> None:
    watch = ClockWatch()
    states = {watch.look(number * (SECOND + 500_000), number * SECOND).state for number in range(1000)}
    assert states == {State.STEADY}


def test_a_state_lasts_since_it_began_whatever_its_reason_becomes() -> None:
    book = HealthBook()
    first = station_finding(expected=[], judged=False, parts=1, last=T, missing=["a"], now=T)
    later = station_finding(expected=[], judged=False, parts=2, last=T, missing=["b"], now=T)
    assert book.note(Subject.STATION, "cast", first, T).since == T
    kept = book.note(Subject.STATION, "cast", later, T + MINUTE)
    assert (kept.since, kept.reason, kept.level) == (T, "the last part lacked b", Level.ATTENTION)
    good = station_finding(expected=[], judged=False, parts=3, last=T, missing=[], now=T)
    assert book.note(Subject.STATION, "cast", good, T + HOUR).since == T + HOUR
