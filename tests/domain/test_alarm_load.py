from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.alarm_load import STALE_AFTER, alarm_load, floods_of, is_stale
from lineside.domain.alerts import Alert, AlertEvent, AlertKind, fold
from lineside.domain.units import DAY, HOUR, MINUTE, SECOND


def nobody_knows(characteristic: str, unit: str) -> bool:
    del characteristic, unit
    return False


def raised(time: int, cause: str = "cooling", **more: Any) -> AlertEvent:
    return AlertEvent(
        id=f"{cause}@{time}", alert_id=f"{cause}@{time}", kind=AlertKind.RAISED, time=time, station="cast",
        characteristic="porosity", cause=cause, writer="g", unit=f"U{time}", **more,
    )  # fmt: skip


def alerts(*events: AlertEvent) -> list[Alert]:
    return list(fold(events).values())


def test_more_than_ten_in_ten_minutes_begin_a_flood_that_ends_with_fewer_than_five() -> None:
    times = [number * 30 * SECOND for number in range(11)]
    [flood] = floods_of(times, HOUR)
    assert (flood.begins, flood.alerts, flood.peak) == (0, 11, 11)
    assert flood.ends == times[-5] + 10 * MINUTE


def test_ten_in_ten_minutes_are_no_flood() -> None:
    assert floods_of([number * MINUTE for number in range(100)], DAY) == ()


def test_a_flood_that_lasts_has_no_end_yet() -> None:
    [flood] = floods_of([number * SECOND for number in range(20)], MINUTE)
    assert flood.ends is None


def test_two_floods_with_quiet_between_are_two() -> None:
    times = [start + number * SECOND for start in (0, HOUR) for number in range(12)]
    assert [flood.alerts for flood in floods_of(times, DAY)] == [12, 12]


@given(st.lists(st.integers(0, 60 * 60), max_size=80))
def test_floods_never_overlap_and_never_count_an_alert_twice(seconds: list[int]) -> None:
    times = sorted(second * SECOND for second in seconds)
    found = floods_of(times, 2 * HOUR)
    assert sum(flood.alerts for flood in found) <= len(times)
    ends = [flood.ends or 2 * HOUR for flood in found]
    assert all(later.begins >= earlier - 10 * MINUTE for earlier, later in zip(ends, found[1:], strict=False))
    assert all(flood.peak > 10 for flood in found)


def test_an_alarm_that_comes_three_times_in_a_minute_chatters() -> None:
    seen = alerts(*(raised(number * 20 * SECOND) for number in range(3)), raised(0, "vacuum"), raised(HOUR, "vacuum"))
    load = alarm_load(seen, 0, DAY, nonconforming=nobody_knows)
    assert load.chattering == (("cast", "porosity", "cooling"),)


def test_an_alert_that_stands_for_more_than_a_day_is_stale_until_it_is_over() -> None:
    [alert] = alerts(raised(0))
    assert not is_stale(alert, STALE_AFTER)
    assert is_stale(alert, STALE_AFTER + 1)
    over = AlertEvent(
        id="over", alert_id=alert.id, kind=AlertKind.CLEARED, time=1, station="cast", characteristic="porosity",
        cause="cooling", writer="g",
    )  # fmt: skip
    [cleared] = alerts(raised(0), over)
    assert not is_stale(cleared, STALE_AFTER + 1)


def test_what_was_silenced_is_told_apart_with_the_bad_parts_that_passed() -> None:
    seen = alerts(raised(1, suppressed="warm_up"), raised(2, "vacuum", suppressed="warm_up"), raised(3, "melt"))
    load = alarm_load(seen, 0, DAY, nonconforming=lambda _, unit: unit == "U1")
    assert load.alerts == 1
    [silenced] = load.silenced
    assert (silenced.reason, silenced.alerts, silenced.parts, silenced.escapes) == ("warm_up", 2, 2, 1)
