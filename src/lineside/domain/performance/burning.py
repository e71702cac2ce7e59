"""Service levels watched continuously: how fast each spends its error budget, and when that is news.

A level allows a share of events to be bad: that is its budget. *Burn* is the bad share of a window over the share
allowed; at 1 the budget is spent just as its period ends. News is a burn that is high over a long window *and* still is
over a short one, so that one bad minute is none and what is over goes quiet: 14.4 over an hour and five minutes, 6 over
six hours and half an hour, 1 over three days and six hours (Google, The Site Reliability Workbook, chapter 5; period
30 days). A long window with fewer than `LEAST_EVENTS` events says nothing, nor does a short one with fewer than
`LEAST_SHORT`, and one bad event alone is never news.

A level of money allows an amount for each event instead of a share that may be bad: its burn is what was spent over
what was allowed, and what is left of its budget what was not spent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from lineside.domain.performance.judged import Bools
from lineside.domain.readings import Float64, Int64
from lineside.domain.units import DAY, HOUR, MINUTE

PERIOD: Final = 30 * DAY
WINDOWS: Final = ((HOUR, 5 * MINUTE, 14.4), (6 * HOUR, 30 * MINUTE, 6.0), (3 * DAY, 6 * HOUR, 1.0))
"""Long window, short window, and the burn that is news in both."""
LEAST_EVENTS: Final = 10
LEAST_SHORT: Final = 3
LEAST_BAD: Final = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Burn:
    """The burn of a level over one pair of windows; None where a window has too few events."""

    window: int
    least: float
    long: float | None
    short: float | None

    @property
    def news(self) -> bool:
        """Whether both windows burn at least so fast."""
        return self.long is not None and self.short is not None and min(self.long, self.short) >= self.least


@dataclass(frozen=True, kw_only=True, slots=True)
class LevelWatch:
    """One service level over its period: ``bad`` of ``events``, the share ``allowed``, and its burns.

    ``left`` is the share of the budget that is left (below 0: overspent; None: no event). A level of money has what
    was ``spent`` on all events instead of bad ones; ``allowed`` is what one may cost.
    """

    name: str
    allowed: float
    events: int
    bad: int
    burns: tuple[Burn, ...]
    spent: float | None = None

    @property
    def left(self) -> float | None:
        """The share of the budget that is left."""
        if not self.events:
            return None
        used = self.bad if self.spent is None else self.spent
        return 1.0 - used / self.events / self.allowed if self.allowed else (0.0 if used else 1.0)

    @property
    def each(self) -> float | None:
        """What an event has cost on average; None where it is no level of money, or there was no event."""
        return self.spent / self.events if self.spent is not None and self.events else None

    @property
    def news(self) -> bool:
        """Whether the budget burns so fast that somebody has to look."""
        return any(burn.news for burn in self.burns)


def watch_level(name: str, time: Int64, bad: Bools, allowed: float, now: int) -> LevelWatch:
    """Return a level at a moment.

    Args:
        name: of the level.
        time: of its events, ascending (UTC ns).
        bad: which of them were bad.
        allowed: the share that may be bad.
        now: the moment (UTC ns).
    """
    time, amount = _inside(time, np.asarray(bad, dtype=np.float64), now)
    burns = _burns(time, amount, allowed, now, LEAST_BAD)
    return LevelWatch(name=name, allowed=allowed, events=len(time), bad=int(np.count_nonzero(amount)), burns=burns)


def watch_spending(name: str, time: Int64, spent: Float64, allowed: float, now: int) -> LevelWatch:
    """Return a level of money at a moment.

    Args:
        name: of the level.
        time: of its events, ascending (UTC ns).
        spent: what each has cost.
        allowed: what one may cost.
        now: the moment (UTC ns).
    """
    time, amount = _inside(time, spent, now)
    burns = _burns(time, amount, allowed, now, 0)
    return LevelWatch(name=name, allowed=allowed, events=len(time), bad=0, burns=burns, spent=float(amount.sum()))


def _inside(time: Int64, amount: Float64, now: int) -> tuple[Int64, Float64]:
    inside = (time > now - PERIOD) & (time <= now)
    return time[inside], amount[inside]


def _burns(time: Int64, amount: Float64, allowed: float, now: int, least_bad: int) -> tuple[Burn, ...]:
    return tuple(
        Burn(
            window=long,
            least=least,
            long=_burn(time, amount, allowed, now - long, LEAST_EVENTS, least_bad),
            short=_burn(time, amount, allowed, now - short, LEAST_SHORT, 0),
        )
        for long, short, least in WINDOWS
    )


def _burn(time: Int64, amount: Float64, allowed: float, after: int, least: int, least_bad: int) -> float | None:
    chosen = amount[np.searchsorted(time, after, side="right") :]
    count, total = len(chosen), float(chosen.sum())
    if count < least:
        return None
    if total < least_bad:
        return 0.0
    if allowed <= 0.0:
        return float("inf") if total else 0.0
    return total / count / allowed
