"""Serving pages with uvicorn, in the caller's event loop.

Uvicorn alone waits for ever for a request that does not end; here a connection whose request has not arrived in full
within 15 s is closed.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from lineside.domain.errors import ConfigurationError

RECEIPT: Final = 14.5
"""Seconds within which a request must be here in full: cut within 15 s, on a busy machine too."""
OUTLET: Final = "lineside.outlet"
"""The extension of a request's scope that holds its `Outlet`."""
_MOST_CONNECTIONS: Final = 12_000
_GRACE: Final = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class TlsFiles:
    """Certificate chain and private key, PEM."""

    certificate: Path
    key: Path


class Outlet:
    """Where an answer that does not end is written at once, past the layers that send a piece of one answer.

    It may be used between the answer's beginning and its end, which both go the usual way. ``chunked`` says that what
    is written must be a chunk (`as_chunk`), as HTTP/1.1 wants it, and not the bare bytes.
    """

    __slots__ = ("_flow", "_transport", "chunked")

    def __init__(self, transport: asyncio.Transport, flow: FlowControl, *, chunked: bool) -> None:
        self._transport = transport
        self._flow = flow
        self.chunked = chunked

    def write(self, data: bytes) -> bool:
        """Write without waiting; return whether the connection keeps up, False where its buffer has been filled."""
        if self._transport.is_closing():
            return True
        self._transport.write(data)
        return not self._flow.write_paused

    def abort(self) -> None:
        """Close the connection and drop what waits in its buffer."""
        self._transport.abort()


def as_chunk(data: bytes) -> bytes:
    """Return data that is not empty as a chunk of an answer (RFC 9112, 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class DeadlineProtocol(H11Protocol):
    """HTTP/1.1 with a deadline for each request: from its first byte (or the connection's start) to its last.

    Each request brings its `Outlet` along.
    """

    deadline: float = RECEIPT
    _alarm: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._alarm = self.loop.call_later(self.deadline, self._expire)

    def data_received(self, data: bytes) -> None:
        """Take in bytes; the deadline ends with a whole request and begins with the next one's first byte."""
        super().data_received(data)
        if self._is_whole():
            self._disarm()
        elif self._alarm is None:
            self._alarm = self.loop.call_later(self.deadline, self._expire)

    def handle_events(self) -> None:
        """Answer what has arrived, with an outlet for who wants one."""
        super().handle_events()
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_started:
            chunked = cycle.scope["http_version"] == "1.1"
            cycle.scope["extensions"] = {OUTLET: Outlet(self.transport, self.flow, chunked=chunked)}  # type: ignore[dict-item]

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._disarm()
        super().connection_lost(exc)

    def _is_whole(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.more_body

    def _disarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _expire(self) -> None:
        self._alarm = None
        if not self.transport.is_closing():
            self.transport.abort()


class _Server(uvicorn.Server):
    """A server that leaves signals to its caller and ends what never ends before it waits for anybody."""

    def __init__(self, config: uvicorn.Config, before_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._before_stop = before_stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End live streams, then stop as uvicorn does."""
        self._before_stop()
        await super().shutdown(sockets)


async def serve_pages(
    app: Starlette,
    *,
    host: str,
    port: int,
    stop: asyncio.Event,
    tls: TlsFiles | None = None,
    ready: Callable[[int], None] | None = None,
    deadline: float = RECEIPT,
    before_stop: Callable[[], None] = lambda: None,
) -> None:
    """Serve an application until ``stop`` is set.

    Args:
        app: the pages.
        host: name or address to listen at.
        port: port to listen at, 0 for any that is free.
        stop: ends it.
        tls: serve HTTPS with these files.
        ready: called with the port once requests are answered.
        deadline: seconds within which a request must have arrived in full.
        before_stop: ends live streams when the server stops, so that stopping is quick.

    Raises:
        ConfigurationError: the address cannot be listened at.
    """
    listener = _listen(host, port)
    server = _Server(_config(app, tls, deadline), before_stop)
    running = asyncio.create_task(server._serve([listener]))  # noqa: SLF001 - `serve` would take over the signals
    stopping = asyncio.create_task(stop.wait())
    try:
        while not server.started and not running.done():  # noqa: ASYNC110 - uvicorn tells nobody when it has started
            await asyncio.sleep(0.01)
        if ready is not None and server.started:
            ready(listener.getsockname()[1])
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        server.should_exit = True
        stopping.cancel()
        await running


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"cannot listen there: {error.strerror}",
            field="port",
            value=f"{host}:{port}",
            next_step="choose another port, or end what listens there",
        ) from error
    return listener


def _config(app: Starlette, tls: TlsFiles | None, deadline: float) -> uvicorn.Config:
    protocol: type[Any] = type("Protocol", (DeadlineProtocol,), {"deadline": deadline})
    return uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        loop="none",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,  # addresses of one-time codes must not be logged
        proxy_headers=False,
        server_header=False,
        date_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=20,
        timeout_graceful_shutdown=_GRACE,
        h11_max_incomplete_event_size=32_768,
        ssl_certfile=None if tls is None else tls.certificate,
        ssl_keyfile=None if tls is None else tls.key,
    )
