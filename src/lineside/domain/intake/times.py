"""Source times as machines write them, to UTC nanoseconds, or refused.

Epoch numbers say their unit by their size: between the years 2000 and 2200, seconds, milliseconds, microseconds
and nanoseconds are ranges that do not touch, so that a source which counts in another unit than was thought is
still read rightly, and anything outside is refused. Calendar times are ISO 8601; one without a zone is local to
the source's `Zone`, and an hour that the clocks go through twice, or skip, is refused rather than guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from lineside.domain.intake.reasons import Reason, Refusal, refuse
from lineside.domain.readings import Int64
from lineside.domain.units import DAY, HOUR, MINUTE, SECOND

EARLIEST: Final = 946_684_800 * SECOND
"""2000-01-01T00:00:00Z: no source time is earlier."""
LATEST: Final = 7_258_118_400 * SECOND
"""2200-01-01T00:00:00Z: no source time is later."""
AHEAD: Final = 5 * MINUTE
"""How far a source's clock may be ahead of the gateway's."""

_ISO: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?\s?(Z|z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
_EPOCH: Final = re.compile(r"(-?\d{1,20})(?:\.(\d{0,9})\d*)?", re.ASCII)
_SCALES: Final = (SECOND, 1_000_000, 1_000, 1)
_DIGITS: Final = (0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18)
_MONTH_DAYS: Final = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_T = TypeVar("_T", int, Int64)

Format = Callable[[str], int | None]
"""Reads a text in a declared format: local nanoseconds since the epoch, or None where the text has another form."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone: its name, and its offset from UTC in seconds at a UTC time in seconds."""

    name: str
    offset_at: Callable[[int], int]

    def to_utc(self, local: int) -> int | Refusal:
        """Return the UTC time of a local time (both nanoseconds), or why there is not exactly one."""
        seconds = local // SECOND
        offsets = {self.offset_at(seconds - 86_400), self.offset_at(seconds + 86_400)}
        found = {offset for offset in offsets if self.offset_at(seconds - offset) == offset}
        if len(found) == 1:
            return local - found.pop() * SECOND
        reason = Reason.TIME_AMBIGUOUS if found else Reason.TIME_NONEXISTENT
        return refuse(reason, hint=f"The zone is {self.name}; write times in UTC or with their offset.")

    def to_utc_column(self, local: Int64) -> tuple[Int64, dict[int, Refusal]]:
        """Return a column of local times in UTC and the refusals by row; hours whose offset is constant at once."""
        utc = local.copy()
        refusals: dict[int, Refusal] = {}
        hours, where = np.unique(local // HOUR, return_inverse=True)
        for index, hour in enumerate(hours.tolist()):
            rows = np.flatnonzero(where == index) if len(hours) > 1 else np.arange(len(local))
            before, after = self.to_utc(hour * HOUR), self.to_utc(hour * HOUR + HOUR - SECOND)
            if isinstance(before, int) and isinstance(after, int) and after - before == HOUR - SECOND:
                utc[rows] += before - hour * HOUR
                continue
            for row in rows.tolist():
                moment = self.to_utc(int(local[row]))
                if isinstance(moment, Refusal):
                    refusals[row] = moment
                else:
                    utc[row] = moment
        return utc, refusals


UTC: Final = Zone("UTC", lambda _: 0)


def read_time(value: object, *, now: int, zone: Zone = UTC, form: Format | None = None) -> int | Refusal:
    """Return the UTC nanoseconds that a source time says, or why it says none; ``now`` in UTC nanoseconds."""
    moment = _moment(value, zone, form)
    return moment if isinstance(moment, Refusal) else check_time(moment, now)


def check_time(moment: int, now: int) -> int | Refusal:
    """Return a time in UTC nanoseconds if it is plausible, or why it is not."""
    if not EARLIEST <= moment < LATEST:
        return refuse(Reason.TIME_IMPLAUSIBLE, moment)
    if moment > now + AHEAD:
        found = refuse(Reason.TIME_AHEAD, moment, f"That is {(moment - now) // SECOND} s ahead; set the clocks.")
        return replace(found, moment=moment)
    return moment


def read_time_column(
    cells: Sequence[bytes], *, now: int, zone: Zone = UTC, form: Format | None = None
) -> tuple[Int64, dict[int, Refusal]]:
    """Return the UTC nanoseconds of a column of cells, 0 where refused, and the refusals by row."""
    if form is None and cells:
        local, good = _iso_column(cells)
        if good.all():
            return read_local_column(local, now=now, zone=zone)
    times = np.zeros(len(cells), dtype=np.int64)
    refusals = {}
    for row, cell in enumerate(cells):
        moment = read_time(cell, now=now, zone=zone, form=form)
        if isinstance(moment, Refusal):
            refusals[row] = moment
        else:
            times[row] = moment
    return times, refusals


def read_local_column(local: Int64, *, now: int, zone: Zone = UTC) -> tuple[Int64, dict[int, Refusal]]:
    """Return the UTC nanoseconds of a column of local nanoseconds, 0 where refused, and the refusals by row."""
    utc, refusals = zone.to_utc_column(local)
    for row in np.flatnonzero((utc < EARLIEST) | (utc >= LATEST) | (utc > now + AHEAD)).tolist():
        refusal = check_time(int(utc[row]), now)
        if row not in refusals and isinstance(refusal, Refusal):
            refusals[row] = refusal
    utc[list(refusals)] = 0
    return utc, refusals


def days_from_civil(year: _T, month: _T, day: _T) -> _T:
    """Return the days since 1970-01-01 of a date of the Gregorian calendar, for integers or columns of them.

    The year is counted from March, so that the leap day is its last (H. Hinnant, "chrono-Compatible Low-Level
    Date Algorithms").
    """
    shifted = year - (month <= 2)
    era = shifted // 400
    of_era = shifted - era * 400
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days: _T = era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
    return days


def _moment(value: object, zone: Zone, form: Format | None) -> int | Refusal:
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    if value is None or value == "":
        return refuse(Reason.TIME_MISSING)
    if isinstance(value, str) and len(value) <= 64:
        return _of_text(value.strip(), zone, form)
    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        return _of_number(value)
    return refuse(Reason.TIME_UNREADABLE, value)


def _of_text(text: str, zone: Zone, form: Format | None) -> int | Refusal:
    if form is not None:
        local = form(text)
        return refuse(Reason.TIME_UNREADABLE, text) if local is None else zone.to_utc(local)
    epoch = _EPOCH.fullmatch(text)
    if epoch is None:
        return _of_iso(text, zone)
    return _of_parts(int(epoch[1]), (epoch[2] or "").ljust(9, "0"))


def _of_number(value: float | np.integer | np.floating) -> int | Refusal:
    if isinstance(value, int | np.integer):
        return _of_parts(int(value), "000000000")
    number = float(value)
    if not abs(number) < 1e19:
        return refuse(Reason.TIME_IMPLAUSIBLE, number)
    whole, fraction = divmod(number, 1.0)
    return _of_parts(int(whole), f"{fraction:.9f}"[2:])


def _of_parts(whole: int, fraction: str) -> int | Refusal:
    for scale in _SCALES:
        if EARLIEST <= whole * scale < LATEST:
            return whole * scale + int(fraction) * scale // SECOND
    return refuse(Reason.TIME_IMPLAUSIBLE, whole)


def _of_iso(text: str, zone: Zone) -> int | Refusal:
    match = _ISO.fullmatch(text)
    if match is None:
        return refuse(Reason.TIME_UNREADABLE, text)
    year, month, day, hour, minute, second = (int(match[index] or 0) for index in range(1, 7))
    if not (1 <= month <= 12 and 1 <= day <= _days_in(year, month) and hour < 24 and minute < 60 and second < 60):
        return refuse(Reason.TIME_UNREADABLE, text)
    local = days_from_civil(year, month, day) * DAY + (hour * 60 + minute) * MINUTE + second * SECOND
    local += int((match[7] or "0").ljust(9, "0"))
    if not EARLIEST - DAY <= local < LATEST + DAY:
        return refuse(Reason.TIME_IMPLAUSIBLE, text)
    return zone.to_utc(local) if match[8] is None else local - _offset(match[8])


def _days_in(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and leap else int(_MONTH_DAYS[month])


def _offset(text: str) -> int:
    if text in "Zz":
        return 0
    digits = text[1:].replace(":", "").ljust(4, "0")
    size = int(digits[:2]) * HOUR + int(digits[2:]) * MINUTE
    return -size if text[0] == "-" else size


def _iso_column(cells: Sequence[bytes]) -> tuple[Int64, NDArray[np.bool_]]:
    """Return local times and which cells were read, for cells all of the form ``2020-03-09 10:14:33[.ffffff]``."""
    width = len(cells[0])
    if not (width == 19 or 21 <= width <= 29):
        return np.zeros(len(cells), dtype=np.int64), np.zeros(len(cells), dtype=np.bool_)
    if any(len(cell) != width for cell in cells):
        return np.zeros(len(cells), dtype=np.int64), np.zeros(len(cells), dtype=np.bool_)
    letters = np.frombuffer(b"".join(cells), dtype=np.uint8).reshape(len(cells), width)
    digits = letters.astype(np.int64) - ord("0")
    used = [*_DIGITS, *range(20, width)]
    good = ((digits[:, used] >= 0) & (digits[:, used] <= 9)).all(axis=1)
    good &= (letters[:, (4, 7)] == ord("-")).all(axis=1) & (letters[:, (13, 16)] == ord(":")).all(axis=1)
    good &= (letters[:, 10] == ord(" ")) | (letters[:, 10] == ord("T"))
    if width > 19:
        good &= letters[:, 19] == ord(".")
    year = digits[:, :4] @ np.array([1000, 100, 10, 1])
    month, day, hour, minute, second = (digits[:, at] * 10 + digits[:, at + 1] for at in (5, 8, 11, 14, 17))
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0)) & (month == 2)
    month_days = _MONTH_DAYS[np.clip(month, 0, 12)] + leap
    good &= (year >= 2000) & (year < 2200) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= month_days)
    good &= (hour < 24) & (minute < 60) & (second < 60)
    local = days_from_civil(year, month, day) * DAY + (hour * 60 + minute) * MINUTE + second * SECOND
    if width > 20:
        local += digits[:, 20:] @ (10 ** np.arange(8, 8 - (width - 20), -1))
    return local, good
