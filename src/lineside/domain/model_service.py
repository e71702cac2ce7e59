"""Which model judges for a characteristic at a gateway: every state and every change, in one table.

A *seat* is the place of a characteristic's model. An offer is prepared beside the model that judges: its signature and
target are checked, it is fetched, tried in a child process, opened and warmed up. Nothing of that touches the seat. If
it passes, it is put in between two parts; if not, it is refused and the seat stays as it is. A model that is in service
and fails gives way at once to the fallback that its offer signed, if there is one; the fallback that fails too leaves
the seat empty, and parts wait for a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class SeatState(StrEnum):
    """What judges at a seat."""

    EMPTY = "empty"
    RUNNING = "running"
    FALLBACK = "fallback"


class SeatEvent(StrEnum):
    """What can happen to a seat."""

    REFUSED = "refused"
    ACCEPTED = "accepted"
    FAILED = "failed"
    FAILED_FOR_GOOD = "failed_for_good"


class Trouble(StrEnum):
    """Why a model that was in service gave way."""

    NOT_A_NUMBER = "not_a_number"
    FAILED = "failed"
    SLOW = "slow"
    CRASHED = "crashed"
    UNREADABLE = "unreadable"
    BY_HAND = "by_hand"


EVENT_MEANING: Final[Mapping[SeatEvent, str]] = MappingProxyType(
    {
        SeatEvent.REFUSED: "an offer is not signed, not for this place, too old, expired, or failed its acceptance",
        SeatEvent.ACCEPTED: "an offer has passed its acceptance and is put in between two parts",
        SeatEvent.FAILED: "the model in service fails, or is rolled back by hand, and its offer signed a fallback",
        SeatEvent.FAILED_FOR_GOOD: "the model in service fails, and there is no fallback (any more)",
    }
)
TRANSITIONS: Final[Mapping[tuple[SeatState, SeatEvent], SeatState]] = MappingProxyType(
    {
        (SeatState.EMPTY, SeatEvent.REFUSED): SeatState.EMPTY,
        (SeatState.EMPTY, SeatEvent.ACCEPTED): SeatState.RUNNING,
        (SeatState.RUNNING, SeatEvent.REFUSED): SeatState.RUNNING,
        (SeatState.RUNNING, SeatEvent.ACCEPTED): SeatState.RUNNING,
        (SeatState.RUNNING, SeatEvent.FAILED): SeatState.FALLBACK,
        (SeatState.RUNNING, SeatEvent.FAILED_FOR_GOOD): SeatState.EMPTY,
        (SeatState.FALLBACK, SeatEvent.REFUSED): SeatState.FALLBACK,
        (SeatState.FALLBACK, SeatEvent.ACCEPTED): SeatState.RUNNING,
        (SeatState.FALLBACK, SeatEvent.FAILED_FOR_GOOD): SeatState.EMPTY,
    }
)


def next_state(state: SeatState, event: SeatEvent) -> SeatState:
    """Return the state after an event; raises `ValueError` for one that cannot happen in that state."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise ValueError(f"a seat that is {state} cannot have {event}") from None


def transition_table() -> str:
    """Return the table as Markdown, for the documentation."""
    lines = ["| judges now | what happens | judges then |", "|---|---|---|"]
    for (state, event), then in TRANSITIONS.items():
        lines.append(f"| `{state}` | `{event}`: {EVENT_MEANING[event]} | `{then}` |")
    return "\n".join(lines) + "\n"
