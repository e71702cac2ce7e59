"""The vacuum unit: an edge node of Sparkplug B at the machine side's broker, whose network can be cut.

It says its births again when it is asked to. What it measures while it is cut off it keeps, and sends as historical
once it is back; the broker says meanwhile, by its will, that it has died.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import islice
from typing import Final

import aiomqtt

from lineside.adapters.sparkplug import edge_node
from lineside.adapters.sparkplug.edge_node import EdgeNode, Offer, Value
from lineside.apps.demo.line import Said
from lineside.apps.link import Link

GROUP: Final = "north_works"
EDGE: Final = "dc_07"
DEVICE: Final = "vacuum_unit"
METRICS: Final = {"vacuum_pressure": Offer(name="Cavity/Pressure", unit="mbar", low=0.0, high=1100.0)}
"""What it measures, by the plan's signal."""
_KEPT: Final = 20_000
_AT_ONCE: Final = 50
_AGAIN: Final = 0.5


class VacuumUnit:
    """Says the vacuum's readings; ``now`` gives the time of births (UTC ns)."""

    def __init__(self, port: int, username: str, password: str, now: Callable[[], int]) -> None:
        """Store where the broker is (on loopback) and who we are there."""
        self._login = (username, password)
        self._now = now
        self._network = Link("127.0.0.1", port)
        self._node = EdgeNode(GROUP, EDGE, DEVICE, tuple(METRICS.values()))
        self._waiting: deque[Value] = deque(maxlen=_KEPT)
        self._news = asyncio.Event()
        self._turn = asyncio.Lock()
        self._online = False

    @property
    def is_cut(self) -> bool:
        """Whether its network is cut."""
        return self._network.is_cut

    def cut(self) -> None:
        """Cut its network: the broker notices, and publishes its will."""
        self._network.cut()

    def mend(self) -> None:
        """Give it its network back."""
        self._network.mend()

    def say(self, readings: Iterable[Said]) -> None:
        """Queue the vacuum's readings among these for publishing."""
        for reading in readings:
            metric = METRICS.get(reading.signal)
            if metric is not None:
                historical = self.is_cut or not self._online
                self._waiting.append(Value(metric.name, reading.time, reading.value, historical))
                self._news.set()

    async def run(self) -> None:
        """Publish for ever, connecting again whenever that is possible."""
        logging.getLogger("mqtt").setLevel(logging.CRITICAL)  # it complains of every cut, which is meant
        await self._network.start()
        try:
            while True:
                with contextlib.suppress(aiomqtt.MqttError):
                    await self._be_online()
                self._online = False
                await asyncio.sleep(_AGAIN)
        finally:
            await self._network.stop()

    async def _be_online(self) -> None:
        username, password = self._login
        will = self._node.connect()
        async with aiomqtt.Client(
            "127.0.0.1",
            self._network.port,
            username=username,
            password=password,
            identifier="dc07-vacuum",
            will=aiomqtt.Will(will.topic, will.payload, qos=1),
        ) as client:
            await client.subscribe(self._node.topic("NCMD"), qos=1)
            await self._be_born(client)
            self._waiting = deque((replace(item, historical=True) for item in self._waiting), maxlen=_KEPT)
            self._online = True
            publishing = asyncio.create_task(self._publish(client))
            try:
                await self._listen(client)
            finally:
                publishing.cancel()
                await asyncio.gather(publishing, return_exceptions=True)

    async def _be_born(self, client: aiomqtt.Client) -> None:
        async with self._turn:
            for message in self._node.births(self._now()):
                await client.publish(message.topic, message.payload)

    async def _listen(self, client: aiomqtt.Client) -> None:
        """Answer commands until the connection is lost; that is raised here."""
        async for message in client.messages:
            if edge_node.is_rebirth_request(message.payload):
                await self._be_born(client)

    async def _publish(self, client: aiomqtt.Client) -> None:
        while True:
            while self._waiting:
                values = tuple(islice(self._waiting, _AT_ONCE))
                async with self._turn:
                    message = self._node.data(values)
                    await client.publish(message.topic, message.payload)
                for _ in values:
                    self._waiting.popleft()
            self._news.clear()
            await self._news.wait()
