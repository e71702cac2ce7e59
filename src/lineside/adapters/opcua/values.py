"""What the library delivers, as plain values: changes, times, and values of any OPC UA type."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from asyncua import ua

_OVERFLOW: Final = 0x0480
"""Info type DataValue with the Overflow bit (Part 4, 7.39.1)."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a signal's value; ``lost`` says that others before it were lost. Time in UTC nanoseconds.

    Without a signal it says only that something was lost.
    """

    signal: str
    time: int | None
    value: object
    status: int
    lost: bool


def change_of(signal: str, data: Any) -> Change:
    """Return what a data value of the library says of a signal."""
    status = 0 if data.StatusCode is None else int(data.StatusCode.value)
    value = None if data.Value is None else plain_value(data.Value.Value)
    stamp = data.SourceTimestamp or data.ServerTimestamp
    return Change(signal, nanoseconds(stamp), value, status, lost=status & _OVERFLOW == _OVERFLOW)


def nanoseconds(stamp: datetime | None) -> int | None:
    """Return the UTC nanoseconds of a time stamp (which has none of its own zone)."""
    if stamp is None:
        return None
    since = stamp.replace(tzinfo=stamp.tzinfo or UTC) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000


def plain_value(value: object) -> object:
    """Return a value of any OPC UA type as what the intake knows; what has no plain form stays as it is."""
    if isinstance(value, ua.LocalizedText):
        return value.Text
    if isinstance(value, ua.QualifiedName):
        return value.Name
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC).isoformat()
    return str(value) if isinstance(value, UUID) else value
