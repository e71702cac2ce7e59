"""Whether a gateway takes a configuration, and whether it did it good.

::

    nothing --offered, fits--> trial --watched, no worse--> running
                                 |                             |
                                 +--worse, or it ended---------+--> returned (to the one before)
       offered, does not fit: refused, and what runs goes on

A version that was once taken, refused or returned from is never taken again: what mends it has a higher one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lineside.domain.health.states import Level
from lineside.domain.units import SECOND

WATCHED: Final = 60 * SECOND
"""How long a configuration is watched before it counts as running."""
GRACE: Final = 10 * SECOND
"""How long something may be bad after a change before it counts: a source that is opened anew takes a moment."""
MOST_STARTS: Final = 2
"""Starts in which a configuration may not live to the end of its watch; after that the one before is run."""


class Outcome(StrEnum):
    """How it stands with a configuration at a gateway."""

    TRIAL = "trial"
    RUNNING = "running"
    WAITING = "waiting"
    """Taken; part of it waits for the next start."""
    REFUSED = "refused"
    RETURNED = "returned"


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """What is offered to a gateway; times are UTC ns."""

    version: int
    site: str
    line: str
    gateway: str
    issued: int
    expires: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A gateway as an offer must name it."""

    site: str
    line: str
    gateway: str


def why_not_taken(offer: Offer, place: Place, highest: int, now: int) -> str:
    """Return why a gateway must not take an offer, ``""`` where it may; ``highest`` is the newest version it knows."""
    if (offer.site, offer.line, offer.gateway) != (place.site, place.line, place.gateway):
        return f"for {offer.gateway} on line {offer.line} of {offer.site}, not for this gateway"
    if offer.version <= highest:
        return f"version {offer.version} is not newer than {highest}, which this gateway has known"
    if now >= offer.expires:
        return "it has expired: have it issued again"
    if offer.issued > now + 5 * 60 * SECOND:
        return "it was issued in the future: one of the two clocks is wrong"
    return ""


@dataclass(slots=True)
class Watch:
    """Watches over a change: what was not bad before must not be bad after it, beyond a moment of grace.

    ``sound`` are the subjects (such as ``source press``) that were not bad before; ``began`` is when it was changed.
    """

    sound: frozenset[str]
    began: int

    def look(self, levels: Mapping[str, tuple[int, str]], now: int) -> str | None:
        """Return what has become worse, ``""`` once the watch is over and nothing has, None while it goes on.

        ``levels`` are the subjects' levels now, each with its words.
        """
        if now - self.began >= GRACE:
            worse = [words for name, (level, words) in levels.items() if level >= Level.BAD and name in self.sound]
            gone = [f"{name} is gone" for name in sorted(self.sound - levels.keys())]
            if worse or gone:
                return "; ".join([*worse, *gone])
        return "" if now - self.began >= WATCHED else None


def sound_now(levels: Mapping[str, tuple[int, str]]) -> frozenset[str]:
    """Return the subjects that are not bad now."""
    return frozenset(name for name, (level, _) in levels.items() if level < Level.BAD)
