"""Contributions in words: "die temperature 14 degC above usual under these conditions"."""

from __future__ import annotations

import math
import re
from typing import Final

from lineside.domain.predictions import Contribution
from lineside.domain.said import say

_STATISTICS: Final = {
    "mean": "",
    "value": "",
    "last": "",
    "first": "first ",
    "std": "variation of ",
    "min": "lowest ",
    "max": "highest ",
    "range": "range of ",
    "slope": "rise of ",
    "area": "total ",
    "count": "number of readings of ",
}

NO_JUDGEMENT: Final = say("No judgement, and no sign of a defect; inspect as the plan says.")
_TEMPERATURES: Final = frozenset({"degC", "degF", "Cel", "K"})

_STATISTIC: Final = re.compile(
    r"(?:(?P<phase>[a-z][a-z0-9_]*)\.)?(?:p(?P<percent>\d{1,2}(?:\.\d)?)|above\((?P<limit>[^)]*)\)"
    r"|curve\((?P<piece>\d+)of(?P<pieces>\d+)\)|waves\((?P<wave>\d+)of\d+\)|(?P<kind>[a-z]+))"
)


def word_contribution(contribution: Contribution, label: str = "") -> str:
    """Return what a contribution says; ``label`` is the signal's name (default: its id, spelt with spaces)."""
    name = _subject(contribution, label or contribution.signal.replace("_", " "))
    if math.isnan(contribution.value):
        return f"{name} is missing"
    usual = "usual under these conditions" if contribution.conditional else "usual"
    if contribution.low <= contribution.value <= contribution.high:
        return f"{name} {_quantity(contribution.value, contribution.unit)}, as {usual}"
    difference = contribution.value - contribution.usual
    side = "above" if difference > 0 else "below"
    return f"{name} {_quantity(abs(difference), contribution.unit)} {side} {usual}"


def word_outside(label: str, value: float, learned: tuple[float, float], unit: str) -> str:
    """Return for the operator that a condition is where nothing was learned, and that this is no defect.

    ``learned`` is the range learned from. A value within it is strange only together with the other conditions.
    """
    low, high = learned
    now = f"{label} {_quantity(value, unit)}"
    if low <= value <= high:
        return f"{now}: never learned together with the other conditions of now. {NO_JUDGEMENT}"
    above = value > high
    comparative = ("warmer", "colder") if unit in _TEMPERATURES else ("higher", "lower")
    bound = f"up to {format_value(high)}" if above else f"down to {format_value(low)}"
    return f"{now}: {comparative[not above]} than anything learned ({bound}). {NO_JUDGEMENT}"


def _subject(contribution: Contribution, label: str) -> str:
    """Return the statistic, the signal and the phase in words."""
    found = _STATISTIC.fullmatch(contribution.feature.removeprefix(contribution.signal).removeprefix("."))
    if found is None:
        return label
    if found["piece"]:
        whole = found["phase"].replace("_", " ") if found["phase"] else "the cycle"
        return f"{label} in part {found['piece']} of {found['pieces']} of {whole}"
    if found["percent"]:
        words = f"{found['percent']} % point of {label}"
    elif found["wave"]:
        words = f"movement {found['wave']} of {label}"
    elif found["limit"]:
        words = f"time of {label} above {found['limit']}"
    else:
        words = f"{_STATISTICS.get(found['kind'], '')}{label}"
    return f"{words} in {found['phase'].replace('_', ' ')}" if found["phase"] else words


def _quantity(value: float, unit: str) -> str:
    return f"{format_value(value)} {unit}".rstrip()


def format_value(value: float) -> str:
    """Return a number with three significant digits at most, without an exponent where that stays readable."""
    if value == 0.0 or not math.isfinite(value):
        return f"{value:g}"
    magnitude = math.floor(math.log10(abs(value)))
    if not -4 <= magnitude <= 6:
        return f"{value:.2e}"
    digits = max(2 - magnitude, 0)
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
