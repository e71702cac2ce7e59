"""Looking at both ends while a drill runs: how far the outbox is, and how much of it the plant has."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec

from lineside.adapters.outbox_accounts import Tally
from lineside.apps.layout import Layout
from lineside.wire.records import RecordKind

_EVERY_SECONDS: Final = 0.1
_LEAST_BACKLOG: Final = 2_000
"""Readings below which the speed of a drain cannot be told."""


@dataclass(frozen=True, slots=True)
class Sample:
    """At a moment (seconds): the outbox's newest sequence and its readings so far, and the plant's watermark."""

    moment: float
    last: int
    readings: int
    confirmed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """Seconds a record took at most, seconds from the link's return to the first record, slowest drain as a ratio."""

    max_delay: float
    back: float
    drain_ratio: float


@dataclass(slots=True)
class Watch:
    """Samples the gateway's outbox and the plant's landing table, which it opens for reading alone."""

    layout: Layout
    samples: list[Sample] = field(default_factory=list)
    returns: list[float] = field(default_factory=list)
    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to sample."""
        self._task = asyncio.create_task(self._run(), name="watch both ends")

    async def stop(self) -> None:
        """Take a last sample and end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def link_returned(self) -> None:
        """Take note that the link is there again."""
        self.returns.append(time.monotonic())

    def accepted(self, kind: RecordKind) -> int:
        """Return how many items of a kind the gateway has committed."""
        with contextlib.suppress(apsw.Error):
            return _accepted(_read(self.layout.outbox, "SELECT tally FROM state")[0], kind)
        return 0

    async def _run(self) -> None:
        while True:
            sample = await asyncio.to_thread(self._look)
            if sample is not None:
                self.samples.append(sample)
            await asyncio.sleep(_EVERY_SECONDS)

    def _look(self) -> Sample | None:
        with contextlib.suppress(apsw.Error, TypeError, IndexError):
            # The plant first: what it has was in the outbox before.
            epoch, last, tally = _read(self.layout.outbox, "SELECT epoch, last, tally FROM state")
            (confirmed,) = _read(
                self.layout.landing, "SELECT coalesce(max(watermark), 0) FROM streams WHERE epoch = ?", (epoch,)
            )
            return Sample(time.monotonic(), last, _accepted(tally, RecordKind.READINGS), confirmed)
        return None

    def measure(self, line_rate: float) -> Measured:
        """Return what the samples say; ``line_rate`` is the line's own, in readings a second of the drill."""
        return measure(self.samples, self.returns, line_rate)


def measure(samples: list[Sample], returns: list[float], line_rate: float) -> Measured:
    """Return the longest delay, the slowest return and the slowest drain that samples show."""
    drains = [_drain(samples, moment) for moment in returns]
    ratios = [drained / seconds / line_rate for drained, seconds, _ in drains if drained >= _LEAST_BACKLOG]
    return Measured(
        max_delay=max((_delay(samples, place) for place in range(len(samples))), default=0.0),
        back=max((back for _, _, back in drains), default=0.0),
        drain_ratio=min(ratios, default=0.0),
    )


def _delay(samples: list[Sample], place: int) -> float:
    """Return how long the newest record of a sample took until the plant had it (as far as samples go)."""
    asked = samples[place]
    for later in samples[place:]:
        if later.confirmed >= asked.last:
            return later.moment - asked.moment
    return samples[-1].moment - asked.moment


def _drain(samples: list[Sample], returned: float) -> tuple[int, float, float]:
    """Return the readings that waited when the link returned, the seconds of the drain, and those until it began."""
    before = [sample for sample in samples if sample.moment <= returned]
    after = [sample for sample in samples if sample.moment > returned]
    if not before or not after:
        return 0, 1.0, 0.0
    at = before[-1]
    waiting = at.readings - max((item.readings for item in samples if item.last <= at.confirmed), default=0)
    began = next((item for item in after if item.confirmed > at.confirmed), after[-1])
    ended = next((item for item in after if item.confirmed >= at.last), after[-1])
    # Between two samples lies the moment at which it began.
    seconds = max(ended.moment - began.moment, 0.0) + _EVERY_SECONDS
    return waiting, seconds, began.moment - returned


def _accepted(tally: bytes, kind: RecordKind) -> int:
    return msgspec.msgpack.decode(tally, type=Tally).accepted.get(kind.value, (0, 0))[1] if tally else 0


def _read(path: Path, query: str, values: tuple[Any, ...] = ()) -> tuple[Any, ...]:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        connection.set_busy_timeout(200)
        row = connection.execute(query, values).fetchone()
    finally:
        connection.close()
    assert row is not None
    return tuple(row)
