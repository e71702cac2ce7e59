"""Which shift is running, from the plan's shifts in the line's time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from lineside.apps.plant.floor.views import ShiftView
from lineside.domain.plan.model import Plan, Shift
from lineside.domain.units import HOUR, SECOND

_WITHOUT_SHIFTS: Final = 8 * HOUR


def shift_at(plan: Plan, now: int) -> ShiftView:
    """Return the shift that runs at ``now`` (UTC ns); the last 8 hours where the plan has none then."""
    zone = ZoneInfo(plan.line.timezone)
    today = datetime.fromtimestamp(now // SECOND, tz=UTC).astimezone(zone).date()
    for shift in plan.shifts:
        for day in (today, today - timedelta(days=1)):
            starts, ends = _bounds(shift, day, zone)
            if starts <= now < ends:
                return ShiftView(label=shift.id.replace("_", " "), starts=starts, ends=ends, id=shift.id)
    return ShiftView(label="", starts=now - _WITHOUT_SHIFTS, ends=now)


def _bounds(shift: Shift, day: date, zone: ZoneInfo) -> tuple[int, int]:
    hour, minute = shift.starts.split(":")
    begins = datetime.combine(day, time(int(hour), int(minute)), tzinfo=zone)
    starts = int(begins.timestamp()) * SECOND
    return starts, starts + round(shift.hours * HOUR)
