"""How the board says numbers, times and states: short, in the trade's words, never with false precision."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from lineside.apps.plant.floor.views import Condition, Trust
from lineside.domain.units import DAY, HOUR, MINUTE, SECOND

_UNITS: Final = {"degC": "°C", "degF": "°F", "Cel": "°C", "degree": "°", "percent": "%", "um": "µm", "m3/h": "m³/h"}
_LIKELIHOOD: Final = ((0.9, "very likely"), (0.66, "likely"), (0.4, "about even"), (0.1, "unlikely"))

CONDITIONS: Final = {
    Condition.ALARM: "likely",
    Condition.ADVISORY: "advisory",
    Condition.CONTAINMENT: "hold back: judged late",
    Condition.OUTSIDE_EXPERIENCE: "outside experience",
    Condition.BAD_DATA: "data not good enough to judge",
    Condition.NO_DATA: "no data",
    Condition.RETURNED: "back to normal, wants an answer",
    Condition.LEARNING: "learning",
    Condition.NOT_JUDGED: "not judged",
    Condition.NORMAL: "normal",
}
VERDICTS: Final = {"defect_confirmed": "defect confirmed", "no_defect": "no defect", "not_checked": "not checked"}
PRIORITY_MARKS: Final = {"critical": "1", "high": "2", "advisory": "i"}


def age(nanoseconds: int) -> str:
    """Return a span of time in its one or two leading units: '8 s', '3 min', '4 h 12 min', '2 d 3 h'."""
    span = max(nanoseconds, 0)
    if span < MINUTE:
        return f"{span // SECOND} s"
    if span < HOUR:
        return f"{span // MINUTE} min"
    if span < DAY:
        return _two(span, HOUR, "h", MINUTE, "min")
    return _two(span, DAY, "d", HOUR, "h")


def _two(span: int, large: int, large_name: str, small: int, small_name: str) -> str:
    rest = span % large // small
    return f"{span // large} {large_name}" + (f" {rest} {small_name}" if rest else "")


def clock_time(nanoseconds: int, zone: str, *, seconds: bool = False) -> str:
    """Return the time of day at the line."""
    local = datetime.fromtimestamp(nanoseconds / SECOND, tz=UTC).astimezone(ZoneInfo(zone))
    return local.strftime("%H:%M:%S" if seconds else "%H:%M")


def date_time(nanoseconds: int, zone: str) -> str:
    """Return date and time of day at the line."""
    local = datetime.fromtimestamp(nanoseconds / SECOND, tz=UTC).astimezone(ZoneInfo(zone))
    return local.strftime("%Y-%m-%d %H:%M:%S")


def when(nanoseconds: int, now: int, zone: str) -> str:
    """Return the time of day at the line, with the date where it is not today's."""
    local, today = (
        datetime.fromtimestamp(item / SECOND, tz=UTC).astimezone(ZoneInfo(zone)) for item in (nanoseconds, now)
    )
    return local.strftime("%H:%M" if local.date() == today.date() else "%d %b %H:%M")


def number(value: float | None) -> str:
    """Return a number with three significant digits, two decimals at most unless it is very small, or a dash."""
    if value is None or not math.isfinite(value):
        return "\N{EN DASH}"
    if 0 < abs(value) < 0.01:
        text = f"{value:.1g}" if abs(value) >= 1e-4 else f"{value:.0e}"
    else:
        digits = 2 - math.floor(math.log10(abs(value))) if value else 0
        text = f"{value:.{min(max(digits, 0), 2)}f}"
    return text.replace("-", "\N{MINUS SIGN}")


def percent(share: float | None) -> str:
    """Return a share in per cent, small ones as 'under 1 %'."""
    if share is None or not math.isfinite(share):
        return "\N{EN DASH}"
    return "under 1\N{NO-BREAK SPACE}%" if 0 < share < 0.01 else f"{round(100 * share)}\N{NO-BREAK SPACE}%"


def unit_name(unit: str) -> str:
    """Return a unit as people write it."""
    head, slash, tail = unit.partition("/")
    if slash and head in _UNITS:
        return f"{_UNITS[head]}/{tail}"
    return _UNITS.get(unit, unit).replace("*", "·")


def quantity(value: float | None, unit: str) -> str:
    """Return a number with its unit, a no-break space between them."""
    name = unit_name(unit)
    return f"{number(value)}\N{NO-BREAK SPACE}{name}" if name else number(value)


def span(low: float | None, high: float | None, unit: str) -> str:
    """Return a band with its unit: '198 to 214 °C'."""
    if low is None or high is None:
        return "not known yet"
    return f"{number(low)} \N{EN DASH} {quantity(high, unit)}"


def likelihood(risk: float | None) -> str:
    """Return a probability in words and per cent."""
    if risk is None:
        return "unusual; how likely is not known yet"
    words = next((name for least, name in _LIKELIHOOD if risk >= least), "very unlikely")
    return f"{words} ({percent(risk)})"


def trust_words(trust: Trust) -> str:
    """Return how alerts of this kind turned out: 'confirmed 17 of the last 20 here, 3 not checked'."""
    if not trust.checked:
        words = "none checked here yet"
    else:
        words = f"confirmed {trust.confirmed} of the last {trust.checked} here"
    return words + (f", {trust.unconfirmed} not checked" if trust.unconfirmed else "")


def serials(units: Sequence[str]) -> str:
    """Return unit names in short: runs of consecutive numbers as first to last."""
    runs: list[list[str]] = []
    for unit in sorted(units, key=_natural):
        if runs and _follows(runs[-1][-1], unit):
            runs[-1].append(unit)
        else:
            runs.append([unit])
    return ", ".join(_run(run) for run in runs)


def _run(run: list[str]) -> str:
    if len(run) < 3:
        return ", ".join(run)
    return f"{run[0]} \N{EN DASH} {run[-1]}"


def _natural(unit: str) -> tuple[str, int, str]:
    match = re.fullmatch(r"(.*?)(\d{1,18})", unit)
    return (unit, -1, unit) if match is None else (match[1], int(match[2]), unit)


def _follows(earlier: str, later: str) -> bool:
    first, second = _natural(earlier), _natural(later)
    return first[1] >= 0 and first[0] == second[0] and second[1] == first[1] + 1
