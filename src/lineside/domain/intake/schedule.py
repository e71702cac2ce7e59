"""When to ask a machine: at fixed distances from the start, so that a late poll makes no later one late.

Sans-IO: the time comes in, in nanoseconds of a clock that never steps. A slot whose time passes while nothing was
asked is left out and counted; asking twice in a hurry would give no second reading.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Schedule(Generic[K]):
    """The slots of some intervals, each with its key.

    Args:
        intervals: what is asked, and the nanoseconds between two of its slots.
        start: the time of every first slot.
    """

    def __init__(self, intervals: Iterable[tuple[K, int]], start: int) -> None:
        self._intervals = dict(intervals)
        self._next = dict.fromkeys(self._intervals, start)
        self._missed = 0

    @property
    def next(self) -> int:
        """The time of the next slot."""
        return min(self._next.values())

    def due(self, now: int) -> list[K]:
        """Return whose slot has come, those with the shortest interval first, and go on to the slots after now."""
        found = [key for key, time in self._next.items() if time <= now]
        for key in found:
            passed = (now - self._next[key]) // self._intervals[key]
            self._missed += passed
            self._next[key] += (passed + 1) * self._intervals[key]
        return sorted(found, key=self._intervals.__getitem__)

    def restart(self, now: int) -> None:
        """Begin anew after a time in which nothing could be asked: nothing of it counts as missed."""
        self._next = dict.fromkeys(self._intervals, now)

    def take_missed(self) -> int:
        """Return how many slots were left out since the last call."""
        missed, self._missed = self._missed, 0
        return missed
