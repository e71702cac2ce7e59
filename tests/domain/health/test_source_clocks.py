"""How a source's clock stands to ours: what is estimated from readings, and when that is alarmed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.health.clocks import STRETCH, ClockEstimate, SourceClock, clock_finding
from lineside.domain.health.states import State
from lineside.domain.readings import Int64
from lineside.domain.units import DAY, HOUR, MILLISECOND, SECOND

START = 1_700_000_000 * SECOND


def readings(
    minutes: float, *, offset: int, least: int, spread: int, ppm: float = 0.0, seed: int = 1
) -> tuple[Int64, Int64]:
    """Source and receive times of ten readings a second whose way takes ``least`` and a random share more."""
    rng = np.random.default_rng(seed)
    true = START + np.arange(int(minutes * 600), dtype=np.int64) * (SECOND // 10)
    way = least + rng.exponential(spread, len(true)).astype(np.int64)
    source = true - offset + ((true - START) * ppm / 1e6).astype(np.int64)
    return source, true + way


def estimated(source: Int64, received: Int64, batch: int = 7) -> ClockEstimate:
    clock = SourceClock()
    for start in range(0, len(source), batch):
        clock.hear(source[start : start + batch], received[start : start + batch])
    estimate = clock.estimate()
    assert estimate is not None
    return estimate


def test_nothing_is_known_before_the_first_reading() -> None:
    assert SourceClock().estimate() is None


@pytest.mark.parametrize("offset", [0, 3 * SECOND, -HOUR, 10 * DAY])
def test_offset_and_jitter_are_found_within_a_millisecond(offset: int) -> None:
    found = estimated(*readings(10, offset=offset, least=4 * MILLISECOND, spread=8 * MILLISECOND))
    assert found.offset == pytest.approx(offset + 4 * MILLISECOND, abs=MILLISECOND)
    assert found.jitter == pytest.approx(8 * MILLISECOND, abs=MILLISECOND)
    assert abs(found.drift) < 3


def test_drift_is_found_in_parts_per_million() -> None:
    found = estimated(*readings(10, offset=0, least=MILLISECOND, spread=MILLISECOND, ppm=-50.0))
    assert found.drift == pytest.approx(50.0, abs=1.0)


def test_a_pause_of_ours_and_a_queue_of_old_readings_change_nothing() -> None:
    source, received = readings(10, offset=SECOND, least=MILLISECOND, spread=MILLISECOND)
    received[1200:1500] = np.maximum(received[1200:1500], received[1500])  # 30 s arrive at once
    found = estimated(source, received)
    assert found.offset == pytest.approx(SECOND + MILLISECOND, abs=MILLISECOND)
    assert found.jitter == pytest.approx(MILLISECOND, abs=MILLISECOND)


def test_when_our_own_clock_is_set_back_it_begins_anew() -> None:
    clock = SourceClock()
    source, received = readings(2, offset=0, least=0, spread=MILLISECOND)
    clock.hear(source, received)
    clock.hear(source[:100] + 200 * SECOND, received[:100] - 10 * DAY)
    estimate = clock.estimate()
    assert estimate is not None
    assert estimate.offset == pytest.approx(-10 * DAY - 200 * SECOND, abs=SECOND)


@given(st.lists(st.integers(1, 40), max_size=30))
def test_batches_change_nothing(cuts: list[int]) -> None:
    source, received = readings(1, offset=5, least=MILLISECOND, spread=MILLISECOND)
    clock, start = SourceClock(), 0
    for size in cuts:
        clock.hear(source[start : start + size], received[start : start + size])
        start += size
    clock.hear(source[start:], received[start:])
    whole = SourceClock()
    whole.hear(source, received)
    one, other = clock.estimate(), whole.estimate()
    assert one is not None
    assert other is not None
    assert (one.offset, one.drift) == (other.offset, other.drift)
    assert abs(one.jitter - other.jitter) <= 1


def test_a_day_of_readings_keeps_no_more_than_ten_minutes() -> None:
    clock = SourceClock()
    for number in range(1000):
        at = np.array([START + number * STRETCH], dtype=np.int64)
        clock.hear(at - number, at)
    assert len(clock._stretches) == 60


@pytest.mark.parametrize(
    ("offset", "within", "ahead", "state"),
    [
        (SECOND, 2 * SECOND, 0, State.STEADY),
        (3 * SECOND, 2 * SECOND, 0, State.SKEWED),
        (-3 * SECOND, 2 * SECOND, 0, State.SKEWED),
        (HOUR, None, 0, State.STEADY),
        (0, 2 * SECOND, 7, State.REFUSED),
    ],
)
def test_a_clock_beyond_the_plans_bound_is_skewed(offset: int, within: int | None, ahead: int, state: State) -> None:
    found = clock_finding(ClockEstimate(offset=offset, jitter=MILLISECOND, drift=2.0), within, ahead)
    assert found.state is state


def test_it_says_how_much_in_which_direction_and_what_is_allowed() -> None:
    ahead = clock_finding(ClockEstimate(offset=-3 * SECOND, jitter=MILLISECOND, drift=12.0), 2 * SECOND, 0)
    assert ahead.reason == "3.0 s ahead, jitter 1.0 ms, drift +12 ppm; the plan allows 2.0 s"
    behind = clock_finding(ClockEstimate(offset=3 * SECOND, jitter=MILLISECOND, drift=0.0), 2 * SECOND, 0)
    assert "behind, jitter 1.0 ms, or its readings take that long" in behind.reason


def test_a_clock_whose_times_are_set_back_is_skewed() -> None:
    estimate = ClockEstimate(offset=0, jitter=MILLISECOND, drift=0.0)
    found = clock_finding(estimate, None, 3, sets_back=True)
    assert found.state is State.SKEWED
    assert "ahead" in found.reason
