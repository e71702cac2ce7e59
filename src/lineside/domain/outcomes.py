"""What was later found to be true of a part, and what people did: inspections, manual checks, interventions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from lineside.domain.errors import DataError
from lineside.domain.plan.model import Characteristic, CharacteristicKind, Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The truth about one unit for one characteristic.

    ``value`` is a class (``conforming``, ``nonconforming`` or one of the plan's classes) or a measured number as
    text. A later finding for the same unit, characteristic and source is a higher ``revision``; the highest holds.
    """

    unit: str
    characteristic: str
    value: str
    found: int
    source: str
    revision: int = 1
    recorded: int = 0


class EventKind(StrEnum):
    """What happened at the line beside the cycles."""

    MANUAL_CHECK = "manual_check"
    INTERVENTION = "intervention"
    CHANGEOVER = "changeover"
    NOTE = "note"


@dataclass(frozen=True, kw_only=True, slots=True)
class LineEvent:
    """A manual check, an intervention or a changeover: the past that value is measured against.

    ``by`` is a role, never a person.
    """

    id: str
    kind: EventKind
    station: str
    time: int
    by: str = ""
    text: str = ""
    minutes: float | None = None
    unit: str = ""
    detail: dict[str, str] = field(default_factory=dict)


CONFORMING: Final = "conforming"
NONCONFORMING: Final = "nonconforming"
UNKNOWN: Final = ""
AGREED: Final = "two people"
"""The source of what two people agree on at an alert."""
Precedence = Mapping[str, tuple[str, ...]]
"""The sources of each characteristic, those whose word holds first; of one that is not here none holds before."""

GOOD_WORDS: Final = frozenset({CONFORMING, "0", "false", "ok", "good", "pass", "passed", "io", "i.o."})
BAD_WORDS: Final = frozenset({NONCONFORMING, "1", "true", "nok", "bad", "fail", "failed", "defect", "nio", "n.i.o."})
"""What inspections write for a characteristic without classes of its own; 1 says that there is a defect."""


def precedence_of(plan: Plan) -> Precedence:
    """Return whose word holds where sources contradict each other, as a plan says it."""
    return {item.id: item.outcome.precedence for item in plan.characteristics if item.outcome.precedence}


def rank_of(source: str, precedence: tuple[str, ...]) -> int:
    """Return the place of a source: 0 holds before 1; one that is not named comes after all that are."""
    return precedence.index(source) if source in precedence else len(precedence)


def read_outcome(characteristic: Characteristic, text: str) -> str:
    """Return what was found, in the plan's words: a class, or a number as text; ``""`` where nothing is said.

    Raises:
        DataError: the text is none of the characteristic's classes, or no number for a variable.
    """
    said = text.strip()
    if not said:
        return UNKNOWN
    if characteristic.kind is CharacteristicKind.VARIABLE:
        return _measured(characteristic, said)
    if characteristic.classes:
        return _class(characteristic, said)
    if said.lower() in GOOD_WORDS | BAD_WORDS:
        return CONFORMING if said.lower() in GOOD_WORDS else NONCONFORMING
    raise DataError("neither good nor bad", field=characteristic.id, value=text, choices=sorted(GOOD_WORDS | BAD_WORDS))


def is_nonconforming(characteristic: Characteristic, outcome: str) -> bool | None:
    """Return whether an outcome (as `read_outcome` gives it) does not conform; None where it is not known.

    A variable conforms within its specification limits, both included; without any it is not known.
    """
    if outcome == UNKNOWN:
        return None
    if characteristic.kind is CharacteristicKind.ATTRIBUTE:
        return outcome in characteristic.nonconforming if characteristic.classes else outcome == NONCONFORMING
    limits = characteristic.specification
    if limits is None or (limits.lsl is None and limits.usl is None):
        return None
    value = float(outcome)
    return (limits.lsl is not None and value < limits.lsl) or (limits.usl is not None and value > limits.usl)


def other_characteristics(plan: Plan, characteristic: Characteristic) -> tuple[Characteristic, ...]:
    """Return what else is found of the parts of a characteristic's station."""
    return tuple(item for item in plan.characteristics_at(characteristic.station) if item.id != characteristic.id)


def _measured(characteristic: Characteristic, said: str) -> str:
    try:
        number = float(said)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise DataError("not a measured value", field=characteristic.id, value=said)
    return said


def _class(characteristic: Characteristic, said: str) -> str:
    if said in characteristic.classes:
        return said
    for name in characteristic.classes:
        try:
            if float(name) == float(said):
                return name
        except ValueError:
            continue
    raise DataError("not a class of the plan", field=characteristic.id, value=said, choices=characteristic.classes)
