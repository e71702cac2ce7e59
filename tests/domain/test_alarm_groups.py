"""The load of alerts, group by group: together they are the whole, and each is by the time that its shift ran."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.alarm_groups import ShiftTime, load_by_group
from lineside.domain.alarm_load import alarm_load
from lineside.domain.alerts import Alert, AlertEvent, AlertKind, fold
from lineside.domain.units import DAY, HOUR, MINUTE, SECOND

EIGHT = {"early": ShiftTime(length=8 * HOUR, shifts=1.0), "late": ShiftTime(length=16 * HOUR, shifts=2.0)}


def alert(time: int, station: str = "cast", cause: str = "c", **more: Any) -> Alert:
    name = f"{station}/{cause}@{time}"
    event = AlertEvent(
        id=name, alert_id=name, kind=AlertKind.RAISED, time=time, station=station, characteristic="porosity",
        cause=cause, writer="g", unit=f"U{time}", **more,
    )  # fmt: skip
    return fold([event])[name]


def nobody(characteristic: str, unit: str) -> bool:
    del characteristic, unit
    return False


def test_a_shift_counts_by_how_often_it_ran() -> None:
    found = load_by_group(
        [("early", alert(HOUR)), ("late", alert(9 * HOUR)), ("late", alert(10 * HOUR))],
        EIGHT,
        0,
        DAY,
        nonconforming=nobody,
    )
    assert [(item.shift, item.alerts, item.per_shift) for item in found] == [("early", 1, 1.0), ("late", 2, 1.0)]


def test_a_time_that_the_plan_has_no_shift_for_has_no_rate() -> None:
    [found] = load_by_group([("", alert(HOUR))], EIGHT, 0, DAY, nonconforming=nobody)
    assert (found.alerts, found.per_shift, found.flooded) == (1, None, None)


def test_a_flood_of_one_station_is_none_of_another_and_is_held_against_its_shift() -> None:
    flood = [("early", alert(number * 30 * SECOND)) for number in range(12)]
    other = [("early", alert(number * MINUTE, "trim")) for number in range(5)]
    cast, trim = load_by_group([*flood, *other], EIGHT, 0, DAY, nonconforming=nobody)
    whole = alarm_load([item for _, item in flood], 0, DAY, nonconforming=nobody)
    assert (cast.floods, trim.floods, trim.flooded) == (1, 0, 0.0)
    assert cast.flooded == pytest.approx(3 * whole.flooded)


def test_what_was_not_announced_stands_apart_with_the_parts_that_did_not_conform() -> None:
    silent = [("early", alert(number * HOUR, suppressed="warm_up")) for number in range(3)]
    [found] = load_by_group(silent, EIGHT, 0, DAY, nonconforming=lambda _, unit: unit == f"U{HOUR}")
    assert (found.alerts, found.silenced, found.escapes) == (0, 3, 1)


@given(
    st.lists(st.tuples(st.integers(0, 24 * 60), st.sampled_from(["cast", "trim"]), st.sampled_from(["early", "late"])))
)
def test_the_groups_together_have_every_alert_once(rows: list[tuple[int, str, str]]) -> None:
    alerts = [(shift, alert(minute * MINUTE, station, f"c{n}")) for n, (minute, station, shift) in enumerate(rows)]
    found = load_by_group(alerts, EIGHT, 0, DAY, nonconforming=nobody)
    assert sum(item.alerts for item in found) == len(alerts)
    assert {(item.station, item.shift) for item in found} == {(station, shift) for _, station, shift in rows}
