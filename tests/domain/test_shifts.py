from __future__ import annotations

import numpy as np

from lineside.domain.plan.model import Shift, Weekday
from lineside.domain.shifts import NO_SHIFT, SEASONS, month_name, month_of, season_of, shift_of
from lineside.domain.units import DAY, HOUR
from lineside.learn.local_time import local_times

MAY = int(np.datetime64("2025-05-01", "ns").astype(np.int64))


def test_a_shift_past_midnight_belongs_to_the_day_on_which_it_began() -> None:
    shifts = (Shift(id="early", starts="06:00"), Shift(id="night", starts="22:00"))
    which, began = shift_of(shifts, np.array([MAY + 7 * HOUR, MAY + 23 * HOUR, MAY + DAY + 3 * HOUR, MAY + 15 * HOUR]))
    assert which.tolist() == [0, 1, 1, NO_SHIFT]
    assert began[1] == began[2] == MAY + 22 * HOUR


def test_without_shifts_a_day_counts_as_one() -> None:
    which, began = shift_of((), np.array([MAY + 7 * HOUR, MAY + DAY]))
    assert which.tolist() == [0, 0]
    assert began.tolist() == [MAY, MAY + DAY]


def test_months_and_seasons_have_their_names() -> None:
    times = np.array([MAY - HOUR, MAY, MAY + 230 * DAY], dtype=np.int64)
    assert [month_name(m, year=True) for m in month_of(times)] == ["April 2025", "May 2025", "December 2025"]
    assert [SEASONS[s] for s in season_of(times)] == ["March to May", "March to May", "December to February"]


def test_local_time_follows_the_zone_through_its_change_of_the_clock() -> None:
    spring = int(np.datetime64("2025-03-30T00:30", "ns").astype(np.int64))
    local = local_times(np.array([spring, spring + HOUR]), "Europe/Berlin")
    assert (local - np.array([spring, spring + HOUR])).tolist() == [HOUR, 2 * HOUR]


def test_parts_of_other_weekdays_and_of_holidays_are_of_no_shift() -> None:
    shifts = (Shift(id="night", starts="22:00", days=(Weekday.THURSDAY, Weekday.FRIDAY)),)
    thursday, friday, saturday = (MAY + day * DAY + 23 * HOUR for day in range(3))
    local = np.array([thursday, thursday + 3 * HOUR, friday, saturday])
    assert shift_of(shifts, local)[0].tolist() == [0, 0, 0, NO_SHIFT]
    assert shift_of(shifts, local, ("2025-05-02",))[0].tolist() == [0, 0, NO_SHIFT, NO_SHIFT]
