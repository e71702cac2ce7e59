"""One connection to an MQTT broker: paho on the running event loop, with acknowledgement by hand.

The library's own thread would hand every message from one thread to another; here its socket is watched by the
event loop, and its callbacks run there.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from lineside.domain.errors import ConfigurationError

_MISC_INTERVAL: Final = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Broker:
    """Where the broker is and who connects; ``keep_alive`` in seconds; ``forget`` ends the session with it."""

    host: str
    port: int
    client_id: str
    tls: bool = False
    authority: Path | None = None
    username: str = ""
    password: str = ""
    keep_alive: int = 10
    timeout: float = 5.0
    forget: bool = False


class Connection:
    """A connection to a broker; QoS 1, a session that outlives it, and no automatic acknowledgement."""

    def __init__(self, broker: Broker, receive: Callable[[MQTTMessage], None]) -> None:
        self._broker = broker
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._connected: asyncio.Future[None] = self._loop.create_future()
        self._lost: asyncio.Future[str] = self._loop.create_future()
        self._subscribed: dict[int, asyncio.Future[list[bool]]] = {}
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=broker.client_id,
            clean_session=broker.forget,
            protocol=MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        self._misc: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect.

        Raises:
            ConnectionError: the broker does not answer, or refuses.
            ConfigurationError: the certificate authority's file cannot be used.
        """
        client, broker = self._client, self._broker
        client.connect_timeout = broker.timeout
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = lambda _client, _data, message: self._receive(message)
        client.on_socket_open = self._on_socket_open
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = self._on_register_write
        client.on_socket_unregister_write = self._on_unregister_write
        self._secure()
        try:
            async with asyncio.timeout(2 * broker.timeout):
                await asyncio.to_thread(client.connect, broker.host, broker.port, broker.keep_alive)
                self._misc = asyncio.create_task(self._keep_alive())
                await self._connected
        except (OSError, ValueError, TimeoutError) as error:
            raise ConnectionError(f"{broker.host}:{broker.port}: {str(error) or 'no answer in time'}") from error

    async def subscribe(self, topics: Sequence[str]) -> list[str]:
        """Subscribe with QoS 1 and return the topics that the broker refuses.

        Raises:
            ConnectionError: it does not answer.
        """
        code, number = self._client.subscribe([(topic, 1) for topic in topics])
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS or number is None:
            raise ConnectionError(f"cannot subscribe: {code.name}")
        answer = self._subscribed.setdefault(number, self._loop.create_future())
        try:
            granted = await asyncio.wait_for(answer, self._broker.timeout)
        except TimeoutError as error:
            raise ConnectionError("the broker does not answer a subscription") from error
        return [topic for topic, good in zip(topics, granted, strict=False) if not good]

    async def lost(self) -> None:
        """Wait until the connection is lost.

        Raises:
            ConnectionError: it was.
        """
        raise ConnectionError(await asyncio.shield(self._lost))

    def acknowledge(self, number: int) -> None:
        """Tell the broker that the message of that number need not be sent again."""
        self._client.ack(number, 1)

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

    def _secure(self) -> None:
        if self._broker.username:
            self._client.username_pw_set(self._broker.username, self._broker.password)
        if not self._broker.tls:
            return
        try:
            self._client.tls_set_context(ssl.create_default_context(cafile=self._broker.authority))
        except OSError as error:
            raise ConfigurationError(
                "the certificate authority's file cannot be used", value=str(self._broker.authority)
            ) from error

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
            self._connected.set_exception(ConnectionRefusedError(f"the broker refuses: {code}"))
        else:
            self._connected.set_result(None)

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, code: Any, _properties: Any) -> None:
        if not self._connected.done():
            self._connected.set_exception(ConnectionResetError(f"the connection ended: {code}"))
        if not self._lost.done():
            self._lost.set_result(f"the connection ended: {code}")

    def _on_subscribe(self, _client: Client, _data: Any, number: int, codes: Any, _properties: Any) -> None:
        answer = self._subscribed.setdefault(number, self._loop.create_future())
        if not answer.done():
            answer.set_result([not code.is_failure for code in codes])

    def _on_socket_open(self, client: Client, _data: Any, opened: Any) -> None:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop.call_soon_threadsafe(self._watch_readable, client, opened)

    def _on_socket_close(self, _client: Client, _data: Any, closed: Any) -> None:
        number = closed.fileno()
        if number >= 0:
            self._loop.remove_reader(number)
            self._loop.remove_writer(number)

    def _on_register_write(self, client: Client, _data: Any, opened: Any) -> None:
        self._loop.call_soon_threadsafe(self._watch_writable, client, opened)

    def _watch_readable(self, client: Client, opened: Any) -> None:
        if opened.fileno() >= 0:
            self._loop.add_reader(opened, client.loop_read)

    def _watch_writable(self, client: Client, opened: Any) -> None:
        if opened.fileno() >= 0:
            self._loop.add_writer(opened, client.loop_write)

    def _on_unregister_write(self, _client: Client, _data: Any, opened: Any) -> None:
        if opened.fileno() >= 0:
            self._loop.remove_writer(opened)
