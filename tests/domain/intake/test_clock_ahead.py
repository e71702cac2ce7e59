"""A machine whose clock is an hour ahead is believed once that is proven; a reading from the future never is."""

from __future__ import annotations

import pytest

from lineside.domain.intake.clock_ahead import SAME, STALE, ClockAhead
from lineside.domain.intake.gate import Gate
from lineside.domain.intake.reasons import Reason
from lineside.domain.intake.times import check_time
from lineside.domain.units import HOUR, MILLISECOND, SECOND
from lineside.testing.clocks import A_MOMENT as NOW
from lineside.testing.plans import plan_with_source


def proven() -> ClockAhead:
    clock = ClockAhead()
    for second in range(11):
        clock.set_back(NOW + HOUR + second * SECOND, NOW + second * SECOND)
    assert clock.shift == HOUR
    return clock


def test_a_single_reading_from_the_future_is_refused() -> None:
    assert ClockAhead().set_back(NOW + HOUR, NOW) is None


def test_many_at_once_prove_nothing() -> None:
    clock = ClockAhead()
    assert [clock.set_back(NOW + HOUR + place, NOW + place) for place in range(100)] == [None] * 100


def test_readings_that_are_ahead_by_different_amounts_prove_nothing() -> None:
    clock = ClockAhead()
    found = [clock.set_back(NOW + HOUR + second * (SECOND + SAME), NOW + second * SECOND) for second in range(60)]
    assert found == [None] * 60


def test_a_clock_that_is_steadily_ahead_is_set_back_by_always_the_same() -> None:
    clock = ClockAhead()
    kept = [
        clock.set_back(NOW + HOUR + second * SECOND, NOW + second * SECOND + second % 3 * MILLISECOND)
        for second in range(30)
    ]
    assert kept[:10] == [None] * 10
    assert kept[10:] == [NOW + second * SECOND for second in range(10, 30)]


@pytest.mark.parametrize("wait", [SECOND, STALE + SECOND])
def test_another_amount_or_a_long_silence_has_to_be_proven_anew(wait: int) -> None:
    clock, other = proven(), HOUR if wait > STALE else 2 * HOUR
    assert clock.set_back(NOW + 10 * SECOND + wait + other, NOW + 10 * SECOND + wait) is None


def test_a_gate_keeps_them_in_order_counts_them_and_says_by_how_much() -> None:
    gate = Gate(plan_with_source({"kind": "files", "path": "x"}), "machine")
    for second in range(60):
        received = NOW + second * SECOND
        gate.offer("temperature", check_time(received + HOUR, received), float(second), received=received)
    taken = gate.take()
    assert taken.readings is not None
    assert taken.readings.source_time.tolist() == [NOW + second * SECOND for second in range(10, 60)]
    refused = [item for item in taken.quarantined if item.reason == Reason.TIME_AHEAD]
    notes = [item for item in taken.quarantined if item.reason == Reason.CLOCK_AHEAD]
    assert len(refused) == 10
    assert [item.count for item in notes] == [1, 30]
    assert all(str(HOUR) in item.detail for item in notes)


def test_a_reading_that_comes_twice_is_known_again() -> None:
    gate = Gate(plan_with_source({"kind": "files", "path": "x"}), "machine")
    for second in range(20):
        received = NOW + second * SECOND
        for _ in range(2):
            gate.offer("temperature", check_time(received + HOUR, received), float(second), received=received)
    assert gate.take().duplicates >= 9
