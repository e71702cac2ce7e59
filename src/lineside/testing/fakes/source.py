"""A fake source: a machine in memory that keeps what was not acknowledged, and the source that reads from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field

from lineside.domain.errors import SourceError
from lineside.domain.health.sources import SourceCondition, SourceRecord
from lineside.domain.intake.gate import Gate
from lineside.domain.intake.times import read_time
from lineside.domain.plan.model import Plan
from lineside.domain.readings import GOOD, Catalogue, ReadingBatch
from lineside.ports import Clock, SourceDelivery


@dataclass(frozen=True, slots=True)
class FakeMessage:
    """One value of one signal, as a machine sends it."""

    signal: str
    time: object
    value: object
    status: int = GOOD


@dataclass(slots=True)
class FakeMachine:
    """Holds messages by number until they are acknowledged; ``wakes`` is set when there is something new."""

    waiting: dict[int, FakeMessage] = field(default_factory=dict)
    sent: int = 0
    wakes: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, message: FakeMessage) -> None:
        """Send a message to whoever reads now or later."""
        self.sent += 1
        self.waiting[self.sent] = message
        self.wakes.set()


class FakeSource:
    """Delivers the messages of a fake machine, each once, and after a restart again if not acknowledged."""

    def __init__(
        self,
        plan: Plan,
        machine: FakeMachine,
        clock: Clock,
        *,
        source: str = "machine",
        seen: Iterable[ReadingBatch] = (),
    ) -> None:
        self._machine = machine
        self._clock = clock
        self._gate = Gate(plan, source)
        self._record = SourceRecord()
        self._seen = tuple(seen)
        self._delivered = 0
        self._closed = False
        self.failing: SourceError | None = None

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue of the plan."""
        return self._gate.catalogue

    @property
    def condition(self) -> SourceCondition:
        """How it stands with its peer."""
        return self._record.condition

    async def deliveries(self) -> AsyncIterator[SourceDelivery]:
        """Yield the messages of the machine until the source is closed."""
        for batch in self._seen:
            self._gate.remember(batch)
        self._record.connect(self._clock.now())
        while not self._closed:
            if self.failing is not None:
                self._record.lose(self._clock.now(), str(self.failing))
                raise self.failing
            new = [number for number in self._machine.waiting if number > self._delivered]
            if new:
                self._delivered = new[-1]
                yield self._delivery(new)
            else:
                self._machine.wakes.clear()
                await self._machine.wakes.wait()

    async def acknowledge(self, token: object) -> None:
        """Let the machine forget the messages of a delivery."""
        assert isinstance(token, tuple)
        for number in token:
            self._machine.waiting.pop(number, None)

    async def close(self) -> None:
        """End the deliveries."""
        self._closed = True
        self._record.stop(self._clock.now())
        self._machine.wakes.set()

    def _delivery(self, numbers: list[int]) -> SourceDelivery:
        now = self._clock.now()
        for number in numbers:
            message = self._machine.waiting[number]
            moment = read_time(message.time, now=now)
            self._gate.offer(message.signal, moment, message.value, received=now, status=message.status)
        taken = self._gate.take()
        return SourceDelivery(
            readings=taken.readings, quarantined=taken.quarantined, duplicates=taken.duplicates, token=tuple(numbers)
        )
