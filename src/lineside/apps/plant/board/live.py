"""Live updates: each is encoded once for each language, and the same bytes go to every listener (server-sent events).

They are written to all connections in one go, without waking a task for each. A listener that does not keep up is cut
off; its browser comes back by itself and gets the page as it is then.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Callable
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from lineside.adapters.http_serving import OUTLET, Outlet, as_chunk
from lineside.apps.web.language import SOURCE

_WAITING: Final = 32
"""Updates that may wait for one listener whose connection's buffer (64 KB) is full."""


class Listener:
    """One open stream: who listens in which language, where it is written to, and how far it is behind.

    ``behind`` counts the updates since its connection's buffer was filled.
    """

    __slots__ = ("_end", "_outlet", "account_id", "behind", "language", "token_hash")

    def __init__(self, account_id: str, token_hash: str, language: str = SOURCE) -> None:
        self.language: Final = language
        self.account_id: Final = account_id
        self.token_hash: Final = token_hash
        self.behind = 0
        self._outlet: Outlet | None = None
        self._end: asyncio.Timeout | None = None

    def begin(self, outlet: Outlet, end: asyncio.Timeout) -> None:
        """Take what is sent from now on; ``end`` is brought forward when the stream is ended."""
        self._outlet, self._end = outlet, end

    def take(self, data: bytes, chunk: bytes) -> bool:
        """Write an update, given bare and as a chunk; return whether the listener keeps up."""
        if self._outlet is not None:
            keeps_up = self._outlet.write(chunk if self._outlet.chunked else data)
            self.behind = 0 if keeps_up else self.behind + 1
        return self.behind <= _WAITING

    def cut_off(self) -> None:
        """End the stream at once, and drop what still waits."""
        if self._outlet is not None:
            self._outlet.abort()

    def end(self) -> None:
        """End the stream."""
        if self._end is not None and self._end.when() is None:
            self._end.reschedule(0.0)


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
        """Write an encoded event to every listener, or those of a language; cut off who does not keep up."""
        chunk = as_chunk(data)
        for listener in tuple(self._listeners):
            if language and listener.language != language:
                continue
            if not listener.take(data, chunk):
                self.cut_off += 1
                self.leave(listener)
                listener.cut_off()

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
    """The answer that does not end: ``first`` as of the moment in which it begins, then what is broadcast."""

    media_type = "text/event-stream"

    def __init__(self, broadcast: Broadcast, listener: Listener, first: Callable[[], bytes]) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._broadcast = broadcast
        self._listener = listener
        self._first = first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the browser leaves or the stream is ended."""
        outlet: Outlet = scope["extensions"][OUTLET]
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        if scope["method"] != "HEAD":
            await self._until_gone(outlet, receive)
        try:
            async with asyncio.timeout(1.0):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            # Somebody who does not read must not hold us up.
            outlet.abort()
            await _disconnected(receive)

    async def _until_gone(self, outlet: Outlet, receive: Receive) -> None:
        """Be among the listeners; nothing is sent between the making of the first event and the joining."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None) as end:
                self._listener.begin(outlet, end)
                self._broadcast.join(self._listener)
                try:
                    first = self._first()
                    self._listener.take(first, as_chunk(first))
                    await _disconnected(receive)
                finally:
                    self._broadcast.leave(self._listener)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
