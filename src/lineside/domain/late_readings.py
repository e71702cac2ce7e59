"""The note that a gateway leaves of readings that came too late for their parts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class LateReadings:
    """``count`` readings from ``first`` to ``last`` (source time, UTC ns) came when parts had been made without them.

    ``recorded`` is when that was noted, UTC ns. The readings themselves are in the record before it.
    """

    station: str
    first: int
    last: int
    count: int
    recorded: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """A note of late readings with the identity of the record that brought it, and its place in that."""

    writer: str
    epoch: str
    sequence: int
    item: int
    late: LateReadings
