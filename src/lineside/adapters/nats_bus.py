"""The bus over NATS (core NATS: requests and messages, no streams).

Nothing here is durable and nothing needs to be: what must not be lost is requested again until it is answered.
The connection is made in the background and made anew for ever, so that a gateway starts and judges without it.
While it is down, requests fail at once instead of piling up in the client's buffer.

Each connection is a new client, given up whole at the first sign of trouble: the library's own reconnection can
end half-way, connected to nothing. A ping every few seconds finds links that are open at this end only.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from lineside.domain.errors import ConfigurationError, DataError, UnavailableError

_RETRY_SECONDS: Final = 0.25
_REFUSED_SECONDS: Final = 2.0
"""Who is not let in may be tomorrow, after an enrolment; asking more often would only load the server."""
_REFUSED: Final = "authorization violation"
_CONNECT_SECONDS: Final = 5.0
_PING_EVERY: Final = 3.0
_PONG_SECONDS: Final = 5.0
_CLOSE_SECONDS: Final = 1.0
_MOST_AT_ONCE: Final = 256
_BUFFER_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class NatsAddress:
    """Where a NATS server is and who we are there; printing one shows no secret.

    Who we are: ``user`` and ``password``, or an NKey ``seed``, itself or the file that holds it (which is read for
    each connection, so that a rotated key is taken up). ``inbox`` is the prefix of the subjects at which answers come.
    ``tls://`` means TLS before the first byte, with a certificate of ``authority`` (PEM; empty: one of the system's);
    ``nats://`` is plain, and only for loopback, unless ``lab`` says that the network between is nobody else's.
    ``reach`` is the address at which gateways reach the same server from elsewhere; empty where they cannot.
    """

    url: str
    user: str = ""
    password: str = ""
    seed: str | Path = ""
    inbox: str = ""
    authority: bytes = b""
    lab: bool = False
    reach: str = ""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"nats", "tls"} or not parts.hostname:
            raise ConfigurationError(
                "not the address of a NATS server",
                field="url",
                value=self.url,
                choices=("tls://host:port", "nats://127.0.0.1:port"),
            )
        if parts.username or parts.password:
            raise ConfigurationError("an address must not carry a password", field="url", value=parts.hostname)
        if parts.scheme == "nats" and not self.lab and not is_loopback(parts.hostname):
            raise ConfigurationError(
                "a connection without TLS that leaves the machine",
                field="url",
                value=self.url,
                next_step="use tls://, or say by --plain-lab that everybody on that network may read and write",
            )

    def __repr__(self) -> str:
        """Return the address without password and seed."""
        return f"NatsAddress(url={self.url!r}, user={self.user!r})"


def is_loopback(host: str) -> bool:
    """Return whether a host name or address never leaves this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def connect_options(address: NatsAddress) -> dict[str, Any]:
    """Return what the client must be told to be at an address who we are.

    Raises:
        ConfigurationError: the authority is no certificate.
    """
    options: dict[str, Any] = {"servers": address.url}
    if address.user:
        options |= {"user": address.user, "password": address.password}
    if address.seed:
        kind = "nkeys_seed" if isinstance(address.seed, Path) else "nkeys_seed_str"
        options[kind] = str(address.seed)
    if address.inbox:
        options["inbox_prefix"] = address.inbox
    if address.url.startswith("tls:"):
        # First TLS, then NATS: else whoever sits between could answer that there is no TLS here.
        options |= {"tls": _trusting(address.authority), "tls_handshake_first": True}
    return options


def _trusting(authority: bytes) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=authority.decode("ascii") if authority else None)
    except (ssl.SSLError, ValueError) as error:
        raise ConfigurationError("the authority is no certificate", field="authority") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@dataclass(frozen=True, slots=True)
class _Subscription:
    subject: str
    queue: str
    handler: Callable[[Msg], Awaitable[None]]


class NatsBus:
    """`lineside.ports.Bus` over one NATS connection; make one with `open`."""

    def __init__(self, address: NatsAddress, name: str) -> None:
        self._address = address
        self._name = name
        self._client: Client | None = None
        self._subscriptions: list[_Subscription] = []
        self._keeper: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(_MOST_AT_ONCE)
        self._problem = "not connected yet"
        self._refused = False

    @classmethod
    async def open(cls, address: NatsAddress, *, name: str, within: float = 0.0) -> NatsBus:
        """Begin to connect, waiting at most ``within`` seconds for it; the bus is usable in any case."""
        logging.getLogger("asyncio").addFilter(_says_something)
        bus = cls(address, name)
        bus._keeper = asyncio.create_task(bus._keep_connected(), name=f"nats {name}")
        await bus.connected(within)
        return bus

    @property
    def is_connected(self) -> bool:
        """Whether the server can be reached now."""
        return self._client is not None and bool(self._client.is_connected)

    @property
    def problem(self) -> str:
        """What the client last complained of; for people to read."""
        return self._problem

    async def connected(self, within: float) -> bool:
        """Wait until the server can be reached, at most ``within`` seconds; return whether it can."""
        deadline = asyncio.get_running_loop().time() + within
        while not self.is_connected and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - the client tells only of later ones
            await asyncio.sleep(0.02)
        return self.is_connected

    async def request(self, subject: str, data: bytes, within: float) -> bytes:
        """Send a request and return its reply; ``within`` in seconds.

        Raises:
            UnavailableError: nobody listens, or no reply came in time.
            DataError: the server takes no message of that size: sending it again is of no use.
        """
        client = self._usable(data)
        try:
            reply = await client.request(subject, data, timeout=within)
        except errors.NoRespondersError as error:
            raise UnavailableError("nobody answers requests", field="subject", value=subject) from error
        except Exception as error:  # a client that is being closed fails in ways of its own
            problem = str(error) or type(error).__name__
            raise UnavailableError(f"no reply: {problem}", field="subject", value=subject) from error
        return bytes(reply.data)

    async def publish(self, subject: str, data: bytes) -> None:
        """Send a message that nobody waits for.

        Raises:
            UnavailableError: it was not sent.
            DataError: it is larger than the server takes.
        """
        client = self._usable(data)
        try:
            await client.publish(subject, data)
        except Exception as error:  # a client that is being closed fails in ways of its own
            raise UnavailableError(f"not sent: {error}", field="subject", value=subject) from error

    async def serve(self, subject: str, handler: Callable[[bytes], Awaitable[bytes]], queue: str) -> None:
        """Answer the requests of a subject, many at a time, sharing them with all others of the queue group.

        A handler that raises gives no answer: the other side sends again.
        """

        async def of_any(_: str, data: bytes) -> bytes:
            return await handler(data)

        await self.serve_each(subject, of_any, queue)

    async def serve_each(self, pattern: str, handler: Callable[[str, bytes], Awaitable[bytes]], queue: str) -> None:
        """Answer the requests of every subject of a pattern as `serve` does; the handler is told the subject."""

        async def answer(message: Msg) -> None:
            reply = await handler(message.subject, message.data)
            if message.reply:
                with contextlib.suppress(UnavailableError):  # whoever asked will ask again
                    await self.publish(message.reply, reply)

        async def begin(message: Msg) -> None:
            await self._slots.acquire()
            task = asyncio.create_task(answer(message))
            self._tasks.add(task)
            task.add_done_callback(self._finished)

        await self._subscribe(_Subscription(pattern, queue, begin))

    async def subscribe(self, subject: str, handler: Callable[[str, bytes], Awaitable[None]]) -> None:
        """Hand every message of a subject (wildcards as in NATS) to the handler, with its subject."""

        async def hand_over(message: Msg) -> None:
            await handler(message.subject, message.data)

        await self._subscribe(_Subscription(subject, "", hand_over))

    async def close(self) -> None:
        """Close the connection; may be called more than once."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _usable(self, data: bytes) -> Client:
        """Return the client of a standing connection, for a message that it can carry."""
        client = self._client
        if client is None or not client.is_connected:
            raise UnavailableError(
                f"no connection: {self._problem}", field="url", value=self._address.url, next_step="it is tried again"
            )
        if len(data) > client.max_payload:
            raise DataError(
                f"the server takes at most {client.max_payload} bytes a message", field="length", value=len(data)
            )
        return client

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._slots.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._problem = f"a request was not answered: {error}"

    async def _subscribe(self, subscription: _Subscription) -> None:
        self._subscriptions.append(subscription)
        client = self._client
        if client is not None and client.is_connected:
            try:
                await _apply(client, subscription)
            except (errors.Error, TimeoutError, OSError) as error:
                # The next connection has it from the list.
                self._problem = f"{subscription.subject}: {error}"

    async def _keep_connected(self) -> None:
        """Connect, watch the connection, and begin again with a new client when it fails in any way."""
        while True:
            client, ended = Client(), asyncio.Event()
            self._refused = False
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    await self._connect(client, ended)
                await _watch(client, ended)
            except Exception as error:  # noqa: BLE001 - whatever a client fails with, the next one may do better
                if not self._refused:  # then the broken connection only follows from what was said before
                    self._problem = str(error) or type(error).__name__
            finally:
                self._client = None
                await _give_up(client)
            await asyncio.sleep(_REFUSED_SECONDS if self._refused else _RETRY_SECONDS)

    async def _connect(self, client: Client, ended: asyncio.Event) -> None:
        async def end() -> None:
            ended.set()

        await client.connect(
            name=self._name,
            allow_reconnect=False,
            reconnect_time_wait=_RETRY_SECONDS,  # type: ignore[arg-type]  # a fraction of a second is waited as such
            pending_size=_BUFFER_BYTES,
            error_cb=self._complain,
            closed_cb=end,
            disconnected_cb=end,
            **connect_options(self._address),
        )
        for subscription in self._subscriptions:  # grows, if one is added meanwhile
            await _apply(client, subscription)
        self._client = client

    async def _complain(self, error: Exception) -> None:
        if self._refused:
            return  # what comes after is only that the connection is gone
        self._refused = isinstance(error, errors.AuthorizationError) or _REFUSED in str(error).lower()
        self._problem = str(error) or type(error).__name__


def _says_something(record: logging.LogRecord) -> bool:
    """Drop what asyncio warns of at each end of a connection over TLS because of how the client reads."""
    return "eof_received" not in str(record.msg)


async def _apply(client: Client, subscription: _Subscription) -> None:
    await client.subscribe(subscription.subject, queue=subscription.queue, cb=subscription.handler)
    await client.flush(timeout=int(_CONNECT_SECONDS))


async def _watch(client: Client, ended: asyncio.Event) -> None:
    """Return when a connection has ended; raise when it no longer answers."""
    while not ended.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PING_EVERY):
                await ended.wait()
        if not ended.is_set():
            await client.flush(timeout=int(_PONG_SECONDS))


async def _give_up(client: Client) -> None:
    """Close a client, but wait no longer for that than it is worth."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await client.close()
