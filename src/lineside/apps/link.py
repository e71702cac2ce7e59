"""A link that can be cut: a TCP relay between the gateway and the plant's transport.

It can break, as when a switch refuses, and it can hang, as when a cable is pulled: connections stay open and
nothing passes, and once it is mended what waited goes on.
"""

from __future__ import annotations

import asyncio
import contextlib

_CHUNK = 65_536


class Link:
    """Relays connections to ``host:port`` from a port of loopback, unless it is cut."""

    def __init__(self, host: str, port: int, listen: int = 0) -> None:
        """Store where to relay to, and the port to listen on (0: any free one)."""
        self._target = (host, port)
        self._listen = listen
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._relays: set[asyncio.Task[None]] = set()
        self._cut = False
        self._flows = asyncio.Event()
        self._flows.set()

    @property
    def port(self) -> int:
        """The port that it listens on, once started."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def lead_to(self, host: str, port: int) -> None:
        """Relay new connections to another address."""
        self._target = (host, port)

    @property
    def is_cut(self) -> bool:
        """Whether it is cut or hangs."""
        return self._cut or not self._flows.is_set()

    async def start(self) -> None:
        """Begin to relay."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._listen)

    async def stop(self) -> None:
        """Close it and every connection through it."""
        if self._server is not None:
            self._server.close()
        self._abort()
        for relay in self._relays:
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)

    def cut(self) -> None:
        """Cut it: connections break and new ones are refused, until it is mended."""
        self._cut = True
        self._abort()

    def hang(self) -> None:
        """Let nothing through and say nothing: open connections stay open, new ones open and stay silent."""
        self._flows.clear()

    def mend(self) -> None:
        """Let connections through again."""
        self._cut = False
        self._flows.set()

    def _abort(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        relay = asyncio.create_task(self._relay(reader, writer))
        self._relays.add(relay)
        relay.add_done_callback(self._relays.discard)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        self._writers.add(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            self._writers.discard(writer)
            return
        self._writers.add(far_writer)
        try:
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        finally:
            self._writers -= {writer, far_writer}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry bytes one way until that side ends, then end the other side."""
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        writer.close()
