"""How pages say numbers, times and spans: short, in the trade's words, never with false precision."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from lineside.apps.web.language import language, plan_text, speaking, tr, word
from lineside.domain.judging.reasons import recall
from lineside.domain.plan.model import Plan
from lineside.domain.record_words import read_back
from lineside.domain.said import Kind, Language, Said, Tongue, Value
from lineside.domain.units import DAY, HOUR, MINUTE, SECOND

_UNITS: Final = {"degC": "°C", "degF": "°F", "Cel": "°C", "degree": "°", "percent": "%", "um": "µm", "m3/h": "m³/h"}
_DECIMAL_COMMA: Final = frozenset({"de", "es", "pt"})
_DATES: Final = {
    "de": ("%d.%m.%Y", "%d.%m."),
    "es": ("%d/%m/%Y", "%d/%m"),
    "pt": ("%d/%m/%Y", "%d/%m"),
    "zh": ("%Y-%m-%d", "%m-%d"),
}
"""By language: how a date is written in full, and without its year (Unicode CLDR, in figures)."""
_ISO: Final = ("%Y-%m-%d", "%d %b")


def age(nanoseconds: int) -> str:
    """Return a span of time in its one or two leading units: '8 s', '3 min', '4 h 12 min', '2 d 3 h'."""
    span = max(nanoseconds, 0)
    if span < MINUTE:
        return tr("{n} s", n=span // SECOND)
    if span < HOUR:
        return tr("{n} min", n=span // MINUTE)
    if span < DAY:
        return _two(span, HOUR, word("{n} h"), MINUTE, word("{n} min"))
    return _two(span, DAY, word("{n} d"), HOUR, word("{n} h"))


def _two(span: int, large: int, large_name: str, small: int, small_name: str) -> str:
    rest = span % large // small
    return tr(large_name, n=span // large) + (" " + tr(small_name, n=rest) if rest else "")


def clock_time(nanoseconds: int, zone: str, *, seconds: bool = False) -> str:
    """Return the time of day at the line."""
    local = datetime.fromtimestamp(nanoseconds / SECOND, tz=UTC).astimezone(ZoneInfo(zone))
    return local.strftime("%H:%M:%S" if seconds else "%H:%M")


def date_time(nanoseconds: int, zone: str) -> str:
    """Return date and time of day at the line."""
    local = datetime.fromtimestamp(nanoseconds / SECOND, tz=UTC).astimezone(ZoneInfo(zone))
    return local.strftime(f"{_DATES.get(language(), _ISO)[0]} %H:%M:%S")


def when(nanoseconds: int, now: int, zone: str) -> str:
    """Return the time of day at the line, with the date where it is not today's."""
    local, today = (
        datetime.fromtimestamp(item / SECOND, tz=UTC).astimezone(ZoneInfo(zone)) for item in (nanoseconds, now)
    )
    return local.strftime("%H:%M" if local.date() == today.date() else f"{_DATES.get(language(), _ISO)[1]} %H:%M")


def number(value: float | None) -> str:
    """Return a number with three significant digits, two decimals at most unless it is very small, or a dash."""
    if value is None or not math.isfinite(value):
        return "\N{EN DASH}"
    if 0 < abs(value) < 0.01:
        text = f"{value:.1g}" if abs(value) >= 1e-4 else f"{value:.0e}"
    else:
        digits = 2 - math.floor(math.log10(abs(value))) if value else 0
        text = f"{value:.{min(max(digits, 0), 2)}f}"
    text = text.replace("-", "\N{MINUS SIGN}")
    return text.replace(".", decimal_point())


def decimal_point() -> str:
    """Return the sign between whole and parts in the spoken language."""
    return "," if language() in _DECIMAL_COMMA else "."


def percent(share: float | None) -> str:
    """Return a share in per cent, small ones as 'under 1 %'."""
    if share is None or not math.isfinite(share):
        return "\N{EN DASH}"
    return tr("under 1\N{NO-BREAK SPACE}%") if 0 < share < 0.01 else f"{round(100 * share)}\N{NO-BREAK SPACE}%"


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
        return tr("not known yet")
    return f"{number(low)} \N{EN DASH} {quantity(high, unit)}"


def exactly(value: float) -> str:
    """Return a number of the plan with all its digits."""
    text = f"{value:g}"
    return text.replace(".", decimal_point())


def sentence(text: str, zone: str = "UTC") -> str:
    """Return a text in the spoken language where it remembers what it was made of; else as it stands."""
    if not isinstance(text, Said):
        return text
    return ", ".join(
        tr(pattern, **{name: _value(value, zone) for name, value in values.items()}) for pattern, values in text.clauses
    )


def _value(value: Value | int | str, zone: str) -> str:
    if isinstance(value, str):
        return sentence(value, zone)
    if not isinstance(value, Value):
        return str(value)
    ways: dict[Kind, Callable[[Any], str]] = {
        Kind.NUMBER: _three_digits,
        Kind.EXACT: exactly,
        Kind.SHARE: lambda share: _three_digits(100 * share) + "\N{NO-BREAK SPACE}%",
        Kind.SPAN: age,
        Kind.MOMENT: lambda time: date_time(time, zone),
        Kind.QUANTITY: _quantity,
        Kind.PLANNED: plan_text,
        Kind.WORD: tr,
    }
    return ways[value.kind](value.value)


def _quantity(text: str) -> str:
    """Return a number and its unit out of a record, as people write them."""
    figures, _, unit = text.partition(" ")
    said = figures.replace(".", decimal_point())
    return f"{said}\N{NO-BREAK SPACE}{unit_name(unit)}" if unit else said


def recorded(text: str) -> str:
    """Return a text out of a record in the spoken language: the plan's, ours, or a reason and the plan's words."""
    known = plan_text(text)
    if known != text:
        return known
    said = recall(text)
    if said:
        return " ".join(sentence(item) if isinstance(item, Said) else plan_text(item) for item in said)
    again = read_back(text)
    return tr(text) if again is None else sentence(again)


def _three_digits(value: float) -> str:
    """Return a number with three significant digits, as the English text of a sentence has it."""
    return exactly(float(f"{value:.3g}"))


def tongue(language: Language, plan: Plan) -> Tongue:
    """Return what says sentences and the plan's texts in a language, times as the clocks at the line."""

    def speak(text: str) -> str:
        with speaking(language, plan.words):
            return sentence(text, plan.line.timezone) if isinstance(text, Said) else recorded(text)

    return speak
