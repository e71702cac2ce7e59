"""One connection to an MQTT broker, 3.1.1 or 5: paho on the running event loop, with acknowledgement by hand.

The library's own thread would hand every message from one thread to another; here its socket is watched by the
event loop, and its callbacks run there. The sources of MQTT and of Sparkplug B share this module and nothing else.

Of MQTT 5 it uses what makes a difference to a reader of a machine: the session expires only after `Broker.expiry`,
refusals are given in words, and the broker says why it ends a connection. It offers no topic aliases, so that every
message carries its topic; user properties are not looked at; a message whose expiry has passed the broker keeps.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from lineside.adapters.mqtt_packets import Packets, packets_of, read_packets
from lineside.domain.errors import ConfigurationError
from lineside.domain.units import SECOND

_MISC_INTERVAL: Final = 1.0
_READ_AT_ONCE: Final = 262_144
_PACKETS_AT_ONCE: Final = 64
"""Packets that are read one by one before the event loop sees to others."""
_PUBACK: Final = 0x40
_LONGEST_EXPIRY: Final = 0xFFFF_FFFE
_ADVICE: Final[Mapping[str, str]] = {
    "Not authorized": "let the broker permit this user, or correct user name and secret",
    "Bad user name or password": "correct user name and secret",
    "Client identifier not valid": "let the broker accept client ids of this length and form",
    "Unsupported protocol version": "set the source's 'version' to the one that the broker speaks",
    "Session taken over": "another client has the same client id: does a second gateway run this plan?",
    "Packet too large": "raise the broker's limit on the size of a message",
    "Quota exceeded": "raise the broker's limits for this user",
    "Keep alive timeout": "the network is slow or this machine is overloaded",
}
"""What to do about the reasons for which a broker refuses or ends a connection (MQTT 5, 2.4)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Will:
    """What the broker publishes, retained and with QoS 1, when the connection ends without a goodbye."""

    topic: str
    payload: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Broker:
    """Where the broker is, who connects and how.

    ``keep_alive`` and ``timeout`` in seconds, ``expiry`` (of the session, MQTT 5 alone) in nanoseconds; ``forget``
    ends the session with the connection. ``certificate`` and ``private_key`` are ours, for brokers that ask for them.
    """

    host: str
    port: int
    client_id: str
    version: str = "3.1.1"
    expiry: int = 7 * 86_400 * SECOND
    forget: bool = False
    will: Will | None = None
    tls: bool = False
    authority: Path | None = None
    certificate: Path | None = None
    private_key: Path | None = None
    username: str = ""
    password: str = ""
    keep_alive: int = 10
    timeout: float = 5.0


def place_of(url: str, field: str) -> tuple[str, int, bool]:
    """Return host, port and whether it is TLS of the address of a broker; ``field`` names it in the error.

    Raises:
        ConfigurationError: it is no address of a broker.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname or port == -1:
        raise ConfigurationError(
            "not an address of MQTT",
            field=field,
            value=url,
            next_step="write mqtt://host:port, or mqtts://host:port for TLS",
        )
    tls = parts.scheme == "mqtts"
    return parts.hostname, port or (8883 if tls else 1883), tls


class _Client(Client):
    """The library's client, which reads its socket once for many packets.

    The library asks the socket for every packet three times or more; on a quick machine that is most of its work.
    """

    _held = b""
    _at = 0

    def holds_more(self, opened: Any) -> bool:
        """Say whether there are bytes that the socket will not tell of: read already, or decrypted already."""
        return self._at < len(self._held) or (isinstance(opened, ssl.SSLSocket) and opened.pending() > 0)

    def packets(self) -> Packets | None:
        """Read, and take the messages that wait whole; None where there are none, or the library is amid a packet."""
        if self._in_packet["command"]:
            return None
        if self._at >= len(self._held):
            with contextlib.suppress(OSError):  # the library meets it too, and deals with it
                self._fill()
        found, self._at = read_packets(self._held, self._at, five=self._protocol == MQTTProtocolVersion.MQTTv5)
        return found if len(found) else None

    def acknowledge(self, numbers: Sequence[int]) -> None:
        """Tell the broker that these messages of QoS 1 need not be sent again: one write for all of them."""
        packets = np.empty((len(numbers), 2), dtype=">u2")
        packets[:, 0], packets[:, 1] = _PUBACK << 8 | 2, numbers
        self._packet_queue(_PUBACK, packets.tobytes(), 0, 1)

    def _sock_recv(self, bufsize: int) -> bytes:
        if self._at >= len(self._held):
            self._fill()
        piece = self._held[self._at : self._at + bufsize]
        self._at += len(piece)
        return piece

    def _fill(self) -> None:
        """Read what has come; the library's watch over the connection is told of it."""
        self._held, self._at = super()._sock_recv(_READ_AT_ONCE), 0
        if self._held:
            self._last_bytes_received = time.monotonic()


class Connection:
    """A connection to a broker, with no automatic acknowledgement.

    ``receive`` takes the messages that have come, one or many.
    """

    def __init__(self, broker: Broker, receive: Callable[[Packets], None]) -> None:
        self._broker = broker
        self._receive = receive
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self._connected: asyncio.Future[None] = self._loop.create_future()
        self._lost: asyncio.Future[str] = self._loop.create_future()
        self._subscribed: dict[int, asyncio.Future[list[str]]] = {}
        five = broker.version == "5"
        self._client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=broker.client_id,
            clean_session=None if five else broker.forget,
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        self._misc: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect.

        Raises:
            ConnectionError: the broker does not answer, or refuses.
            ConfigurationError: the file of the authority or of a certificate cannot be used.
        """
        client, broker = self._client, self._broker
        client.connect_timeout = broker.timeout
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = lambda _client, _data, message: self._receive(packets_of((message,)))
        client.on_socket_open = self._on_socket_open
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = self._on_register_write
        client.on_socket_unregister_write = self._on_unregister_write
        self._secure()
        if broker.will is not None:
            client.will_set(broker.will.topic, broker.will.payload, qos=1, retain=True)
        try:
            async with asyncio.timeout(2 * broker.timeout):
                await asyncio.to_thread(self._connect)
                self._misc = asyncio.create_task(self._keep_alive())
                await self._connected
        except (OSError, ValueError, TimeoutError) as error:
            raise ConnectionError(f"{broker.host}:{broker.port}: {str(error) or 'no answer in time'}") from error

    async def subscribe(self, topics: Sequence[str], qos: int = 1) -> dict[str, str]:
        """Subscribe, and return the topics that the broker refuses, with its reason.

        Raises:
            ConnectionError: it does not answer.
        """
        code, number = self._client.subscribe([(topic, qos) for topic in topics])
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS or number is None:
            raise ConnectionError(f"cannot subscribe: {code.name}")
        answer = self._subscribed.setdefault(number, self._loop.create_future())
        try:
            granted = await asyncio.wait_for(answer, self._broker.timeout)
        except TimeoutError as error:
            raise ConnectionError("the broker does not answer a subscription") from error
        return {topic: why for topic, why in zip(topics, granted, strict=False) if why}

    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> None:
        """Send a message; whether it arrives is not waited for."""
        self._client.publish(topic, payload, qos=qos, retain=retain)

    async def lost(self) -> None:
        """Wait until the connection is lost.

        Raises:
            ConnectionError: it was.
        """
        raise ConnectionError(await asyncio.shield(self._lost))

    def acknowledge(self, numbers: Sequence[int]) -> None:
        """Tell the broker that the messages of these numbers need not be sent again."""
        if numbers:
            self._client.acknowledge(numbers)

    async def close(self) -> None:
        """Let go of the connection; the broker keeps the session."""
        if self._misc is not None:
            self._misc.cancel()
        self._client.disconnect()
        self._client.loop_write()
        watched = self._client.socket()
        if watched is not None:
            self._loop.remove_reader(watched)
            self._loop.remove_writer(watched)
            watched.close()
        waited: list[asyncio.Future[Any]] = [self._connected, self._lost, *self._subscribed.values()]
        for future in waited:
            if future.done() and not future.cancelled():
                future.exception()
            future.cancel()

    def _connect(self) -> None:
        broker = self._broker
        if broker.version != "5":
            self._client.connect(broker.host, broker.port, broker.keep_alive)
            return
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 0 if broker.forget else min(broker.expiry // SECOND, _LONGEST_EXPIRY)
        self._client.connect(
            broker.host, broker.port, broker.keep_alive, clean_start=broker.forget, properties=properties
        )

    def _secure(self) -> None:
        broker = self._broker
        if broker.username:
            self._client.username_pw_set(broker.username, broker.password)
        if broker.tls:
            self._client.tls_set_context(_context(broker))

    async def _keep_alive(self) -> None:
        while True:
            if self._client.loop_misc() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return
            await asyncio.sleep(_MISC_INTERVAL)

    # -- callbacks of the library; those of the socket may come from the thread that connects ---------------

    def _on_connect(self, _client: Client, _data: Any, _flags: Any, code: Any, _properties: Any) -> None:
        if self._connected.done():
            return
        if code.is_failure:
            self._connected.set_exception(ConnectionRefusedError(f"the broker refuses: {_said(code)}"))
        else:
            self._connected.set_result(None)

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, code: Any, _properties: Any) -> None:
        if not self._connected.done():
            self._connected.set_exception(ConnectionResetError(f"the connection ended: {_said(code)}"))
        if not self._lost.done():
            self._lost.set_result(f"the connection ended: {_said(code)}")

    def _on_subscribe(self, _client: Client, _data: Any, number: int, codes: Any, _properties: Any) -> None:
        answer = self._subscribed.setdefault(number, self._loop.create_future())
        if not answer.done():
            answer.set_result([_said(code) if code.is_failure else "" for code in codes])

    def _on_socket_open(self, _client: Client, _data: Any, opened: Any) -> None:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop.call_soon_threadsafe(self._watch_readable, opened)

    def _on_socket_close(self, _client: Client, _data: Any, closed: Any) -> None:
        number = closed.fileno()
        if number >= 0:
            self._loop.remove_reader(number)
            self._loop.remove_writer(number)

    def _on_register_write(self, client: Client, _data: Any, opened: Any) -> None:
        """Watch for room to write; where nothing but the loop's own thread asks, without waking it."""
        if threading.get_ident() == self._thread:
            self._watch_writable(client, opened)
        else:
            self._loop.call_soon_threadsafe(self._watch_writable, client, opened)

    def _watch_readable(self, opened: Any) -> None:
        if opened.fileno() >= 0:
            self._loop.add_reader(opened, self._read, opened)

    def _read(self, opened: Any) -> None:
        """Read what has come, so many packets at once; what is left over, no event of the socket would tell of."""
        for _ in range(_PACKETS_AT_ONCE):
            if (found := self._client.packets()) is not None:
                self._receive(found)
                break
            self._client.loop_read()
            if opened.fileno() < 0 or not self._client.holds_more(opened):
                return
        if opened.fileno() >= 0 and self._client.holds_more(opened):
            self._loop.call_soon(self._read, opened)

    def _watch_writable(self, client: Client, opened: Any) -> None:
        if opened.fileno() >= 0:
            self._loop.add_writer(opened, client.loop_write)

    def _on_unregister_write(self, _client: Client, _data: Any, opened: Any) -> None:
        if opened.fileno() >= 0:
            self._loop.remove_writer(opened)


def _context(broker: Broker) -> ssl.SSLContext:
    """Return how TLS is done with a broker.

    Raises:
        ConfigurationError: a file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=broker.authority)
    except OSError as error:
        raise ConfigurationError(
            "the certificate authority's file cannot be used", value=str(broker.authority)
        ) from error
    if broker.certificate is None:
        return context
    try:
        context.load_cert_chain(broker.certificate, broker.private_key)
    except OSError as error:
        raise ConfigurationError(
            "the certificate or its private key cannot be used",
            value=f"{broker.certificate}, {broker.private_key}",
            next_step="give both as PEM files that belong together",
        ) from error
    return context


def _said(code: Any) -> str:
    """Return a reason code in words, with what to do about it where that is known."""
    text = str(code)
    advice = _ADVICE.get(text)
    return f"{text}; {advice}" if advice else text
