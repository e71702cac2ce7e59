"""A bus in memory, whose link can be cut in each way a real one can."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from lineside.domain.errors import DataError, UnavailableError

Handler = Callable[[bytes], Awaitable[bytes]]
SubjectHandler = Callable[[str, bytes], Awaitable[bytes]]
Listener = Callable[[str, bytes], Awaitable[None]]


class FakeBus:
    """Implements `lineside.ports.Bus`; any number of parties may share one.

    ``down``: nothing gets through. ``lose_replies``: the next so many requests are served, but their answers are
    lost. ``max_payload``: the largest message in bytes.
    """

    def __init__(self, max_payload: int = 1024 * 1024) -> None:
        self.down = False
        self.lose_replies = 0
        self.max_payload = max_payload
        self.requests = 0
        self._served: dict[str, list[SubjectHandler]] = {}
        self._listeners: list[tuple[str, Listener]] = []

    async def request(self, subject: str, data: bytes, within: float) -> bytes:
        """Have one of those who serve the subject answer."""
        self._check(data)
        self.requests += 1
        handlers = [item for pattern, served in self._served.items() if _matches(pattern, subject) for item in served]
        if not handlers:
            raise UnavailableError("nobody answers requests", field="subject", value=subject)
        handler = handlers[self.requests % len(handlers)]
        try:
            async with asyncio.timeout(within):
                reply = await handler(subject, data)
        except Exception as error:
            raise UnavailableError("no reply", field="subject", value=subject) from error
        if self.lose_replies > 0:
            self.lose_replies -= 1
            raise UnavailableError("no reply", field="subject", value=subject)
        if self.down:
            raise UnavailableError("no connection")
        return reply

    async def publish(self, subject: str, data: bytes) -> None:
        """Hand a message to everyone who listens."""
        self._check(data)
        for pattern, listener in self._listeners:
            if _matches(pattern, subject):
                await listener(subject, data)

    async def serve(self, subject: str, handler: Handler, queue: str) -> None:
        """Answer the requests of a subject; every queue is one here."""

        async def of_any(_: str, data: bytes) -> bytes:
            return await handler(data)

        await self.serve_each(subject, of_any, queue)

    async def serve_each(self, pattern: str, handler: SubjectHandler, queue: str) -> None:
        """Answer the requests of every subject of a pattern."""
        del queue
        self._served.setdefault(pattern, []).append(handler)

    async def subscribe(self, subject: str, handler: Listener) -> None:
        """Listen to a subject."""
        self._listeners.append((subject, handler))

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    def _check(self, data: bytes) -> None:
        if self.down:
            raise UnavailableError("no connection")
        if len(data) > self.max_payload:
            raise DataError("the message is too large", field="length", value=len(data))


def _matches(pattern: str, subject: str) -> bool:
    """Return whether a subject fits a pattern with the wildcards of NATS: ``*`` one token, ``>`` all the rest."""
    wanted, found = pattern.split("."), subject.split(".")
    for place, part in enumerate(wanted):
        if part == ">":
            return len(found) > place
        if place >= len(found) or part not in ("*", found[place]):
            return False
    return len(wanted) == len(found)
