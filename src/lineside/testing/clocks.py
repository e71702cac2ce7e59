"""Clocks for tests: one that stands still until it is moved."""

from __future__ import annotations

import time
from typing import Final

from lineside.domain.units import SECOND

A_MOMENT: Final = 1_795_000_000 * SECOND
"""2026-11-18T13:46:40Z."""


class ManualClock:
    """A clock that is moved by hand."""

    def __init__(self, now: int = A_MOMENT) -> None:
        self._now = now

    def now(self) -> int:
        """Return the time, in UTC nanoseconds."""
        return self._now

    def move(self, nanoseconds: int) -> None:
        """Move the clock on."""
        self._now += nanoseconds

    async def sleep(self, seconds: float) -> None:
        """Sleep without waiting: the clock moves instead."""
        self.move(round(seconds * SECOND))


class WallClock:
    """The time of this machine, for tests with real peers."""

    def now(self) -> int:
        """Return the time, in UTC nanoseconds."""
        return time.time_ns()
