"""Times as people and machines write them, to UTC nanoseconds.

Understood without being told: ISO 8601 (with or without a zone), epochs in seconds, milliseconds, microseconds or
nanoseconds (told apart by their size), and the common national forms. A local time that happens twice or never
(when the clocks change) is refused rather than guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from lineside.adapters.tables.columns import NULLS
from lineside.domain.errors import DataError
from lineside.domain.tables import NO_TIME, Int64
from lineside.domain.units import MICROSECOND, MILLISECOND, MINUTE, SECOND

ISO: Final = "iso"
EPOCH: Final = "epoch"
NATIONAL: Final = (
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M:%S.%f",
    "%d.%m.%Y %H:%M:%S,%f",
    "%d.%m.%Y %H:%M",
    "%d.%m.%y %H:%M:%S",
    "%d.%m.%y %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M:%S.%f",
    "%Y/%m/%d %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S.%f",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S.%f",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%b-%Y %H:%M:%S",
    "%Y%m%dT%H%M%S",
)
"""Forms that are tried where nothing is said, in order; where day and month cannot be told apart, the day is first."""
TIME_WORDS: Final = re.compile(r"time|date|zeit|datum|stamp|heure|fecha|hora|^ts$|^t$", re.IGNORECASE)
SAMPLE: Final = 500
LEAST_SHARE: Final = 0.9

_ISO: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(Z|z|[+-]\d\d(?::?\d\d)?)?", re.ASCII
)
_INTEGER: Final = re.compile(r"\d{9,19}(?:\.\d{1,9})?", re.ASCII)
_DATE: Final = re.compile(r"\d[-./]\w{1,3}[-./]\d|\d{8}T", re.ASCII)
"""What every national form has in it; looked for first, because it is quicker than to try them all."""
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = 2**63 - 1
_STEP: Final = 15 * MINUTE
"""Clocks change at a multiple of this."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeOptions:
    """Where a table's times are.

    Attributes:
        column: its name; ``""``: rows have no time; None: found out.
        format: as in ``strptime``; empty: found out.
        zone: IANA name of the zone of times that carry none.
    """

    column: str | None = None
    format: str = ""
    zone: str = "UTC"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ParsedTimes:
    """UTC nanoseconds, `NO_TIME` where a cell is no time; ``format`` is empty for ISO 8601 and epochs."""

    values: Int64
    format: str
    problems: Mapping[int, str]

    def problem(self, index: int) -> str:
        """Return why the cell at an index is no time."""
        return self.problems[index]


def parse_times(cells: Sequence[str], options: TimeOptions, *, where: str, field: str) -> ParsedTimes:
    """Return the times of a column.

    Raises:
        DataError: no known form fits most of the cells, or there is no such zone.
    """
    zone = find_zone(options.zone, where)
    form = options.format or find_form(cells)
    if form is None:
        raise DataError(
            "times in no known form",
            where=where,
            field=field,
            value=next((cell for cell in cells if cell not in NULLS), ""),
            next_step="give a strptime format, such as '%d.%m.%Y %H:%M:%S'",
        )
    parse = _parser(form, cells)
    values = np.full(len(cells), NO_TIME, dtype=np.int64)
    local = np.zeros(len(cells), dtype=np.bool_)
    problems: dict[int, str] = {}
    for i, cell in enumerate(cells):
        try:
            values[i], local[i] = parse(cell)
        except (ValueError, OverflowError):
            problems[i] = f"{cell[:40]!r} is no time of the form {form}"
    _to_utc(values, local, zone, problems)
    return ParsedTimes(values=values, format="" if form in {ISO, EPOCH} else form, problems=problems)


def find_form(cells: Sequence[str]) -> str | None:
    """Return ``iso``, ``epoch`` or the strptime format that most of the first cells have; None where there is none."""
    sample = [cell for cell in cells[: 4 * SAMPLE] if cell not in NULLS][:SAMPLE]
    if not sample:
        return None
    if _share(sample, lambda cell: _ISO.fullmatch(cell) is not None) >= LEAST_SHARE:
        return ISO
    if _share(sample, lambda cell: _INTEGER.fullmatch(cell) is not None) >= LEAST_SHARE:
        return EPOCH
    if _share(sample, lambda cell: _DATE.search(cell) is not None) < LEAST_SHARE:
        return None
    shares = {form: _share(sample, lambda cell, form=form: _fits(cell, form)) for form in NATIONAL}  # type: ignore[misc]
    best = max(shares, key=lambda form: shares[form])
    return best if shares[best] >= LEAST_SHARE else None


def find_time_column(columns: Mapping[str, Sequence[str]]) -> str:
    """Return the column that holds the times, or ``""``: the first that reads like times, those so named before others.

    A column of bare integers counts only if its name says time: counters and orders look the same.
    """
    named = [name for name in columns if TIME_WORDS.search(name)]
    for name in (*named, *(name for name in columns if name not in named)):
        form = find_form(columns[name])
        if form is not None and (form != EPOCH or name in named):
            return name
    return ""


def find_zone(name: str, where: str = "") -> ZoneInfo:
    """Return a time zone by its IANA name.

    Raises:
        DataError: there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise DataError(
            "no such time zone",
            where=where or None,
            field="time_zone",
            value=name,
            next_step="use an IANA name such as 'Europe/Berlin'",
        ) from error


def _share(sample: Sequence[str], fits: Callable[[str], bool]) -> float:
    return sum(fits(cell) for cell in sample) / len(sample)


def _fits(cell: str, form: str) -> bool:
    try:
        datetime.strptime(cell, form)  # noqa: DTZ007 (only its form is looked at)
    except ValueError:
        return False
    return True


def _parser(form: str, cells: Sequence[str]) -> Callable[[str], tuple[int, bool]]:
    """Return what turns one cell into nanoseconds and whether they are local; it raises ValueError."""
    if form == ISO:
        return _iso
    if form == EPOCH:
        scale = _epoch_scale(cells)
        return lambda cell: (_epoch(cell, scale), False)
    return lambda cell: _strptime(cell, form)


def _iso(cell: str) -> tuple[int, bool]:
    match = _ISO.fullmatch(cell)
    if match is None:
        raise ValueError(cell)
    year, month, day, hour, minute, second, fraction, zone = match.groups("")
    seconds = (date(int(year), int(month), int(day)).toordinal() - _EPOCH_DAY) * 86_400
    if hour:
        hours, minutes = int(hour), int(minute)
        whole = int(second or 0)
        if hours > 23 or minutes > 59 or whole > 60:  # 60: a leap second, which machines do write
            raise ValueError(cell)
        seconds += hours * 3_600 + minutes * 60 + whole
    nanoseconds = seconds * SECOND + (int(fraction.ljust(9, "0")) if fraction else 0)
    return _in_range(nanoseconds - _offset(zone)), not zone


def _offset(zone: str) -> int:
    if zone in {"", "Z", "z"}:
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return (-minutes if zone[0] == "-" else minutes) * MINUTE


def _strptime(cell: str, form: str) -> tuple[int, bool]:
    moment = datetime.strptime(cell, form)  # noqa: DTZ007 (a time without a zone is the plan's local time)
    local = moment.tzinfo is None
    if local:
        moment = moment.replace(tzinfo=UTC)
    return _in_range((moment - _EPOCH) // timedelta(microseconds=1) * MICROSECOND), local


def _epoch_scale(cells: Sequence[str]) -> int:
    """Return the nanoseconds of one step: told by how many digits the first whole number has."""
    digits = next((len(cell.partition(".")[0]) for cell in cells if _INTEGER.fullmatch(cell)), 10)
    if digits <= 10:
        return SECOND
    if digits <= 13:
        return MILLISECOND
    return MICROSECOND if digits <= 16 else 1


def _epoch(cell: str, scale: int) -> int:
    if _INTEGER.fullmatch(cell) is None:
        raise ValueError(cell)
    whole, _, fraction = cell.partition(".")
    return _in_range(int(whole) * scale + (int(fraction.ljust(9, "0")) * scale // SECOND if fraction else 0))


def _in_range(nanoseconds: int) -> int:
    if not -_LAST <= nanoseconds <= _LAST:
        raise OverflowError
    return nanoseconds


def _to_utc(
    values: Int64, local: np.ndarray[tuple[int], np.dtype[np.bool_]], zone: ZoneInfo, problems: dict[int, str]
) -> None:
    """Turn local times into UTC in place; one that the zone has twice or never becomes `NO_TIME`."""
    rows = np.flatnonzero(local & (values != NO_TIME))
    if not len(rows) or zone.key == "UTC":
        return
    steps, which = np.unique(values[rows] // _STEP, return_inverse=True)
    offsets = np.array([_offset_at(int(step), zone) for step in steps], dtype=np.int64)[which]
    unclear = offsets == NO_TIME
    values[rows[~unclear]] -= offsets[~unclear]
    values[rows[unclear]] = NO_TIME
    for row in rows[unclear].tolist():
        problems[row] = f"a local time that {zone.key} has twice or never, as its clocks change"


def _offset_at(step: int, zone: ZoneInfo) -> int:
    moment = (_EPOCH + timedelta(minutes=15 * step)).replace(tzinfo=None)
    early = moment.replace(tzinfo=zone, fold=0).utcoffset()
    late = moment.replace(tzinfo=zone, fold=1).utcoffset()
    if early is None or early != late:
        return NO_TIME
    return early // timedelta(microseconds=1) * MICROSECOND
