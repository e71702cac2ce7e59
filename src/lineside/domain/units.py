"""Quantities as people write them in a control plan: durations and rates."""

from __future__ import annotations

import re
from typing import Final

from lineside.domain.errors import InputError

NANOSECOND: Final = 1
MICROSECOND: Final = 1_000
MILLISECOND: Final = 1_000_000
SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

_UNITS: Final = {
    "ns": NANOSECOND,
    "us": MICROSECOND,
    "ms": MILLISECOND,
    "s": SECOND,
    "min": MINUTE,
    "h": HOUR,
    "d": DAY,
}
_QUANTITY: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*")


def parse_duration(text: str) -> int:
    """Return the duration written as ``500 ms``, ``30 s``, ``10 min``, ``8 h`` or ``2 d`` in nanoseconds.

    Raises:
        InputError: the text is not a number followed by a unit.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None or match[2] not in _UNITS:
        raise InputError(
            "not a duration", value=text, choices=tuple(_UNITS), next_step="write a number and a unit, such as '30 s'"
        )
    return round(float(match[1]) * _UNITS[match[2]])


def format_duration(nanoseconds: int) -> str:
    """Return the duration in the largest unit that leaves it whole: the inverse of `parse_duration`."""
    if nanoseconds == 0:
        return "0 s"
    for unit, size in reversed(_UNITS.items()):
        if nanoseconds % size == 0:
            return f"{nanoseconds // size} {unit}"
    raise AssertionError("every whole number of nanoseconds is a multiple of one")
