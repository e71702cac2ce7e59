"""What every `Source` must do, fakes included.

A test class derives from `SourceSuite` and gives a ``bench`` fixture: the peer that the source reads from. What a
technology cannot do (deliver again what was not acknowledged, forget readings at a restart) the bench declares.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Protocol

import numpy as np

from lineside.domain.health.sources import Phase
from lineside.domain.quarantine import Quarantined
from lineside.domain.readings import ReadingBatch
from lineside.domain.units import SECOND
from lineside.ports import Clock, Source, SourceDelivery

DEADLINE = 30.0
"""Seconds within which what must happen has happened."""


class SourceBench(Protocol):
    """The peer of a source under test, with the signals of `lineside.testing.plans`."""

    @property
    def clock(self) -> Clock:
        """The clock of the source."""

    @property
    def redelivers(self) -> bool:
        """Whether what was not acknowledged comes again after a restart of the reader."""

    @property
    def repeats(self) -> bool:
        """Whether the machine can send the same reading twice over one connection."""

    @property
    def keeps(self) -> bool:
        """Whether what is sent while no reader is there is delivered later."""

    def open(self, seen: Iterable[ReadingBatch] = ()) -> Source:
        """Return a new source, as after a start of the gateway."""

    async def send(self, signal: str, time: int, value: object) -> None:
        """Let the machine send one value."""

    async def send_bad(self, time: int) -> None:
        """Let the machine send a value of the temperature that cannot be accepted."""

    async def restart(self) -> None:
        """Let the peer go away and come back."""


class Reader:
    """Reads a source in the background, and acknowledges what it has read if it is told to."""

    def __init__(self, source: Source, *, acknowledge: bool = True) -> None:
        self.source = source
        self.deliveries: list[SourceDelivery] = []
        self._acknowledge = acknowledge

    async def run(self) -> None:
        """Read until the source ends."""
        async for delivery in self.source.deliveries():
            self.deliveries.append(delivery)
            if self._acknowledge:
                await self.source.acknowledge(delivery.token)

    @property
    def batches(self) -> list[ReadingBatch]:
        """The batches read so far."""
        return [item.readings for item in self.deliveries if item.readings is not None]

    @property
    def quarantined(self) -> list[Quarantined]:
        """What was refused so far."""
        return [item for delivery in self.deliveries for item in delivery.quarantined]

    def values(self, signal: str) -> list[tuple[int, float]]:
        """Return source time and value of the good readings of a signal so far, in order."""
        code = self.source.catalogue.codes()[signal]
        return [
            (int(time), float(value))
            for batch in self.batches
            for name, time, value in zip(batch.signal, batch.source_time, batch.value, strict=True)
            if name == code and not np.isnan(value)
        ]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds.

        Raises:
            TimeoutError: it did not within `DEADLINE`.
        """
        async with asyncio.timeout(DEADLINE):
            while not condition():  # noqa: ASYNC110 - a condition over everything that was read
                await asyncio.sleep(0.01)


@asynccontextmanager
async def reading(source: Source, *, acknowledge: bool = True) -> AsyncIterator[Reader]:
    """Read a source in the background while the context lasts; what goes wrong in it is raised at the end."""
    reader = Reader(source, acknowledge=acknowledge)
    task = asyncio.create_task(reader.run())
    try:
        yield reader
    finally:
        await source.close()
        async with asyncio.timeout(DEADLINE):
            await task


async def hears(bench: SourceBench, reader: Reader) -> None:
    """Send readings of the pressure until one of them has come: the source is connected."""
    before = len(reader.values("pressure"))
    async with asyncio.timeout(DEADLINE):
        while len(reader.values("pressure")) == before:
            await bench.send("pressure", bench.clock.now(), 1.0)
            await asyncio.sleep(0.1)


def now_of(bench: SourceBench) -> int:
    """Return the time now, in whole microseconds as OPC UA carries it."""
    return bench.clock.now() // 1_000_000 * 1_000_000


class SourceSuite:
    """The tests; ``bench`` is a fixture of the deriving class."""

    sampled = False
    """Whether the reader sees only what stands there when it asks, at the time when it asks."""
    bad_reason = "not_a_number"
    bad_raw = b"warm"
    """Why the bad value is refused, and what stands in its raw bytes."""

    async def test_readings_come_in_order_with_their_own_times_and_typed_columns(self, bench: SourceBench) -> None:
        """What was sent comes as it was sent."""
        async with reading(bench.open()) as reader:
            await hears(bench, reader)
            start = now_of(bench) - 60 * SECOND
            sent = [(start + number * 1_000_000, 20.0 + number) for number in range(50)]
            if self.sampled:
                await self._sends_slowly(bench, reader, [value for _, value in sent[:10]])
            else:
                for time, value in sent:
                    await bench.send("temperature", time, value)
                await reader.until(lambda: len(reader.values("temperature")) >= len(sent))
                assert reader.values("temperature") == sent
            for batch in reader.batches:
                assert batch.catalogue.digest == reader.source.catalogue.digest
                assert batch.signal.dtype == np.int32
                assert batch.source_time.dtype == batch.receive_time.dtype == np.int64
                assert batch.value.dtype == np.float64
                assert batch.status.dtype == np.uint32
                assert (batch.receive_time <= bench.clock.now()).all()

    async def _sends_slowly(self, bench: SourceBench, reader: Reader, values: list[float]) -> None:
        """Send one value after another, each when the one before has been seen; times are those of asking."""
        start = bench.clock.now()
        for value in values:
            await bench.send("temperature", 0, value)
            await reader.until(lambda value=value: any(seen == value for _, seen in reader.values("temperature")))  # type: ignore[misc]
        seen = [(time, value) for time, value in reader.values("temperature") if value in values]
        assert seen == sorted(seen)
        assert list(dict.fromkeys(value for _, value in seen)) == values
        assert start <= seen[0][0]
        assert seen[-1][0] <= bench.clock.now()

    def _came(self, reader: Reader, signal: str, time: int, value: float) -> bool:
        """Say whether a reading has come; one that was sampled has a time of its own."""
        return any(value == seen and (self.sampled or time == moment) for moment, seen in reader.values(signal))

    async def test_texts_and_booleans_come_as_the_plan_says(self, bench: SourceBench) -> None:
        """A serial number is a text, a trigger a number."""
        async with reading(bench.open()) as reader:
            await hears(bench, reader)
            now = now_of(bench)
            await bench.send("serial", now, "A-17")
            await bench.send("running", now, True)
            await reader.until(lambda: any("A-17" in item.texts for item in reader.batches))
            batch = next(item for item in reader.batches if "A-17" in item.texts)
            code = reader.source.catalogue.codes()["serial"]
            row = np.flatnonzero((batch.signal == code) & (batch.value == batch.texts.index("A-17")))[-1]
            assert batch.texts[int(batch.value[row])] == "A-17"
            await reader.until(lambda: self._came(reader, "running", now, 1.0))

    async def test_what_is_bad_is_quarantined_and_the_next_good_reading_comes(self, bench: SourceBench) -> None:
        """Intake goes on."""
        async with reading(bench.open()) as reader:
            await hears(bench, reader)
            now = now_of(bench)
            await bench.send_bad(now - SECOND)
            if not self.sampled:
                await bench.send("temperature", now, 21.0)
            await reader.until(lambda: any(item.signal == "temperature" for item in reader.quarantined))
            if self.sampled:
                await bench.send("temperature", now, 21.0)
            await reader.until(lambda: self._came(reader, "temperature", now, 21.0))
            bad, *again = [item for item in reader.quarantined if item.signal == "temperature"]
            assert self.sampled or not again
            assert bad.source == "machine"
            assert bad.reason == self.bad_reason
            assert self.bad_raw in bad.raw

    async def test_a_reading_that_comes_twice_is_delivered_once(self, bench: SourceBench) -> None:
        """The second is counted as a duplicate."""
        if not bench.repeats:
            return
        async with reading(bench.open()) as reader:
            await hears(bench, reader)
            now = now_of(bench)
            await bench.send("temperature", now, 21.0)
            await reader.until(lambda: bool(reader.values("temperature")))
            await bench.send("temperature", now, 21.0)
            await bench.send("temperature", now + 1_000_000, 22.0)
            await reader.until(lambda: len(reader.values("temperature")) >= 2)
            assert reader.values("temperature") == [(now, 21.0), (now + 1_000_000, 22.0)]
            assert sum(item.duplicates for item in reader.deliveries) >= 1

    async def test_it_comes_back_by_itself_after_a_restart_of_the_peer(self, bench: SourceBench) -> None:
        """Nobody has to do anything."""
        async with reading(bench.open()) as reader:
            await hears(bench, reader)
            await bench.restart()
            await hears(bench, reader)
            await reader.until(lambda: reader.source.condition.phase is Phase.CONNECTED)

    async def test_its_condition_says_how_it_stands_with_its_peer(self, bench: SourceBench) -> None:
        """Starting, connected once it delivers, stopped once it is closed; each with the time since when."""
        before = bench.clock.now()
        source = bench.open()
        conditions = [source.condition]
        async with reading(source) as reader:
            await hears(bench, reader)
            conditions.append(source.condition)
            connected = bench.clock.now()
        conditions.append(source.condition)
        assert [item.phase for item in conditions] == [Phase.STARTING, Phase.CONNECTED, Phase.STOPPED]
        assert before <= conditions[1].since <= connected <= conditions[2].since

    async def test_what_was_not_acknowledged_comes_again_and_what_was_does_not(self, bench: SourceBench) -> None:
        """Nothing is lost between being handed over and being made durable."""
        if not bench.redelivers:
            return
        async with reading(bench.open()) as reader:
            await hears(bench, reader)
        start = now_of(bench)
        async with reading(bench.open()) as reader:
            await bench.send("temperature", start, 1.0)
            await reader.until(lambda: (start, 1.0) in reader.values("temperature"))
        async with reading(bench.open(), acknowledge=False) as reader:
            await bench.send("temperature", start + 1_000_000, 2.0)
            await reader.until(lambda: bool(reader.values("temperature")))
        async with reading(bench.open()) as reader:
            await bench.send("temperature", start + 2_000_000, 3.0)
            await reader.until(lambda: len(reader.values("temperature")) >= 2)
            again = sorted(reader.values("temperature"))
            assert again == [(start + 1_000_000, 2.0), (start + 2_000_000, 3.0)]

    async def test_what_comes_again_is_a_duplicate_if_it_was_seen_before_the_restart(self, bench: SourceBench) -> None:
        """The record of before is given to the new source."""
        if not bench.redelivers:
            return
        start = now_of(bench)
        async with reading(bench.open(), acknowledge=False) as reader:
            await hears(bench, reader)
            await bench.send("temperature", start, 1.0)
            await reader.until(lambda: bool(reader.values("temperature")))
        kept = reader.values("pressure") + reader.values("temperature")
        async with reading(bench.open(seen=reader.batches)) as second:
            await bench.send("temperature", start + 1_000_000, 2.0)
            await second.until(lambda: sum(item.duplicates for item in second.deliveries) >= len(kept))
            await second.until(lambda: bool(second.values("temperature")))
            assert second.values("temperature") == [(start + 1_000_000, 2.0)]

    async def test_what_is_sent_while_nobody_reads_is_kept(self, bench: SourceBench) -> None:
        """The peer queues for a reader that it knows."""
        if not bench.keeps:
            return
        async with reading(bench.open()) as reader:
            await hears(bench, reader)
        start = now_of(bench)
        sent = [(start + number * 1_000_000, float(number)) for number in range(100)]
        for time, value in sent:
            await bench.send("temperature", time, value)
        async with reading(bench.open()) as reader:
            await reader.until(lambda: len(reader.values("temperature")) >= len(sent))
            assert reader.values("temperature") == sent

    async def test_closing_twice_is_closing_once(self, bench: SourceBench) -> None:
        """And ends the deliveries, be they begun or not."""
        await bench.open().close()
        async with reading(bench.open()) as reader:
            await hears(bench, reader)
            await reader.source.close()
            await reader.source.close()
