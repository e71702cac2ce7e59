"""Live updates: each is encoded once for each language, and the same bytes go to every listener (server-sent events).

A listener that does not keep up is cut off; its browser comes back by itself and gets the page as it is then.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from lineside.apps.web.language import SOURCE

_WAITING: Final = 32
"""Updates that may wait for one listener."""


class Listener:
    """One open stream: who listens in which language, and what waits to be sent."""

    def __init__(self, account_id: str, token_hash: str, language: str = SOURCE) -> None:
        self.language: Final = language
        self.account_id: Final = account_id
        self.token_hash: Final = token_hash
        self.waiting: Final[asyncio.Queue[bytes | None]] = asyncio.Queue(_WAITING)
        self.pump: asyncio.Task[None] | None = None

    def end(self) -> None:
        """End the stream at once, whatever still waits."""
        if self.pump is not None:
            self.pump.cancel()
        else:
            while not self.waiting.empty():
                self.waiting.get_nowait()
            self.waiting.put_nowait(None)


class Broadcast:
    """All open streams.

    ``version`` counts the changes that were sent: a page says which it was made with, so that one that opens its
    stream a moment too late notices what it has missed. ``cut_off`` counts listeners that did not keep up.
    """

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._held: Counter[str] = Counter()
        self.cut_off = 0
        self.version = 0

    def __len__(self) -> int:
        """Return the number of open streams."""
        return len(self._listeners)

    def held_by(self, account_id: str) -> int:
        """Return the number of streams that an account holds."""
        return self._held[account_id]

    def join(self, listener: Listener) -> None:
        """Let a listener have what is sent from now on."""
        self._listeners.add(listener)
        self._held[listener.account_id] += 1

    def leave(self, listener: Listener) -> None:
        """Forget a listener."""
        if listener in self._listeners:
            self._listeners.remove(listener)
            self._held[listener.account_id] -= 1

    def languages(self) -> tuple[str, ...]:
        """Return the languages that are listened in."""
        return tuple(sorted({listener.language for listener in self._listeners}))

    def send(self, data: bytes, *, language: str = "") -> None:
        """Put an encoded event before every listener, or those of a language; cut off who does not keep up."""
        for listener in tuple(self._listeners):
            if language and listener.language != language:
                continue
            try:
                listener.waiting.put_nowait(data)
            except asyncio.QueueFull:
                self.cut_off += 1
                listener.end()

    def token_hashes(self) -> list[str]:
        """Return the sessions that listen."""
        return list({listener.token_hash for listener in self._listeners})

    def end_others(self, holding: frozenset[str]) -> None:
        """End the streams of all sessions but these."""
        for listener in tuple(self._listeners):
            if listener.token_hash not in holding:
                listener.end()

    def close(self) -> None:
        """End every stream."""
        self.end_others(frozenset())


def encode_event(name: str, content: object) -> bytes:
    """Return a server-sent event; JSON keeps its content on one line."""
    return f"event: {name}\ndata: {json.dumps(content, separators=(',', ':'))}\n\n".encode()


class EventStream(Response):
    """The answer that does not end: what is broadcast, from `first` on."""

    media_type = "text/event-stream"

    def __init__(self, broadcast: Broadcast, listener: Listener, first: bytes) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._broadcast = broadcast
        self._listener = listener
        self._first = first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the browser leaves or the stream is ended."""
        del scope
        self._broadcast.join(self._listener)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": self._first, "more_body": True})
            await self._until_gone(receive, send)
            with contextlib.suppress(TimeoutError):
                # Somebody who does not read must not hold us up.
                async with asyncio.timeout(1.0):
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._broadcast.leave(self._listener)

    async def _until_gone(self, receive: Receive, send: Send) -> None:
        pump = asyncio.create_task(self._send_all(send))
        self._listener.pump = pump
        gone = asyncio.create_task(_disconnected(receive))
        try:
            await asyncio.wait({pump, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (pump, gone):
                task.cancel()
            await asyncio.gather(pump, gone, return_exceptions=True)

    async def _send_all(self, send: Send) -> None:
        while (data := await self._listener.waiting.get()) is not None:
            await send({"type": "http.response.body", "body": data, "more_body": True})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
