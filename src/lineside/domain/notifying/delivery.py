"""What becomes of a message at a target, and when it is tried again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lineside.domain.units import HOUR, MINUTE, SECOND

WAITS: Final = (5 * SECOND, 30 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR)
"""How long to wait before each further attempt; after the last, a message is given up.

After the schedule that Standard Webhooks recommends, with an early second attempt: an alert is worth most at once.
"""
LONGEST_ASKED: Final = HOUR
"""The longest that a target's own wish for a pause (Retry-After) is followed."""
FOLD_FROM: Final = 10
"""So many alerts waiting for one target are told in one message."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The target has taken the message; ``reference`` is its own name for it, where it gave one."""

    reference: str = ""


@dataclass(frozen=True, slots=True)
class Deferred:
    """The target cannot take it now; ``pause`` is how long it asked us to wait (ns), 0 where it said nothing."""

    reason: str
    pause: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """The target will never take it: trying again is of no use."""

    reason: str


Outcome = Delivered | Deferred | Refused


def next_attempt(attempts: int, now: int, pause: int, jitter: float) -> int | None:
    """Return when to try again after so many attempts (UTC ns), None where it is given up.

    Args:
        attempts: how many there have been, from 1.
        now: UTC ns.
        pause: what the target asked for, ns.
        jitter: 0 to 1; up to a fifth is added to each wait, so that many do not come back at once.
    """
    if attempts > len(WAITS):
        return None
    wait = max(WAITS[attempts - 1], min(pause, LONGEST_ASKED))
    return now + wait + round(wait * 0.2 * jitter)
