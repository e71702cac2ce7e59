from datetime import date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.intake.reasons import Reason, Refusal
from lineside.domain.intake.times import AHEAD, check_time, days_from_civil, read_time, read_time_column
from lineside.domain.units import DAY, SECOND
from lineside.testing.clocks import A_MOMENT
from lineside.zones import format_of, zone_named

NOW = A_MOMENT
BERLIN = zone_named("Europe/Berlin")


@pytest.mark.parametrize(
    "value",
    [
        1_795_000_000,
        1_795_000_000_000,
        1_795_000_000_000_000,
        1_795_000_000_000_000_000,
        1_795_000_000.0,
        "1795000000",
        b"1795000000000",
        "2026-11-18T11:06:40Z",
        "2026-11-18 11:06:40",
        "2026-11-18T12:06:40+01:00",
        "2026-11-18T12:06:40.000+0100",
    ],
)
def test_a_moment_is_read_in_every_unit_and_form(value: object) -> None:
    assert read_time(value, now=NOW) == NOW


def test_fractions_are_kept_to_the_nanosecond() -> None:
    assert read_time("2026-11-18T11:06:39.123456789Z", now=NOW) == NOW - SECOND + 123_456_789
    assert read_time("1794999999.5", now=NOW) == NOW - SECOND // 2


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (0, Reason.TIME_IMPLAUSIBLE),
        (-1, Reason.TIME_IMPLAUSIBLE),
        (-11_644_473_600_000, Reason.TIME_IMPLAUSIBLE),
        ("1601-01-01T00:00:00Z", Reason.TIME_IMPLAUSIBLE),
        ("9999-12-31T23:59:59Z", Reason.TIME_IMPLAUSIBLE),
        (253_402_300_799_000, Reason.TIME_IMPLAUSIBLE),
        (2**63, Reason.TIME_IMPLAUSIBLE),
        (2**64, Reason.TIME_IMPLAUSIBLE),
        pytest.param(10**10_000, Reason.TIME_IMPLAUSIBLE, id="an integer of 10,001 digits"),
        (float("nan"), Reason.TIME_IMPLAUSIBLE),
        (float("inf"), Reason.TIME_IMPLAUSIBLE),
        (1_795_003_600_000, Reason.TIME_AHEAD),
        (None, Reason.TIME_MISSING),
        ("", Reason.TIME_MISSING),
        (True, Reason.TIME_UNREADABLE),
        ([1], Reason.TIME_UNREADABLE),
        ("yesterday", Reason.TIME_UNREADABLE),
        ("2026-02-30", Reason.TIME_UNREADABLE),
        ("2026-11-18T25:00:00", Reason.TIME_UNREADABLE),
        pytest.param("2" * 5_000_000, Reason.TIME_UNREADABLE, id="5 MB"),
    ],
)
def test_what_is_no_plausible_time_is_refused_for_its_reason(value: object, reason: Reason) -> None:
    outcome = read_time(value, now=NOW)
    assert isinstance(outcome, Refusal)
    assert outcome.reason is reason


def test_a_time_within_five_minutes_ahead_is_accepted() -> None:
    assert check_time(NOW + AHEAD, NOW) == NOW + AHEAD
    assert isinstance(check_time(NOW + AHEAD + 1, NOW), Refusal)


def test_a_time_a_month_ago_is_accepted_and_left_to_be_marked_late() -> None:
    assert check_time(NOW - 31 * DAY, NOW) == NOW - 31 * DAY


def test_a_local_hour_that_comes_twice_is_refused_unless_it_carries_its_offset() -> None:
    outcome = read_time("2026-10-25T02:30:00", now=NOW, zone=BERLIN)
    assert isinstance(outcome, Refusal)
    assert outcome.reason is Reason.TIME_AMBIGUOUS
    assert read_time("2026-10-25T02:30:00+02:00", now=NOW, zone=BERLIN) == read_time("2026-10-25T00:30:00Z", now=NOW)


def test_a_local_hour_that_is_skipped_is_refused() -> None:
    outcome = read_time("2026-03-29T02:30:00", now=NOW, zone=BERLIN)
    assert isinstance(outcome, Refusal)
    assert outcome.reason is Reason.TIME_NONEXISTENT


def test_a_declared_format_is_the_only_one_that_is_read() -> None:
    form = format_of("%d.%m.%Y %H:%M")
    assert read_time("18.11.2026 12:06", now=NOW, zone=BERLIN, form=form) == NOW - 40 * SECOND
    assert isinstance(read_time("2026-11-18 12:06", now=NOW, form=form), Refusal)


@given(st.dates())
def test_days_are_counted_as_the_calendar_does(day: date) -> None:
    assert days_from_civil(day.year, day.month, day.day) == day.toordinal() - date(1970, 1, 1).toordinal()


NAIVE = datetime.fromisoformat
TIMES = st.one_of(
    st.datetimes(min_value=NAIVE("2019-01-01"), max_value=NAIVE("2027-01-01")).map(
        lambda moment: moment.strftime("%Y-%m-%d %H:%M:%S.%f").encode()
    ),
    st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S").encode()),
    st.sampled_from([b"2026-10-25 02:30:00", b"2026-03-29 02:30:00", b"", b"1795000000", b"2026-13-01 00:00:00"]),
)


@given(st.lists(TIMES, max_size=10), st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"]))
def test_a_column_of_times_is_read_as_its_cells_one_by_one(cells: list[bytes], zone: str) -> None:
    times, refusals = read_time_column(cells, now=NOW, zone=zone_named(zone))
    for row, cell in enumerate(cells):
        outcome = read_time(cell, now=NOW, zone=zone_named(zone))
        if isinstance(outcome, Refusal):
            assert refusals[row] == outcome
        else:
            assert row not in refusals
            assert times[row] == outcome


@given(st.lists(st.datetimes(min_value=NAIVE("2026-10-24"), max_value=NAIVE("2026-10-26")), min_size=1))
def test_local_times_around_a_change_of_clocks_agree_with_the_zone_itself(moments: list[datetime]) -> None:
    cells = [moment.strftime("%Y-%m-%d %H:%M:%S").encode() for moment in moments]
    times, refusals = read_time_column(cells, now=NOW, zone=BERLIN)
    for row, moment in enumerate(moments):
        if row in refusals:
            assert (moment.day, moment.hour) == (25, 2)
        else:
            seconds = int(times[row]) // SECOND
            local = NAIVE("1970-01-01") + timedelta(seconds=seconds + BERLIN.offset_at(seconds))
            assert local == moment.replace(microsecond=0)


def test_an_empty_column_has_no_times() -> None:
    times, refusals = read_time_column([], now=NOW)
    assert times.dtype == np.int64
    assert not len(times)
    assert not refusals
