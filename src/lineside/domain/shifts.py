"""Which shift, and which season, parts belong to: pure arithmetic on local wall-clock times.

Local times are nanoseconds as a clock on the wall would count them since 1970 (`lineside.learn.local_time` makes them
from UTC). A shift that runs past midnight belongs to the day on which it began.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.plan.identity import WEEKDAYS, Shift
from lineside.domain.readings import Int64
from lineside.domain.units import DAY, HOUR, MINUTE

Bools = NDArray[np.bool_]
NO_SHIFT: Final = -1
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
SEASONS: Final = ("December to February", "March to May", "June to August", "September to November")
"""Named by their months, which mean the same on both halves of the earth."""


def shift_of(shifts: Sequence[Shift], local: Int64, holidays: Sequence[str] = ()) -> tuple[Int64, Int64]:
    """Return for each local time the position of its shift (`NO_SHIFT`: none runs), and when that began.

    Without shifts in the plan a day counts as one, of position 0. Of shifts that overlap the first named holds.
    On ``holidays`` (ISO 8601) none begins.
    """
    which = np.full(len(local), NO_SHIFT, dtype=np.int64)
    began = np.zeros(len(local), dtype=np.int64)
    if not shifts:
        return np.zeros(len(local), dtype=np.int64), local // DAY * DAY
    free = np.array(holidays, dtype="datetime64[D]").astype(np.int64)
    for position, shift in enumerate(shifts):
        hour, minute = shift.starts.split(":")
        since = (local - int(hour) * HOUR - int(minute) * MINUTE) % DAY
        here = (since < round(shift.hours * HOUR)) & (which == NO_SHIFT) & _begins(shift, (local - since) // DAY, free)
        which[here] = position
        began[here] = local[here] - since[here]
    return which, began


def _begins(shift: Shift, days: Int64, free: Int64) -> Bools:
    """Return on which of the days since 1970, which began on a Thursday, a shift begins."""
    wanted = [position for position, day in enumerate(WEEKDAYS) if day in shift.days]
    return np.asarray(np.isin((days + 3) % 7, wanted) & ~np.isin(days, free), dtype=np.bool_)


def month_of(local: Int64) -> Int64:
    """Return months since January 1970."""
    months: Int64 = local.astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64)
    return months


def month_name(month: int, *, year: bool) -> str:
    """Return the name of a month since January 1970, with its year where that must be told."""
    name = MONTHS[month % 12]
    return f"{name} {1970 + month // 12}" if year else name


def season_of(local: Int64) -> Int64:
    """Return for each local time its position in `SEASONS`, whatever the year."""
    return np.asarray((month_of(local) + 1) % 12 // 3, dtype=np.int64)
