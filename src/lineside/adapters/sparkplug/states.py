"""The states of an edge node and of each of its devices.

Theory of operation (Sparkplug 3.0, chapters 5 and 6). What a message means stands in the *birth* of the edge node
or device that sends it; without it, data cannot be read. Both go through the same states:

- *offline*: nothing has been heard of it since this gateway connected for the first time;
- *birth awaited*: it sends, and what it sends cannot be read for certain until it is born anew: its birth was
  missed, a message was lost, or its edge node was born and its own birth has not followed yet;
- *live*: it was born, and every message since then has come;
- *stale*: it died, or the connection to the broker was lost; what it said last holds no longer.

The birth of an edge node is no birth of its devices: those wait for their own. The death of an edge node is the
death of its devices.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """How an edge node or device stands."""

    OFFLINE = "offline"
    AWAITED = "birth awaited"
    LIVE = "live"
    STALE = "stale"


class Event(StrEnum):
    """What happens to an edge node or device."""

    BIRTH = "birth"
    NODE_BIRTH = "birth of its edge node"
    DATA = "data"
    GAP = "gap in the sequence"
    DEATH = "death"
    CUT = "loss of the broker"


TRANSITIONS: Final[Mapping[tuple[State, Event], State]] = {
    (State.OFFLINE, Event.BIRTH): State.LIVE,
    (State.OFFLINE, Event.NODE_BIRTH): State.OFFLINE,
    (State.OFFLINE, Event.DATA): State.AWAITED,
    (State.OFFLINE, Event.GAP): State.OFFLINE,
    (State.OFFLINE, Event.DEATH): State.OFFLINE,
    (State.OFFLINE, Event.CUT): State.OFFLINE,
    (State.AWAITED, Event.BIRTH): State.LIVE,
    (State.AWAITED, Event.NODE_BIRTH): State.AWAITED,
    (State.AWAITED, Event.DATA): State.AWAITED,
    (State.AWAITED, Event.GAP): State.AWAITED,
    (State.AWAITED, Event.DEATH): State.STALE,
    (State.AWAITED, Event.CUT): State.STALE,
    (State.LIVE, Event.BIRTH): State.LIVE,
    (State.LIVE, Event.NODE_BIRTH): State.AWAITED,
    (State.LIVE, Event.DATA): State.LIVE,
    (State.LIVE, Event.GAP): State.AWAITED,
    (State.LIVE, Event.DEATH): State.STALE,
    (State.LIVE, Event.CUT): State.STALE,
    (State.STALE, Event.BIRTH): State.LIVE,
    (State.STALE, Event.NODE_BIRTH): State.STALE,
    (State.STALE, Event.DATA): State.AWAITED,
    (State.STALE, Event.GAP): State.STALE,
    (State.STALE, Event.DEATH): State.STALE,
    (State.STALE, Event.CUT): State.STALE,
}
"""The state that follows on an event."""
