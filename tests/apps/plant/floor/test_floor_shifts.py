from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.apps.plant.floor.shifts import shift_at, shift_times
from lineside.domain.plan.lint import lint
from lineside.domain.units import HOUR, SECOND
from lineside.testing.floors import sample_plan

BERLIN = ZoneInfo("Europe/Berlin")
WORKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday"]
ROUND_THE_CLOCK = [("early", "06:00"), ("late", "14:00"), ("night", "22:00")]


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()) * SECOND


@given(
    st.integers(946_684_800, 2_208_988_800),
    st.sampled_from(["Europe/Berlin", "America/Sao_Paulo", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
)
def test_round_the_clock_every_moment_is_in_one_shift_and_the_next_begins_when_it_ends(second: int, zone: str) -> None:
    line = {"id": "dc07", "timezone": zone}
    plan = sample_plan(line=line)
    shift = shift_at(plan, second * SECOND)
    assert shift.id
    assert shift.starts <= second * SECOND < shift.ends
    following = shift_at(plan, shift.ends)
    assert following.starts == shift.ends
    assert following.id != shift.id


@pytest.mark.parametrize(
    ("night", "hours"), [("2026-03-28T23:00", 7), ("2026-10-24T23:00", 9), ("2026-06-01T23:00", 8)]
)
def test_a_night_in_which_the_clock_is_changed_is_an_hour_shorter_or_longer(night: str, hours: int) -> None:
    shift = shift_at(sample_plan(), moment(night))
    assert (shift.ends - shift.starts) / HOUR == hours
    assert datetime.fromtimestamp(shift.ends // SECOND, tz=UTC).astimezone(BERLIN).hour == 6


def test_a_shift_runs_on_its_weekdays_and_its_night_into_the_day_after() -> None:
    plan = sample_plan(shifts=[{"id": name, "starts": at, "days": WORKDAYS} for name, at in ROUND_THE_CLOCK])
    assert shift_at(plan, moment("2026-11-27T23:00")).id == "night"
    assert shift_at(plan, moment("2026-11-28T05:00")).id == "night"
    assert shift_at(plan, moment("2026-11-28T07:00")).id == ""


def test_no_shift_begins_on_a_holiday() -> None:
    plan = sample_plan(holidays=["2026-12-25"])
    assert shift_at(plan, moment("2026-12-25T05:00")).id == "night"
    assert shift_at(plan, moment("2026-12-25T07:00")).id == ""


def test_shifts_may_share_hours_if_they_share_no_day() -> None:
    week: dict[str, object] = {"id": "week", "starts": "06:00", "days": WORKDAYS}
    weekend: dict[str, object] = {"id": "weekend", "starts": "06:00", "hours": 12}
    together = sample_plan(shifts=[week, weekend])
    apart = sample_plan(shifts=[week, weekend | {"days": ["saturday", "sunday"]}])
    zones = available_timezones()
    assert [found.code for found in lint(together, zones) if found.code == "shifts"] == ["shifts"]
    assert "shifts" not in {found.code for found in lint(apart, zones)}
    assert "date" in {found.code for found in lint(sample_plan(holidays=["2026-02-30"]), zones)}


def test_how_long_each_shift_ran_counts_parts_of_shifts_and_leaves_free_days_out() -> None:
    plan = sample_plan(shifts=[{"id": name, "starts": at, "days": WORKDAYS} for name, at in ROUND_THE_CLOCK])
    week = shift_times(plan, moment("2026-11-23T06:00"), moment("2026-11-30T06:00"))
    assert {name: time.shifts for name, time in week.items()} == dict.fromkeys(("early", "late", "night"), 5.0)
    half = shift_times(plan, moment("2026-11-23T10:00"), moment("2026-11-23T14:00"))
    assert (half["early"].shifts, half["late"].shifts) == (0.5, 0.0)


def test_without_shifts_all_of_the_time_is_of_one_in_stretches_of_eight_hours() -> None:
    plan = sample_plan(shifts=[])
    assert shift_times(plan, 0, 24 * 3600 * SECOND)[""].shifts == 3.0
