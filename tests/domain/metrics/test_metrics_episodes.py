"""Episodes and events, by hand."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.metrics.episodes import Stretch, episodes_of, report_events, stretches, time_per_unit

SECOND = 1_000_000_000


def bits(text: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.array([char == "x" for char in text], dtype=np.bool_)


def test_a_stretch_ends_where_its_group_ends() -> None:
    assert stretches(bits("xx.xx"), ["a", "a", "a", "a", "b"]) == (Stretch(0, 1), Stretch(3, 3), Stretch(4, 4))


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("ab")), max_size=40))
def test_stretches_cover_exactly_what_is_on(rows: list[tuple[bool, str]]) -> None:
    on = np.array([row[0] for row in rows], dtype=np.bool_)
    group = [row[1] for row in rows]
    covered = [row for item in stretches(on, group) for row in range(item.first, item.last + 1)]
    assert covered == np.flatnonzero(on).tolist()
    assert all(len({*group[item.first : item.last + 1]}) == 1 for item in stretches(on, group))


def test_an_alarm_raised_inside_an_event_finds_it_and_its_delay_is_counted_from_the_start() -> None:
    report = report_events(bits("..xxxx.."), bits("....xxx."), ["g"] * 8, np.arange(8) * SECOND)
    assert (report.events, report.found, report.false_episodes) == (1, 1, 0)
    assert report.delays_units == (2,)
    assert report.median_delay_seconds == 2.0


def test_an_alarm_that_already_stood_does_not_find_the_event_but_touches_it() -> None:
    report = report_events(bits("..xx"), bits(".xxx"), ["g"] * 4, np.arange(4) * SECOND)
    assert (report.found, report.touched, report.false_episodes) == (0, 1, 1)
    assert math.isnan(report.median_delay_units)


def test_false_episodes_are_counted_per_hour_of_good_time_and_per_thousand_good_units() -> None:
    bad = np.zeros(7200, dtype=np.bool_)
    alarm = np.zeros(7200, dtype=np.bool_)
    alarm[[10, 11, 500]] = True
    report = report_events(bad, alarm, ["g"] * 7200, np.arange(7200) * SECOND)
    assert report.false_episodes_per_hour == 1.0
    assert report.false_episodes_per_thousand == 2 / 7.2
    assert report.episodes_per_hour == 1.0


def test_a_gap_in_time_is_not_counted_as_running_time() -> None:
    time = np.array([0, 1, 2, 3, 1000], dtype=np.int64) * SECOND
    assert time_per_unit(time, ["g"] * 5).sum() == 5 * SECOND


def test_without_time_rates_per_hour_are_not_numbers() -> None:
    report = report_events(bits(".x"), bits("x."), ["g", "g"], None)
    assert math.isnan(report.false_episodes_per_hour)
    assert report.false_episodes_per_thousand == 1000.0


def test_an_episode_ends_when_as_many_units_are_without_alarm_as_an_alert_needs_to_clear() -> None:
    group = ["g"] * 10
    assert episodes_of(bits("x..x...x.."), group, 3) == (Stretch(0, 3), Stretch(7, 7))
    assert len(episodes_of(bits("x..x...x.."), group)) == 3
    assert len(episodes_of(bits("x..x"), ["a", "a", "b", "b"], 3)) == 2
