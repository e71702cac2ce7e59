"""Sentences that can be said in any language: an English text that remembers what it was made of.

A record, a terminal and the audit take a `Said` for the text that it is; a page takes its pattern, which is the key of
its translation, and its values, and says both as its reader does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

import numpy as np

from lineside.domain.units import DAY, HOUR, MINUTE, SECOND


class Language(StrEnum):
    """The languages that there is a catalogue of (ISO 639-1)."""

    ENGLISH = "en"
    GERMAN = "de"
    SPANISH = "es"
    CHINESE = "zh"
    PORTUGUESE = "pt"


class Kind(StrEnum):
    """What a value is, and so how it is said."""

    NUMBER = "number"
    EXACT = "exact"
    SHARE = "share"
    SPAN = "span"
    MOMENT = "moment"
    QUANTITY = "quantity"
    PLANNED = "planned"
    WORD = "word"


@dataclass(frozen=True, slots=True)
class Value:
    """What stands in the braces of a pattern.

    It is a number (to three digits, or as it was given), a share, a span (ns), a moment (UTC ns), a number with its
    unit out of a record, a text of the plan, or a word; the last two are translated themselves.
    """

    kind: Kind
    value: Any

    def __str__(self) -> str:
        """Return it in English."""
        match self.kind:
            case Kind.NUMBER:
                return f"{self.value:.3g}"
            case Kind.EXACT:
                return f"{self.value:g}"
            case Kind.SHARE:
                return f"{100 * self.value:.3g}%"
            case Kind.SPAN:
                return span_text(self.value)
            case Kind.MOMENT:
                return f"{np.datetime64(self.value, 'ns').astype('datetime64[s]')}Z"
            case _:
                return str(self.value)


Tongue = Callable[[str], str]
"""Says a text in a language: a `Said` by its patterns and values, any other as a text of the plan."""
Clause = tuple[str, dict[str, Value | int | str]]


class Said(str):
    """An English text, and the clauses that it is made of: a pattern and its values each, joined by commas."""

    clauses: tuple[Clause, ...]
    __slots__ = ("clauses",)

    def __new__(cls, clauses: Iterable[Clause]) -> Self:
        """Return the text of some clauses."""
        made = tuple(clauses)
        said = super().__new__(cls, ", ".join(pattern.format(**values) for pattern, values in made))
        said.clauses = made
        return said

    def __deepcopy__(self, memo: object) -> str:
        """Return the text alone: what is copied field by field is made into records."""
        return str(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how it is made again."""
        return type(self), (self.clauses,)


def say(pattern: str, **values: Value | int | str) -> Said:
    """Return a clause: a pattern, which every catalogue translates, with values in its braces."""
    return Said([(pattern, values)])


def joined(said: Iterable[str]) -> Said:
    """Return clauses after one another; what is no `Said` stands as it is."""
    clauses: list[Clause] = []
    for item in said:
        clauses += item.clauses if isinstance(item, Said) else [("{text}", {"text": item})]
    return Said(clauses)


def number(value: float) -> Value:
    """Return a number to be said."""
    return Value(Kind.NUMBER, value)


def exact(value: float) -> Value:
    """Return a number to be said with the digits that it was given with."""
    return Value(Kind.EXACT, value)


def share(value: float) -> Value:
    """Return a share to be said in per cent."""
    return Value(Kind.SHARE, value)


def span(nanoseconds: int) -> Value:
    """Return a span of time to be said."""
    return Value(Kind.SPAN, nanoseconds)


def moment(time: int) -> Value:
    """Return a moment (UTC ns) to be said as date and time of day."""
    return Value(Kind.MOMENT, time)


def quantity(text: str) -> Value:
    """Return a number and its unit as a record has them, "36 degC", to be said as people write them."""
    return Value(Kind.QUANTITY, text)


def planned(text: str) -> Value:
    """Return a text of the plan, which the plan translates."""
    return Value(Kind.PLANNED, text)


def word(text: str) -> Value:
    """Return a word that is translated by itself."""
    return Value(Kind.WORD, text)


def reader_of(pattern: str, forms: Mapping[str, str]) -> re.Pattern[str]:
    """Return what recognises a text that was made of a pattern; a value has its form, or is just anything."""
    pieces = re.split(r"\{(\w+)\}", pattern)
    return re.compile(
        "".join(
            f"(?P<{piece}>{forms.get(piece, '.+')})" if place % 2 else re.escape(piece)
            for place, piece in enumerate(pieces)
        )
    )


_UNITS: Final = ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"))


def span_text(nanoseconds: float | None) -> str:
    """Return a span in English, short; a dash where there is none."""
    if nanoseconds is None or not math.isfinite(nanoseconds):
        return "-"
    for unit, name in _UNITS:
        if abs(nanoseconds) >= unit:
            return f"{nanoseconds / unit:.3g} {name}"
    return f"{nanoseconds / SECOND:.3g} s"
