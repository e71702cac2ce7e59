"""Which rows are due: all at once, or each when its own time has come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import numpy as np

from lineside.domain.readings import Int64
from lineside.domain.units import SECOND
from lineside.ports import Clock

_NAP: Final = 0.1
"""Seconds between two looks at the clock: it may be another's, with a speed of its own."""


class Pace:
    """Lets rows go at ``speed`` times the speed of their own times; without a speed, all at once.

    The first row is due at once. Rows that are due together go together.
    """

    def __init__(
        self, clock: Clock, speed: float | None, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._clock = clock
        self._speed = speed
        self._sleep = sleep
        self._began: tuple[int, int] | None = None

    async def due(self, times: Int64) -> AsyncIterator[slice]:
        """Yield slices of rows with these times (UTC nanoseconds), each once it is due."""
        if self._speed is None or not len(times):
            yield slice(0, len(times))
            return
        if self._began is None:
            self._began = (self._clock.now(), int(times[0]))
        latest = np.maximum.accumulate(times)
        start = 0
        while start < len(times):
            reached = self._reached(self._began, self._speed)
            end = int(np.searchsorted(latest, reached, side="right"))
            if end > start:
                yield slice(start, end)
                start = end
            else:
                wait = (int(latest[start]) - reached) / self._speed / SECOND
                await self._sleep(min(_NAP, max(wait, 0.001)))

    def _reached(self, began: tuple[int, int], speed: float) -> int:
        here, there = began
        return there + int((self._clock.now() - here) * speed)
