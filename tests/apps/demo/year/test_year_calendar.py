"""The year's days follow from the seed, and every season brings what may go wrong."""

import itertools
from collections import Counter

import pytest

from lineside.apps.demo.physics.faults import FaultKind
from lineside.apps.demo.year.calendar import SHIFT, Season, production_days, season_days

PROCESS = (FaultKind.CHILLER_VALVE, FaultKind.VACUUM_LEAK, FaultKind.PLUNGER_WEAR, FaultKind.ALLOY_LOT)


def test_the_same_seed_gives_the_same_days_and_another_gives_others() -> None:
    assert production_days(3) == production_days(3)
    assert production_days(3) != production_days(4)


def test_days_come_in_order_and_a_season_alone_is_that_of_the_year() -> None:
    days = production_days(5)
    assert all(before.end < after.start for before, after in itertools.pairwise(days))
    assert season_days(5, Season.WINTER) == tuple(day for day in days if day.season is Season.WINTER)


@pytest.mark.parametrize("season", list(Season))
def test_every_season_has_every_fault_mild_and_severe(season: Season) -> None:
    faults = [fault for day in season_days(11, season) for fault in day.faults]
    counts = Counter(fault.kind for fault in faults)
    assert all(counts[kind] == 4 for kind in PROCESS)
    assert counts[FaultKind.SENSOR_STUCK] == counts[FaultKind.SENSOR_DRIFT] == 2
    for kind in PROCESS:
        severities = sorted(fault.severity for fault in faults if fault.kind is kind)
        assert severities[0] < 0.45
        assert 0.8 < severities[-1] <= 1.0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_shift_has_one_fault_at_most_and_it_ends_within_the_shift(seed: int) -> None:
    for day in production_days(seed):
        faults = [fault for fault in day.faults if fault.kind is not FaultKind.HOT_DAY]
        shifts = [(fault.start - day.start) // SHIFT for fault in faults]
        assert len(set(shifts)) == len(shifts)
        assert all((fault.end - 1 - day.start) // SHIFT == shift for fault, shift in zip(faults, shifts, strict=True))


def test_two_weeks_of_august_and_the_turn_of_the_year_are_without_production() -> None:
    counts = Counter(day.season for day in production_days(1))
    assert counts == {
        Season.SPRING: 13,
        Season.SUMMER: 11,
        Season.AUTUMN: 13,
        Season.WINTER: 11,
        Season.NEXT_SPRING: 13,
    }


def test_days_after_a_weekend_or_a_night_off_start_cold() -> None:
    days = production_days(2)
    assert all(day.cold for day in days if day.shifts == 2)
    assert 0 < sum(day.cold for day in days) < len(days) / 2
