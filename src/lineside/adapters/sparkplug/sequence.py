"""The sequence of an edge node's messages: 0 to 255 and round again, put in order where they come out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

TURN: Final = 256
MOST_HELD: Final = 128
"""Messages that wait behind a gap at most: half a turn, beyond which before and behind cannot be told apart."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class GivenUp(Generic[_T]):
    """The outcome of a gap that did not close: how many messages are missing, and those that waited, in order."""

    missing: int
    items: tuple[_T, ...]


class Sequencer(Generic[_T]):
    """Lets messages pass in order, and holds those behind a gap until it closes or is given up.

    Times and ``within`` are nanoseconds of any clock that only goes forward.
    """

    def __init__(self, within: int) -> None:
        self._within = within
        self._expected = 0
        self._held: dict[int, _T] = {}
        self._since = 0

    @property
    def due(self) -> int | None:
        """When the gap has to be given up; None while there is none."""
        return self._since + self._within if self._held else None

    @property
    def next(self) -> int | None:
        """The number that passes at once; None while messages wait."""
        return None if self._held else self._expected

    def start(self, number: int) -> None:
        """Begin behind a message of that number; what was held is forgotten."""
        self._held.clear()
        self._expected = (number + 1) % TURN

    def push(self, number: int, item: _T, now: int) -> list[_T] | None:
        """Return what may pass now, in order; None where the order is beyond repair and must be given up."""
        if number != self._expected:
            if number in self._held or len(self._held) >= MOST_HELD:
                return None
            self._since = self._since if self._held else now
            self._held[number] = item
            return []
        ready = [item]
        self._expected = (number + 1) % TURN
        while self._expected in self._held:
            ready.append(self._held.pop(self._expected))
            self._expected = (self._expected + 1) % TURN
        return ready

    def give_up(self) -> GivenUp[_T]:
        """Let what waits pass without what is missing, and go on behind it."""
        if not self._held:
            return GivenUp(0, ())
        order = sorted(self._held, key=lambda number: (number - self._expected) % TURN)
        missing = (order[-1] - self._expected) % TURN + 1 - len(order)
        items = tuple(self._held[number] for number in order)
        self.start(order[-1])
        return GivenUp(missing, items)
