"""Which record to send next: the bounded window of the forwarder, without any I/O.

Sequences fall into two lanes. Those given after the link was last (re)gained are *live* and go first; those before
are *backlog* and take what is left of the window. What failed is sent again before the backlog goes on. While it
is not proven that the plant answers (at the start, after a failure), one request at a time probes it, with a
growing delay, and its answer says from where to go on: nothing about progress needs to be kept on disk.

The watermark that counts is the plant's. If it falls back behind what it had confirmed (the plant was restored
from a copy), sending begins again from there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

FIRST_DELAY: Final = 0.05
MOST_DELAY: Final = 2.0


@dataclass(slots=True)
class SendWindow:
    """The state of sending one outbox; times are seconds of any clock that only goes forward."""

    size: int
    confirmed: int = 0
    live_from: int = 0
    proven: bool = False
    resume_at: float = 0.0
    _delay: float = 0.0
    _live: int = 0
    _backlog: int = 0
    _in_flight: dict[int, int] = field(default_factory=dict)
    _landed: set[int] = field(default_factory=set)
    _again: set[int] = field(default_factory=set)

    @classmethod
    def starting(cls, size: int, last: int) -> SendWindow:
        """Return the window of an outbox whose newest sequence is ``last``; all that is in it is backlog."""
        return cls(size=size, live_from=last, _live=last)

    @property
    def in_flight(self) -> int:
        """How many requests are under way."""
        return len(self._in_flight)

    def next_sequence(self, last: int, now: float) -> int | None:
        """Return the next sequence to send, None where nothing may be sent now; ``last`` is the newest one."""
        if now < self.resume_at or len(self._in_flight) >= (self.size if self.proven else 1):
            return None
        if self._live < last:
            return self._live + 1
        if self._again:
            return min(self._again)
        while self._backlog < self.live_from:
            if self._backlog + 1 not in self._landed and self._backlog + 1 not in self._in_flight:
                return self._backlog + 1
            self._backlog += 1
        return None

    def sent(self, sequence: int) -> None:
        """Take note that a request with this sequence is under way.

        A sequence above the one asked for means that those between are gone from the outbox: confirmed long ago.
        """
        if sequence > self.live_from:
            self._live = max(self._live, sequence)
        elif sequence not in self._again:
            self._backlog = max(self._backlog, sequence)
        self._again.discard(sequence)
        self._in_flight[sequence] = self.confirmed

    def skip_again(self, up_to: int) -> None:
        """Give up on sequences that were to be sent again and are gone from the outbox."""
        self._again = {sequence for sequence in self._again if sequence > up_to}

    def answered(self, sequence: int, watermark: int, missing: tuple[int, ...] = ()) -> None:
        """Take note that the plant holds a sequence, and everything up to its watermark."""
        confirmed_when_sent = self._in_flight.pop(sequence, 0)
        if watermark < confirmed_when_sent:
            self._begin_again(watermark)
        self._prove()
        self._landed.add(sequence)
        lost = self._landed.intersection(missing)
        self._landed -= lost
        self._again |= lost
        if watermark > self.confirmed:
            self.confirmed = watermark
            self._backlog = max(self._backlog, watermark)
            self._live = max(self._live, watermark)
            self._landed = {known for known in self._landed if known > watermark}
            self._again = {known for known in self._again if known > watermark}

    def send_again(self, sequence: int) -> None:
        """Take note that a request came back without effect and is to be repeated at once."""
        self._in_flight.pop(sequence, None)
        if sequence > self.confirmed:
            self._again.add(sequence)

    def failed(self, sequence: int, last: int, now: float) -> None:
        """Take note that no answer came: probe from now on; what was live until now is backlog."""
        self.send_again(sequence)
        if self.proven or not self._delay:
            self._delay = FIRST_DELAY
        elif not self._in_flight:  # a whole burst that fails together counts once
            self._delay = min(2 * self._delay, MOST_DELAY)
        self.proven = False
        self.resume_at = now + self._delay
        self._rebase(last)

    def _prove(self) -> None:
        self.proven = True
        self.resume_at = 0.0
        self._delay = 0.0

    def _rebase(self, last: int) -> None:
        """Make everything up to ``last`` backlog; what the live lane had already sent is known and passed over."""
        self.live_from = max(self.live_from, last)
        self._live = max(self._live, last)

    def _begin_again(self, watermark: int) -> None:
        self.confirmed = watermark
        self._backlog = watermark
        self.live_from = max(self.live_from, self._live)
        self._landed.clear()
        self._in_flight = dict.fromkeys(self._in_flight, watermark)
