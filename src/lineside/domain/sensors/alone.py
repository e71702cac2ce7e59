"""Faults that a signal shows by itself: dead, stuck, saturated, in another unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from lineside.domain.readings import Float64, Int64
from lineside.domain.said import Said, say, share, word

MISSING: Final = 0.9
"""Share of parts without a value that makes a sensor dead, where the reference had most."""
RUN: Final = 20
"""Fewest equal values in a row that make a sensor stuck."""
LONGER: Final = 2
"""How many times longer than any of the reference such a row has to be."""
AT_END: Final = 0.3
"""Share of parts at the very same greatest or least value that makes a sensor saturated."""
VALUES: Final = 10
"""Different values that a signal has to show before its greatest can be an end that it does not get beyond."""
_USUAL: Final = (0.005, 0.995)
_WIDEST: Final = 2.5


@dataclass(frozen=True, slots=True)
class Conversion:
    """``then * factor + offset`` is what the other unit shows, of signals of one of these ``units`` (empty: any)."""

    words: str
    factor: float
    offset: float = 0.0
    units: frozenset[str] = frozenset()


_CELSIUS: Final = frozenset({"degC", "\N{DEGREE SIGN}C", "C"})
_FAHRENHEIT: Final = frozenset({"degF", "\N{DEGREE SIGN}F", "F"})
_INCH: Final = frozenset({"in", "inch"})


def _of(*units: str) -> frozenset[str]:
    return frozenset(units)


CONVERSIONS: Final = (
    Conversion("degF instead of degC", 1.8, 32.0, _CELSIUS),
    Conversion("degC instead of degF", 1 / 1.8, -32.0 / 1.8, _FAHRENHEIT),
    Conversion("K instead of degC", 1.0, 273.15, _CELSIUS),
    Conversion("degC instead of K", 1.0, -273.15, _of("K")),
    Conversion("mm instead of inch", 25.4, units=_INCH),
    Conversion("inch instead of mm", 1 / 25.4, units=_of("mm")),
    Conversion("psi instead of bar", 14.5038, units=_of("bar")),
    Conversion("bar instead of psi", 1 / 14.5038, units=_of("psi")),
    Conversion("kPa instead of bar", 100.0, units=_of("bar")),
    Conversion("bar instead of kPa", 0.01, units=_of("kPa")),
    Conversion("MPa instead of bar", 0.1, units=_of("bar")),
    Conversion("bar instead of MPa", 10.0, units=_of("MPa")),
    Conversion("l/min instead of m3/h", 1000.0 / 60.0, units=_of("m3/h")),
    Conversion("m3/h instead of l/min", 0.06, units=_of("l/min")),
    Conversion("a thousandth instead of the whole unit", 1000.0),
    Conversion("the whole unit instead of a thousandth", 0.001),
)


def fault_alone(before: Float64, now: Float64, stride: float = 1.0, unit: str = "") -> tuple[str, str]:
    """Return a fault that one column shows by itself, and why, in words; two empty texts where it shows none.

    Args:
        before: the column of the reference, in time order, NaN where a part has no value.
        now: that of the window.
        stride: of how many parts the reference holds one.
        unit: of the signal, as the plan declares it: only what is mistaken for that unit is thought of.
    """
    known, seen = before[np.isfinite(before)], now[np.isfinite(now)]
    if len(known) < 50:
        return "", ""
    missing = 1.0 - len(seen) / len(now)
    if missing >= MISSING and len(known) > 0.5 * len(before):
        return "dead", say("no value in {missing} of parts", missing=share(missing))
    if len(seen) < RUN:
        return "", ""
    for found in (_stuck(known, seen, stride), _saturated(known, seen), _other_unit(known, seen, unit)):
        if found[0]:
            return found
    return "", ""


def _stuck(known: Float64, seen: Float64, stride: float) -> tuple[str, str]:
    last, longest = int(_runs(seen)[-1]), int(_runs(known).max())
    if last < max(RUN, LONGER * longest * (stride if longest > 1 else 1.0)):
        return "", ""
    return "stuck", say("the same value for the last {last} parts", last=last)


def _runs(column: Float64) -> Int64:
    """Return how long each stretch of equal values is."""
    edges = np.flatnonzero(column[1:] != column[:-1]) + 1
    return np.diff(np.concatenate([[0], edges, [len(column)]]))


def _saturated(known: Float64, seen: Float64) -> tuple[str, str]:
    if len(np.unique(seen)) < VALUES:
        return "", ""  # it is held, as what a laboratory finds is
    for name, value in (("greatest", seen.max()), ("least", seen.min())):
        portion = float(np.mean(seen == value))
        end = known.max() if name == "greatest" else known.min()
        if portion >= max(AT_END, LONGER * float(np.mean(known == end)), LONGER * float(np.mean(known == value))):
            held = word("at the greatest value") if name == "greatest" else word("at the least value")
            return "saturated", say(
                "{portion} of parts {held}, {value}", portion=share(portion), held=held, value=f"{value:.6g}"
            )
    return "", ""


def _other_unit(known: Float64, seen: Float64, unit: str) -> tuple[str, str]:
    """Return a conversion that puts the window into the reference's range, which it is outside of as it stands."""
    low, high = np.quantile(known, _USUAL)
    middle, spread = float(np.median(seen)), _spread(known)
    if low <= middle <= high or spread == 0.0:
        return "", ""
    best: tuple[float, Conversion] | None = None
    for item in (item for item in CONVERSIONS if not item.units or unit in item.units):
        back = (seen - item.offset) / item.factor
        apart, ratio = abs(float(np.median(back)) - float(np.median(known))) / spread, _spread(back) / spread
        if low <= np.median(back) <= high and ratio <= _WIDEST and (best is None or apart < best[0]):
            best = apart, item
    return ("", "") if best is None else ("in another unit", _looks_like(best[1].words))


def _looks_like(words: str) -> Said:
    found, _, declared = words.partition(" instead of ")
    if found == "a thousandth":
        return say("looks like a thousandth instead of the whole unit")
    if declared == "a thousandth":
        return say("looks like the whole unit instead of a thousandth")
    return say("looks like {found} instead of {declared}", found=found, declared=declared)


def _spread(column: Float64) -> float:
    low, high = np.quantile(column, (0.16, 0.84))
    return float(high - low) / 2
