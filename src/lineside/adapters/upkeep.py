"""Keeping a source connected: connect, serve until the connection is lost, pause, and begin anew.

What is noted of it stands in `lineside.domain.intake.outages`. The sources share this module as they share the
connection to a broker: it knows no protocol.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

from lineside.domain.intake.outages import Outages
from lineside.ports import Clock, SourceDelivery


class Upkeep:
    """Runs the connection of one source beside its deliveries.

    Args:
        name: of the task, for people who look at one.
        outages: what is noted of losses and returns.
        clock: the time.
    """

    def __init__(self, name: str, outages: Outages, clock: Clock) -> None:
        self._name = name
        self._outages = outages
        self._clock = clock
        self._arrived = asyncio.Event()
        self._closed = asyncio.Event()

    def is_closed(self) -> bool:
        """Whether the source has been closed."""
        return self._closed.is_set()

    async def wait(self, seconds: float) -> None:
        """Wait so long, or until the source is closed."""
        if seconds <= 0:
            return
        try:
            await asyncio.wait_for(self._closed.wait(), seconds)
        except TimeoutError:
            return

    def wake(self) -> None:
        """Say that something waits to be delivered."""
        self._arrived.set()

    def close(self) -> None:
        """End the connection, and the deliveries once everything that waits has been delivered."""
        self._closed.set()
        self._outages.record.stop(self._clock.now())

    async def deliveries(
        self, serve: Callable[[], Awaitable[None]], waits: Callable[[], bool], take: Callable[[], SourceDelivery]
    ) -> AsyncIterator[SourceDelivery]:
        """Yield what comes together while there is, again and again, a connection.

        Args:
            serve: connects and returns when the source is closed; raises `ConnectionError` when it is lost.
            waits: whether something waits to be delivered.
            take: the next delivery.
        """
        self._outages.record.start(self._clock.now())
        running = asyncio.create_task(self._run(serve), name=self._name)
        running.add_done_callback(lambda _: self._arrived.set())
        try:
            while not running.done() or waits():
                await self._arrived.wait()
                self._arrived.clear()
                while waits():
                    yield take()
            running.result()
        finally:
            self.close()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def until_lost(self, lost: Coroutine[Any, Any, None]) -> None:
        """Return when the source is closed.

        Raises:
            ConnectionError: the connection was lost before that.
        """
        closing = asyncio.create_task(self._closed.wait())
        losing = asyncio.create_task(lost)
        try:
            await asyncio.wait((closing, losing), return_when=asyncio.FIRST_COMPLETED)
            if losing.done():
                losing.result()
        finally:
            closing.cancel()
            losing.cancel()

    async def _run(self, serve: Callable[[], Awaitable[None]]) -> None:
        while not self._closed.is_set():
            try:
                await serve()
            except ConnectionError as error:
                pause = self._outages.lost(self._clock.now(), str(error))
                self.wake()
                await self.wait(pause)
