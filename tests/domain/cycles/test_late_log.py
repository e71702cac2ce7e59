"""Late readings are noted by stretch; what a wrong clock makes late is not history."""

from __future__ import annotations

import numpy as np

from lineside.domain.cycles.late_log import HOLD, UNCLEAR, LateLog, LateSpan, merged
from lineside.domain.units import MINUTE, SECOND

NOW = 1_000_000 * SECOND
QUICK, SLOW = np.array([False]), np.array([True])


def noted(log: LateLog, times: list[int], received: list[int]) -> None:
    feeds = np.zeros(len(times), dtype=np.int32)
    log.add(feeds, NOW + np.array(times) * SECOND, NOW + np.array(received) * SECOND)


def test_a_burst_is_told_of_once_it_is_clear_what_it_is() -> None:
    log = LateLog(MINUTE)
    noted(log, [-300, -290, -280], [0, 0, 0])
    assert log.take(NOW + HOLD - 1, QUICK) == ()
    assert log.take(NOW + HOLD, SLOW) == (LateSpan(NOW - 300 * SECOND, NOW - 280 * SECOND, 3),)
    assert log.take(NOW + 2 * HOLD, SLOW) == ()


def test_readings_far_apart_are_of_two_stretches() -> None:
    log = LateLog(MINUTE)
    noted(log, [-300, -9_000], [0, 0])
    assert [span.count for span in log.take(NOW + HOLD, QUICK)] == [1, 1]


def test_what_comes_steadily_from_a_source_that_is_not_waited_for_has_a_wrong_clock() -> None:
    log = LateLog(MINUTE)
    for second in range(20):
        noted(log, [second - 3_600], [second])
    assert log.take(NOW + 20 * SECOND, SLOW) == ()


def test_what_comes_steadily_from_a_source_that_is_waited_for_is_late() -> None:
    log = LateLog(MINUTE)
    for second in range(20):
        noted(log, [second - 30], [second])
    assert sum(span.count for span in log.take(NOW + 20 * SECOND, QUICK)) == 20


def test_there_are_never_many_spans_at_once() -> None:
    spans = [LateSpan(place * 1_000, place * 1_000 + 1, 1) for place in range(1_000)]
    found = merged(spans, 1)
    assert len(found) <= 64
    assert sum(span.count for span in found) == 1_000
    assert (found[0].first, found[-1].last) == (0, 999_001)


def test_a_few_readings_of_a_slow_source_are_told_of_later() -> None:
    log = LateLog(MINUTE)
    noted(log, [-300], [0])
    assert log.take(NOW + HOLD, SLOW) == ()
    assert log.take(NOW + UNCLEAR, SLOW) == (LateSpan(NOW - 300 * SECOND, NOW - 300 * SECOND, 1),)


def test_a_clock_that_was_set_back_makes_no_history() -> None:
    log = LateLog(MINUTE)
    noted(log, [-300, -290], [0, 0])
    log.forget()
    assert log.take(NOW + UNCLEAR, QUICK) == ()
