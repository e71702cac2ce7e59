"""Which shift is running, from the plan's shifts in the line's time zone.

A shift ends by the clock on the wall: where the clock is changed in it, it is an hour shorter or longer, and the next
begins when it ends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from lineside.apps.plant.floor.views import ShiftView
from lineside.domain.alarm_groups import ShiftTime
from lineside.domain.plan.identity import WEEKDAYS
from lineside.domain.plan.model import Plan, Shift
from lineside.domain.units import HOUR, SECOND

_WITHOUT_SHIFTS: Final = 8 * HOUR


def shift_at(plan: Plan, now: int) -> ShiftView:
    """Return the shift that runs at ``now`` (UTC ns); the last 8 hours where the plan has none then."""
    zone = ZoneInfo(plan.line.timezone)
    today = datetime.fromtimestamp(now // SECOND, tz=UTC).astimezone(zone).date()
    for shift in plan.shifts:
        for day in _begins(shift, (today, today - timedelta(days=1)), plan.holidays):
            starts, ends = _bounds(shift, day, zone)
            if starts <= now < ends:
                return ShiftView(label=shift.id.replace("_", " "), starts=starts, ends=ends, id=shift.id)
    return ShiftView(label="", starts=now - _WITHOUT_SHIFTS, ends=now)


def shift_times(plan: Plan, begins: int, now: int) -> dict[str, ShiftTime]:
    """Return how long each shift of the plan ran from ``begins`` to ``now`` (UTC ns).

    Where the plan has no shifts at all, all of the time is of the shift ``""``, in stretches of 8 hours.
    """
    if not plan.shifts:
        return {"": ShiftTime(length=now - begins, shifts=(now - begins) / _WITHOUT_SHIFTS)}
    zone = ZoneInfo(plan.line.timezone)
    first, last = (datetime.fromtimestamp(time // SECOND, tz=UTC).astimezone(zone).date() for time in (begins, now))
    days = [first + timedelta(days=number) for number in range(-1, (last - first).days + 1)]
    found = {}
    for shift in plan.shifts:
        bounds = [_bounds(shift, day, zone) for day in _begins(shift, days, plan.holidays)]
        ran = [(max(0, min(ends, now) - max(starts, begins)), ends - starts) for starts, ends in bounds]
        found[shift.id] = ShiftTime(
            length=sum(part for part, _ in ran), shifts=sum(part / whole for part, whole in ran)
        )
    return found


def _begins(shift: Shift, days: Iterable[date], holidays: Collection[str]) -> Iterator[date]:
    """Yield those of the days on which a shift begins."""
    for day in days:
        if WEEKDAYS[day.weekday()] in shift.days and day.isoformat() not in holidays:
            yield day


def _bounds(shift: Shift, day: date, zone: ZoneInfo) -> tuple[int, int]:
    hour, minute = shift.starts.split(":")
    begins = datetime.combine(day, time(int(hour), int(minute)), tzinfo=zone)
    ends = begins + timedelta(hours=shift.hours)
    return int(begins.timestamp()) * SECOND, int(ends.timestamp()) * SECOND
