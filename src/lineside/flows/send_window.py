"""Which record to send next: the bounded window of the forwarder, without any I/O.

Sequences fall into two lanes. Those given after the link was last (re)gained are *live* and go first; those before
are *backlog*, which goes at a bounded rate and never fills more than a part of what is under way, so that a live
record waits for milliseconds behind it. What the plant misses is sent again before the backlog goes on. While it
is not proven that the plant answers (at the start, after a failure), one request at a time probes it, with a
growing delay, and its answer says from where to go on: nothing about progress needs to be kept on disk.

A record that gets no answer while others do is in *trouble*: each such try is a strike, and with the first it is
tried again at a slower pace of its own, while the others go on. Whoever drives the window puts it aside after
`MOST_STRIKES`.

The watermark that counts is the plant's. If it falls back behind what it had confirmed (the plant was restored
from a copy), sending begins again from there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

FIRST_DELAY: Final = 0.05
MOST_DELAY: Final = 2.0
MOST_STRIKES: Final = 5
"""Tries without an answer, others being answered in between, after which a record is poison."""
BACKLOG_BYTES: Final = 1 << 20
"""Bytes of backlog under way at once; one record may be larger."""
_BURST_SECONDS: Final = 0.1


@dataclass(slots=True)
class _Flight:
    """A request under way: the watermark when it was sent, its size, and whether it is backlog."""

    confirmed: int
    size: int
    backlog: bool


@dataclass(slots=True)
class _Trouble:
    """A record that got no answer; ``others`` says that one at least half its size was answered since."""

    size: int
    retry_at: float
    delay: float = FIRST_DELAY
    strikes: int = 0
    others: bool = False


@dataclass(slots=True)
class SendWindow:
    """The state of sending one outbox; times are seconds of any clock that only goes forward.

    ``size`` is how many requests are under way at most, ``rate`` how many bytes of backlog go in a second.
    """

    size: int
    rate: float = math.inf
    confirmed: int = 0
    live_from: int = 0
    proven: bool = False
    resume_at: float = 0.0
    _delay: float = 0.0
    _live: int = 0
    _backlog: int = 0
    _paced_until: float = 0.0
    _backlog_bytes: int = 0
    _last_failed: int = 0
    _in_flight: dict[int, _Flight] = field(default_factory=dict)
    _landed: set[int] = field(default_factory=set)
    _again: set[int] = field(default_factory=set)
    _trouble: dict[int, _Trouble] = field(default_factory=dict)

    @classmethod
    def starting(cls, size: int, last: int, rate: float = math.inf) -> SendWindow:
        """Return the window of an outbox whose newest sequence is ``last``; all that is in it is backlog."""
        return cls(size=size, live_from=last, _live=last, rate=rate)

    @property
    def in_flight(self) -> int:
        """How many requests are under way."""
        return len(self._in_flight)

    def strikes(self, sequence: int) -> int:
        """How often a record got no answer while others did."""
        return self._trouble[sequence].strikes if sequence in self._trouble else 0

    def next_sequence(self, last: int, now: float) -> int | None:
        """Return the next sequence to send, None where nothing may be sent now; ``last`` is the newest one."""
        if now < self.resume_at or len(self._in_flight) >= (self.size if self.proven else 1):
            return None
        if self._live < last:
            return self._live + 1
        if now < self._paced_until or self._backlog_bytes >= BACKLOG_BYTES:
            return None
        again = self._next_again(now)
        return self._next_of_backlog() or again if again in {None, self._last_failed} else again

    def sent(self, sequence: int, size: int = 0, now: float = 0.0) -> None:
        """Take note that a request with this sequence, of that many bytes, is under way.

        A sequence above the one asked for means that those between are gone from the outbox: confirmed long ago.
        """
        backlog = sequence <= self.live_from or sequence in self._again
        if not backlog:
            self._live = max(self._live, sequence)
        else:
            if sequence not in self._again:
                self._backlog = max(self._backlog, sequence)
            self._paced_until = max(self._paced_until, now - _BURST_SECONDS) + size / self.rate
            self._backlog_bytes += size
        self._again.discard(sequence)
        self._in_flight[sequence] = _Flight(self.confirmed, size, backlog)

    def skip_again(self, up_to: int) -> None:
        """Give up on sequences that were to be sent again and are gone from the outbox."""
        self._again = {sequence for sequence in self._again if sequence > up_to}
        self._trouble = {sequence: item for sequence, item in self._trouble.items() if sequence > up_to}

    def answered(self, sequence: int, watermark: int, missing: tuple[int, ...] = ()) -> None:
        """Take note that the plant holds a sequence, and everything up to its watermark."""
        flight = self._land(sequence)
        if flight is not None and watermark < flight.confirmed:
            self._begin_again(watermark)
        self._prove()
        self._last_failed = 0
        self._trouble.pop(sequence, None)
        for trouble in self._trouble.values():
            trouble.others |= flight is not None and 2 * flight.size >= trouble.size
        self._landed.add(sequence)
        lost = self._landed.intersection(missing)
        self._landed -= lost
        self._again |= lost
        if watermark > self.confirmed:
            self._confirm(watermark)

    def learn(self, watermark: int) -> None:
        """Take the plant's word for how far it is, before anything is sent."""
        self._prove()
        self._confirm(watermark)

    def send_again(self, sequence: int) -> None:
        """Take note that a request came back without effect and is to be repeated at once."""
        self._land(sequence)
        self._trouble.pop(sequence, None)
        if sequence > self.confirmed:
            self._again.add(sequence)

    def failed(self, sequence: int, last: int, now: float) -> None:
        """Take note that no answer came: probe from now on; what was live until now is backlog."""
        flight = self._land(sequence)
        if sequence > self.confirmed:
            self._again.add(sequence)
            self._note_trouble(sequence, 0 if flight is None else flight.size, now)
            self._last_failed = sequence
        if self.proven or not self._delay:
            self._delay = FIRST_DELAY
        elif not self._in_flight:  # a whole burst that fails together counts once
            self._delay = min(2 * self._delay, MOST_DELAY)
        self.proven = False
        self.resume_at = now + self._delay
        self._rebase(last)

    def _next_of_backlog(self) -> int | None:
        while self._backlog < self.live_from:
            following = self._backlog + 1
            if following not in self._landed and following not in self._in_flight and following not in self._again:
                return following
            self._backlog += 1
        return None

    def _next_again(self, now: float) -> int | None:
        """Return what is to be sent again now: the fewest strikes first, then the oldest."""
        ready = [
            (self.strikes(sequence), sequence)
            for sequence in self._again
            if not self.strikes(sequence) or self._trouble[sequence].retry_at <= now
        ]
        # What failed last lets another one go first, so that a single record can never hold up all others.
        return min(ready, key=lambda item: (item[1] == self._last_failed, *item))[1] if ready else None

    def _note_trouble(self, sequence: int, size: int, now: float) -> None:
        trouble = self._trouble.setdefault(sequence, _Trouble(size, now))
        if trouble.others:
            trouble.strikes += 1
            trouble.others = False
        trouble.retry_at = now + trouble.delay
        trouble.delay = min(2 * trouble.delay, MOST_DELAY)

    def _land(self, sequence: int) -> _Flight | None:
        flight = self._in_flight.pop(sequence, None)
        if flight is not None and flight.backlog:
            self._backlog_bytes -= flight.size
        return flight

    def _confirm(self, watermark: int) -> None:
        self.confirmed = watermark
        self._backlog = max(self._backlog, watermark)
        self._live = max(self._live, watermark)
        self._landed = {known for known in self._landed if known > watermark}
        self.skip_again(watermark)

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
        for flight in self._in_flight.values():
            flight.confirmed = watermark
