"""What the fields of AQDEF mean: numbers, attributes, times, and limits beside those of the plan."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from lineside.domain.aqdef.description import Characteristic, Description
from lineside.domain.intake.reasons import Reason, Refusal, refuse
from lineside.domain.intake.times import Zone, check_time, days_from_civil
from lineside.domain.intake.values import read_number, read_number_column
from lineside.domain.plan.model import Plan
from lineside.domain.readings import BAD, GOOD, UNCERTAIN_EU_EXCEEDED, Float64, Int64
from lineside.domain.units import DAY, HOUR, MINUTE, SECOND

STATUS: Final[Mapping[str, int]] = {"": GOOD, "0": GOOD, "129": BAD, "290": UNCERTAIN_EU_EXCEEDED}
"""K0002 as status: valid, invalid, implausible."""
PLACEHOLDER: Final = "255"
DELETED: Final = "256"
_TIME: Final = re.compile(
    r"(\d{1,2})\.(\d{1,2})\.(\d{4}|\d{2})[/ ](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,9}))?)?", re.ASCII
)
_MONTH_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def number_of(fields: Mapping[str, str]) -> tuple[float, int] | Refusal | None:
    """Return the value of a characteristic and its status; None where there is none (K0002 255, or nothing).

    A measured value is K0001; of a counted one it is K0021, the number of nonconforming. The decimal sign may be
    either, since the format knows no sign that groups digits.
    """
    attribute, text = fields.get("K0002", ""), fields.get("K0001") or fields.get("K0021") or ""
    if attribute == PLACEHOLDER:
        return None
    if attribute == DELETED:
        return refuse(Reason.WITHDRAWN, text)
    status = STATUS.get(attribute)
    if status is None:
        return refuse(Reason.UNKNOWN_QUALITY, attribute, "K0002 is 0, 129, 255, 256 or 290.")
    if status == BAD:
        return float("nan"), BAD
    if not text:
        return None
    value = read_number(text, decimal="," if "," in text else ".")
    return value if isinstance(value, Refusal) else (value, status)


def numbers_of(cells: Sequence[Mapping[str, str]]) -> tuple[Float64, Int64, dict[int, Refusal]]:
    """Return what `number_of` returns for many values: numbers (NaN for none), status, and refusals by row."""
    values, status = np.full(len(cells), np.nan), np.zeros(len(cells), dtype=np.int64)
    plain = [row for row, fields in enumerate(cells) if fields.get("K0002", "0") in {"", "0"} and "K0001" in fields]
    texts = [cells[row]["K0001"].replace(",", ".").encode() for row in plain]
    values[plain], refused = read_number_column(texts)
    refusals = {plain[at]: refusal for at, refusal in refused.items()}
    for row in sorted(set(range(len(cells))).difference(plain)):
        found = number_of(cells[row])
        if isinstance(found, Refusal):
            refusals[row] = found
        elif found is not None:
            values[row], status[row] = found
    return values, status, refusals


def time_of(text: str, zone: Zone, now: int) -> int | Refusal:
    """Return the UTC nanoseconds of K0004 (``DD.MM.YYYY/HH:MM:SS``, local to the zone), or why there are none."""
    if not text:
        return refuse(Reason.TIME_MISSING)
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return refuse(Reason.TIME_UNREADABLE, text, "K0004 is written DD.MM.YYYY/HH:MM:SS.")
    day, month, year, hour, minute, second = (int(found[at] or 0) for at in range(1, 7))
    year += 2000 if len(found[3]) == 2 else 0
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not (1 <= month <= 12 and 1 <= day <= _MONTH_DAYS[month - 1] and hour < 24 and minute < 60 and second < 60):
        return refuse(Reason.TIME_UNREADABLE, text)
    if month == 2 and day == 29 and not leap:
        return refuse(Reason.TIME_UNREADABLE, text)
    local = days_from_civil(year, month, day) * DAY + hour * HOUR + minute * MINUTE + second * SECOND
    moment = zone.to_utc(local + int((found[7] or "0").ljust(9, "0")))
    return moment if isinstance(moment, Refusal) else check_time(moment, now)


def differences(plan: Plan, description: Description) -> Iterator[tuple[str, str]]:
    """Yield (name of a characteristic, a sentence) for limits and units that are others than the plan's.

    Limits are K2110 and K2111 beside the specification of the plan's characteristic of that id, name, number or
    outcome column; units are K2142 beside those of the specification and of the signal of that address.
    """
    for index in description.indices:
        found = description.characteristic(index)
        for name in found.names[:1]:
            yield from ((name, said) for said in _limits(plan, found))
            yield from ((name, said) for said in _units(plan, found))


def _limits(plan: Plan, found: Characteristic) -> Iterator[str]:
    for item in plan.characteristics:
        names = {item.id, item.name, item.number, item.outcome.column} - {""}
        if item.specification is None or names.isdisjoint(found.names):
            continue
        for key, limit in (("K2110", item.specification.lsl), ("K2111", item.specification.usl)):
            text = found.fields.get(key, "")
            said = read_number(text, decimal="," if "," in text else ".") if text else None
            if isinstance(said, float) and limit is not None and abs(said - limit) > 1e-9 * max(1.0, abs(limit)):
                yield f"{key} is {said:g}, the plan's limit of '{item.id}' is {limit:g}."


def _units(plan: Plan, found: Characteristic) -> Iterator[str]:
    unit = found.fields.get("K2142", "")
    for signal in plan.signals:
        named = {signal.address, signal.id} & set(found.names)
        if unit and signal.unit and named and _plain(unit) != _plain(signal.unit):
            yield f"K2142 is {unit}, the plan's unit of '{signal.id}' is {signal.unit}."


def _plain(unit: str) -> str:
    return unit.strip("[]() ").replace("°", "deg").replace("µ", "u").replace("μ", "u").replace("²", "2").lower()
