"""What was later found to be true of a part, and what people did: inspections, manual checks, interventions."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


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


CONFORMING = "conforming"
NONCONFORMING = "nonconforming"
