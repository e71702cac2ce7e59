"""A source that asks: the loop that Modbus, MTConnect and REST share.

`PolledSource` keeps a connection while the source is open, asks at the intervals of its schedule, and hands over what
came of it. What is particular to a technology is its `Asker`, which offers what it reads to the gate.

- Polls keep their distance from the start, not from the end of the last one; slots that pass unused are counted and
  reported as ``poll_late``.
- A lost connection is reported once, and once more when the first answer comes again
  (`lineside.domain.intake.outages`); `lineside.adapters.upkeep` tries it anew in between.
- While `MOST_PENDING` readings wait for a delivery nothing is asked: a machine that is polled can be made to wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Final, Protocol

from lineside.adapters.upkeep import Upkeep
from lineside.domain.health.sources import Phase, SourceCondition, SourceRecord
from lineside.domain.intake.gate import Gate
from lineside.domain.intake.outages import Outages
from lineside.domain.intake.reasons import Reason, refuse
from lineside.domain.intake.schedule import Schedule
from lineside.domain.intake.troubles import Troubles
from lineside.domain.readings import Catalogue, ReadingBatch
from lineside.domain.units import SECOND
from lineside.ports import Clock, SourceDelivery

MOST_PENDING: Final = 100_000
"""Readings that wait for a delivery; beyond that nothing is asked."""


class Asker(Protocol):
    """One technology's side of a polled source."""

    async def open(self) -> None:
        """Connect.

        Raises:
            ConnectionError: it is not possible now.
        """

    async def ask(self, interval: int) -> None:
        """Ask for what is due at an interval (nanoseconds), and offer it to the gate.

        Raises:
            ConnectionError: the connection is lost, or the machine does not answer at all.
        """

    def token(self) -> object:
        """Return what is to be acknowledged once all that was offered so far is durable; None: nothing."""

    async def acknowledge(self, token: object) -> None:
        """Take note that what came up to a token is durable."""

    async def close(self) -> None:
        """Let go of the connection."""


class PolledSource:
    """Readings of one machine that has to be asked.

    Args:
        gate: what is read passes it.
        clock: the time.
        address: where the machine is, for reports.
        intervals: the nanoseconds between two polls, each interval once.
        asker: the technology.
        troubles: those of the asker, which are told in full when the source ends.
        record: how the source does.
    """

    def __init__(
        self,
        *,
        gate: Gate,
        clock: Clock,
        address: str,
        intervals: Iterable[int],
        asker: Asker,
        troubles: Troubles,
        record: SourceRecord,
    ) -> None:
        self._gate = gate
        self._clock = clock
        self._intervals = sorted(set(intervals))
        self._asker = asker
        self._troubles = troubles
        self._outages = Outages(gate, address, record)
        self._upkeep = Upkeep(f"poll {address}", self._outages, clock)
        self._room = asyncio.Event()

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue of the plan."""
        return self._gate.catalogue

    @property
    def condition(self) -> SourceCondition:
        """How it stands with the machine."""
        return self._outages.condition

    def remember(self, seen: Iterable[ReadingBatch]) -> None:
        """Take note of readings that were accepted before."""
        for batch in seen:
            self._gate.remember(batch)

    def deliveries(self) -> AsyncIterator[SourceDelivery]:
        """Yield what the machine answers, until the source is closed."""
        return self._upkeep.deliveries(self._serve, lambda: bool(self._gate.pending), self._delivery)

    async def acknowledge(self, token: object) -> None:
        """Take note that everything of the delivery with that token is durable."""
        await self._asker.acknowledge(token)

    async def close(self) -> None:
        """Close the connection and end the deliveries."""
        self._upkeep.close()
        self._room.set()

    def _delivery(self) -> SourceDelivery:
        taken = self._gate.take()
        self._room.set()
        return SourceDelivery(
            readings=taken.readings,
            quarantined=taken.quarantined,
            duplicates=taken.duplicates,
            token=self._asker.token(),
        )

    # -- asking -------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        """Connect and ask, until the source is closed.

        Raises:
            ConnectionError: there is no connection, or it was lost.
        """
        try:
            await self._asker.open()
            await self._poll()
        finally:
            await self._asker.close()
            if self._upkeep.is_closed():
                self._troubles.flush(self._clock.now())

    async def _poll(self) -> None:
        """Ask at every slot, and return when the source is closed.

        Raises:
            ConnectionError: the connection was lost.
        """
        schedule = Schedule(((interval, interval) for interval in self._intervals), _steady())
        while not self._upkeep.is_closed():
            await self._upkeep.wait((schedule.next - _steady()) / SECOND)
            await self._wait_for_room()
            if self._upkeep.is_closed():
                return
            for interval in schedule.due(_steady()):
                await self._asker.ask(interval)
            self._note_answer()
            self._note_pace(schedule.take_missed())
            self._troubles.tick(self._clock.now())
            if self._gate.pending:
                self._upkeep.wake()

    async def _wait_for_room(self) -> None:
        while self._gate.pending >= MOST_PENDING and not self._upkeep.is_closed():
            self._room.clear()
            await self._room.wait()

    # -- reporting ----------------------------------------------------------------------------------------

    def _note_answer(self) -> None:
        """Record that the machine answers, and that it does so again if it was lost."""
        if self._outages.condition.phase is not Phase.CONNECTED:
            self._outages.back(self._clock.now(), self._troubles.standing())

    def _note_pace(self, missed: int) -> None:
        if missed:
            refusal = refuse(Reason.POLL_LATE, hint="Lengthen the interval, or read fewer registers.")
            self._troubles.note("pace", refusal, now=self._clock.now(), count=missed)


def _steady() -> int:
    """Return the nanoseconds of the event loop's clock, which never steps."""
    return round(asyncio.get_running_loop().time() * SECOND)
