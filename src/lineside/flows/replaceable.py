"""A source that can be exchanged for another while its readings are taken.

Whoever reads it sees one stream. An exchange goes in this order: the old one is read no further; all that it handed
over becomes durable and is acknowledged to it; it is closed; the new one is opened and read. Two of them are never
open at once: they would share a session at the broker, or a note of the files that were taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from lineside.domain.errors import LinesideError, UnavailableError
from lineside.domain.health.sources import SourceCondition
from lineside.domain.readings import Catalogue
from lineside.ports import Source, SourceDelivery

SETTLE_SECONDS: Final = 30.0
Opener = Callable[[], Source]


class ReplaceableSource:
    """`lineside.ports.Source` over the one that ``opener`` gives, until it is exchanged for another's."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._source = opener()
        self._turn = 0
        self._reading = asyncio.Event()
        self._reading.set()
        self._handed = 0
        self._settled = asyncio.Event()
        self._arriving: asyncio.Task[SourceDelivery | None] | None = None

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue that all its batches use."""
        return self._source.catalogue

    @property
    def condition(self) -> SourceCondition:
        """How the source that is read now stands with its peer."""
        return self._source.condition

    async def exchange(self, opener: Opener, within: float = SETTLE_SECONDS) -> None:
        """Read the source that ``opener`` gives from now on; where it gives none, the old one is opened again.

        Raises:
            UnavailableError: what the old one handed over is not durable within that many seconds; it is read on.
            LinesideError: the new one cannot be opened.
        """
        self._reading.clear()
        try:
            await self._settle(within)
            self._turn += 1
            if self._arriving is not None:
                self._arriving.cancel()
            await self._source.close()
            try:
                self._source = opener()
            except LinesideError:
                self._source = self._opener()
                raise
            self._opener = opener
        finally:
            self._reading.set()

    async def _settle(self, within: float) -> None:
        """Wait until everything that was handed over is acknowledged."""
        try:
            async with asyncio.timeout(within):
                while self._handed:
                    self._settled.clear()
                    await self._settled.wait()
        except TimeoutError as error:
            raise UnavailableError("what the source delivered is not durable yet: it is not exchanged") from error

    async def deliveries(self) -> AsyncIterator[SourceDelivery]:
        """Yield what arrives from the source of the moment, until that one ends."""
        turn = -1
        while turn != self._turn:
            await self._reading.wait()
            turn = self._turn
            async for delivery in self._of_turn(turn):
                self._handed += delivery.token is not None
                yield delivery

    async def _of_turn(self, turn: int) -> AsyncIterator[SourceDelivery]:
        """Yield what arrives until the source ends or is exchanged.

        What arrives while an exchange waits is handed over if it comes to nothing, and left to be sent again if not.
        """
        iterator = aiter(self._source.deliveries())
        while turn == self._turn:
            # A task of its own, so that an exchange can end the wait for a source that has nothing to say.
            self._arriving = asyncio.create_task(_next(iterator))
            try:
                delivery = await self._arriving
            except asyncio.CancelledError:
                reader = asyncio.current_task()
                if reader is None or reader.cancelling():
                    raise
                return
            await self._reading.wait()
            if delivery is None or turn != self._turn:
                return
            yield delivery

    async def acknowledge(self, token: object) -> None:
        """Tell the source that it is durable."""
        await self._source.acknowledge(token)
        self._handed -= 1
        if not self._handed:
            self._settled.set()

    async def close(self) -> None:
        """Close the source; may be called more than once."""
        await self._source.close()


async def _next(iterator: AsyncIterator[SourceDelivery]) -> SourceDelivery | None:
    """Return what comes next, None at the end."""
    return await anext(iterator, None)
