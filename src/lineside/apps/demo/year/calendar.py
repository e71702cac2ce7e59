"""When the cell of the simulated year produces, and what goes wrong on which day.

The year has seasons of thirteen weeks; of each week one working day is seen, from six to six. A year is followed by
another spring, so that every season can be judged by what the first spring taught. Which day is seen, what breaks, when
and how badly follow from the seed alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np

from lineside.apps.demo.physics.chance import Stream, uniforms
from lineside.apps.demo.physics.faults import Fault, FaultKind
from lineside.domain.readings import Float64
from lineside.domain.units import DAY, HOUR, MINUTE

BEGIN: Final = 1_740_960_000_000_000_000
"""Monday, 3 March 2025, 00:00 UTC."""
WEEK: Final = 7 * DAY
SEASON_WEEKS: Final = 13
SHIFT: Final = 8 * HOUR
_FIRST_SHIFT: Final = 6 * HOUR
_SHUT: Final = frozenset({22, 23, 42, 43})
"""Weeks without production: two in August, two at the turn of the year."""
_PROCESS: Final = (FaultKind.CHILLER_VALVE, FaultKind.VACUUM_LEAK, FaultKind.PLUNGER_WEAR, FaultKind.ALLOY_LOT)
_SENSORS: Final = (FaultKind.SENSOR_STUCK, FaultKind.SENSOR_DRIFT)
_GRADES: Final = 4
"""In every season each process fault comes once in each quarter of the severities, each sensor fault in two."""
_LEAST_SEVERITY: Final = 0.25
_HOT_DAYS: Final = {"summer": 4, "spring": 1, "autumn": 1, "next_spring": 1, "winter": 0}


class Season(StrEnum):
    """The seasons in order; the first is learned from, the others are judged."""

    SPRING = "spring"
    SUMMER = "summer"
    AUTUMN = "autumn"
    WINTER = "winter"
    NEXT_SPRING = "next_spring"


@dataclass(frozen=True, kw_only=True, slots=True)
class ProductionDay:
    """A day that is seen: ``start`` in UTC ns, its shifts, whether it starts cold, and what goes wrong on it."""

    week: int
    season: Season
    start: int
    shifts: int
    cold: bool
    faults: tuple[Fault, ...] = ()

    @property
    def end(self) -> int:
        """When the last shift ends (UTC ns)."""
        return self.start + self.shifts * SHIFT


def production_days(seed: int, seasons: tuple[Season, ...] = tuple(Season)) -> tuple[ProductionDay, ...]:
    """Return the days of a year and a spring that are seen, in order."""
    return tuple(day for season in seasons for day in season_days(seed, season))


def season_days(seed: int, season: Season) -> tuple[ProductionDay, ...]:
    """Return the days of a season, with their faults."""
    place = tuple(Season).index(season)
    weeks = [week for week in range(place * SEASON_WEEKS, (place + 1) * SEASON_WEEKS) if week % 52 not in _SHUT]
    days = [_day(seed, season, week) for week in weeks]
    drawn = uniforms(seed + 1, Stream.YEAR, place, 1, 512)[0]
    faults = dict(_faults(season, days, drawn))
    return tuple(_with(day, faults.get(day.week, ())) for day in days)


def _day(seed: int, season: Season, week: int) -> ProductionDay:
    """Return the day of a week that is seen: every fourth week has no night shift, and so starts cold each day."""
    weekday = int(5 * uniforms(seed, Stream.YEAR, week, 1, 4)[0, 0])
    without_night = week % 4 == 3
    return ProductionDay(
        week=week,
        season=season,
        start=BEGIN + week * WEEK + weekday * DAY + _FIRST_SHIFT,
        shifts=2 if without_night else 3,
        cold=weekday == 0 or without_night,
    )


def _with(day: ProductionDay, faults: tuple[Fault, ...]) -> ProductionDay:
    return replace(day, faults=tuple(sorted(faults, key=lambda fault: fault.start)))


def _faults(season: Season, days: list[ProductionDay], drawn: Float64) -> Iterator[tuple[int, tuple[Fault, ...]]]:
    """Yield the faults of each week: at most one to a shift, and hot days from eight to eighteen."""
    shifts = [(day, shift) for day in days for shift in range(day.shifts)]
    wanted = [(kind, grade) for kind in _PROCESS for grade in range(_GRADES)]
    wanted += [(kind, grade) for kind in _SENSORS for grade in (1, 3)]
    order = np.argsort(drawn[: len(shifts)])
    placed: dict[int, list[Fault]] = {}
    for (kind, grade), where, chance in zip(wanted, order, drawn[64:].reshape(-1, 4), strict=False):
        day, shift = shifts[where]
        placed.setdefault(day.week, []).append(_fault(kind, grade, day.start + shift * SHIFT, chance))
    for where in np.argsort(drawn[40 : 40 + len(days)])[: _HOT_DAYS[season]]:
        start = days[where].start + 2 * HOUR
        hot = Fault(kind=FaultKind.HOT_DAY, start=start, end=start + 10 * HOUR, severity=0.3 + 0.3 * drawn[where])
        placed.setdefault(days[where].week, []).append(hot)
    yield from ((week, tuple(faults)) for week, faults in placed.items())


def _fault(kind: FaultKind, grade: int, shift: int, chance: Float64) -> Fault:
    """Return a fault within a shift: in its first five hours, for half an hour to two hours."""
    start = shift + round((0.4 + 4.6 * chance[0]) * HOUR)
    lasts = round((30 + 90 * chance[1]) * MINUTE)
    severity = _LEAST_SEVERITY + (1.0 - _LEAST_SEVERITY) * (grade + chance[2]) / _GRADES
    return Fault(kind=kind, start=start, end=start + lasts, severity=float(severity))
