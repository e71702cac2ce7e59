"""The demo's shift calendar: who works when, on Sundays and holidays nobody, and always when its year is looked at."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import lineside
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.demo.year.calendar import production_days
from lineside.apps.plant.floor.shifts import shift_at
from lineside.domain.units import HOUR, SECOND

PLAN = load_plan(Path(lineside.__file__).parent / "apps" / "demo" / "plan.yaml")


@pytest.mark.parametrize(
    ("moment", "shift"),
    [
        ("2026-11-27T12:00", "early"),
        ("2026-11-27T23:00", "night"),
        ("2026-11-28T05:00", "night"),
        ("2026-11-28T15:00", "late"),
        ("2026-11-28T23:00", ""),
        ("2026-11-29T12:00", ""),
        ("2026-12-25T05:00", "night"),
        ("2026-12-25T12:00", ""),
    ],
)
def test_nobody_works_in_the_night_to_sunday_on_sundays_and_holidays(moment: str, shift: str) -> None:
    time = datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(PLAN.line.timezone))
    assert shift_at(PLAN, int(time.timestamp()) * SECOND).id == shift


def test_every_hour_of_the_simulated_year_is_in_a_shift() -> None:
    for day in production_days(7):
        for hour in range(8 * day.shifts):
            assert shift_at(PLAN, day.start + hour * HOUR).id, (day.week, hour)
