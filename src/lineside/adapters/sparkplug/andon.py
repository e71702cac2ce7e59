"""What an HMI or a stack light subscribes to: metrics of a line's stations, as an edge node of Sparkplug B.

The node is born with all values, says what has changed and nothing else, is born again when a host asks, and dies by
its will or, when the plant is stopped, by its own word. It hears that one request and no other command: nothing here
writes to a machine, and nothing that is heard changes the plant.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import aiomqtt

from lineside.adapters.sparkplug.edge_node import EdgeNode, Value, is_rebirth_request
from lineside.domain.errors import ConfigurationError
from lineside.domain.notifying.andon import AndonNode
from lineside.domain.said import say
from lineside.ports import Clock

Values = Mapping[str, bool | str]
_LOOK: Final = 1.0
_TIMEOUT: Final = 5.0
_KEEP_ALIVE: Final = 10


@dataclass(kw_only=True, slots=True)
class SparkplugAndon:
    """Keeps an edge node connected and its metrics as they are.

    Args:
        place: the broker and the names of the node.
        node: numbers its messages; its metrics are the keys of what ``values`` gives.
        values: gives the value of every metric by now.
        address: gives the address that the broker is connected to without TLS, or refuses it.
        password: gives the password.
        clock: the time of the metrics.
        retry: seconds until the broker is tried again.
        say: is told what keeps the node from its broker, and with no words when nothing does any more.
    """

    place: AndonNode
    node: EdgeNode
    values: Callable[[], Values]
    address: Callable[[], Awaitable[str]]
    password: Callable[[], str]
    clock: Clock
    retry: float = 5.0
    say: Callable[[str], None] = field(default=lambda _: None)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    _trouble: str = ""
    _told: dict[str, bool | str] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self) -> None:
        """Stay connected until cancelled; what goes wrong is said, and tried again."""
        while True:
            try:
                await self._session()
            except ConfigurationError as error:
                self._say(str(error))
            except (aiomqtt.MqttError, OSError, TimeoutError):
                self._say(say("the broker cannot be reached"))
            await asyncio.sleep(self.retry)

    async def _session(self) -> None:
        will, place = self.node.connect(), self.place
        address = await self.address()
        client = aiomqtt.Client(
            # TLS checks the certificate against the name, so the name is connected to; in plain, the address.
            place.host if place.tls else address,
            place.port,
            username=place.user or None,
            password=self.password() or None,
            identifier=f"lineside-{place.group}-{place.edge}"[:23],
            will=aiomqtt.Will(will.topic, will.payload, qos=1),
            keepalive=_KEEP_ALIVE,
            timeout=_TIMEOUT,
            tls_context=ssl.create_default_context(cafile=place.authority or None) if place.tls else None,
        )
        async with client:
            await client.subscribe(self.node.topic("NCMD"), qos=1)
            await self._be_born(client)
            self._say("")
            listening = asyncio.create_task(self._listen(client), name="andon commands")
            try:
                while not listening.done():
                    await self._tell(client)
                    await self._wait(listening)
                await listening
            finally:
                listening.cancel()
                with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
                    await client.publish(will.topic, will.payload, qos=1)

    def _say(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            self.say(trouble)

    async def _wait(self, listening: asyncio.Task[None]) -> None:
        waker = asyncio.create_task(self.changed.wait())
        await asyncio.wait((waker, listening), timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED)
        waker.cancel()
        self.changed.clear()

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            if is_rebirth_request(bytes(message.payload)):
                await self._be_born(client)

    async def _be_born(self, client: aiomqtt.Client) -> None:
        async with self._turn:  # nothing is said between the births of node and device
            now = self.clock.now()
            self._told = dict(self.values())
            self.node.remember(Value(name, now, value) for name, value in self._told.items())
            for said in self.node.births(now):
                await client.publish(said.topic, said.payload)

    async def _tell(self, client: aiomqtt.Client) -> None:
        async with self._turn:
            now, values = self.clock.now(), self.values()
            news = [Value(name, now, value) for name, value in values.items() if self._told.get(name) != value]
            if news:
                self._told = dict(values)
                said = self.node.data(news)
                await client.publish(said.topic, said.payload)
