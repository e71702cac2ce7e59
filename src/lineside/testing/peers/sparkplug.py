"""An edge node of Sparkplug B as a real peer: births with aliases, data, deaths by will, births again on request."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from typing import Any, Final

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from lineside.adapters.sparkplug.edge_node import EdgeNode, Offer, Said, Value, is_rebirth_request
from lineside.adapters.sparkplug.sparkplug_b_pb2 import Payload

METRICS: Final = (
    Offer(name="temperature", unit="degC", low=0.0, high=300.0),
    Offer(name="pressure", unit="bar"),
    Offer(name="running", type="boolean"),
    Offer(name="serial", type="string"),
)
"""Metrics of the device: the signals of `lineside.testing.plans`."""
GROUP: Final = "foundry"
EDGE: Final = "edge7"
DEVICE: Final = "press"
ADDRESSES: Final = {item.name: f"{GROUP}/{EDGE}/{DEVICE}#{item.name}" for item in METRICS}
"""Addresses of the metrics, as a plan writes them."""


@dataclass(slots=True)
class EdgePeer:
    """One edge node with one device at a broker of loopback; times are UTC nanoseconds."""

    port: int
    births: int = 0
    client: Client | None = None
    answers: bool = True
    node: EdgeNode = field(default_factory=lambda: EdgeNode(GROUP, EDGE, DEVICE, METRICS))
    _lock: threading.RLock = field(default_factory=threading.RLock)

    async def connect(self) -> None:
        """Connect with a will, and say the births; return when the broker has them."""
        will = self.node.connect()
        client = Client(CallbackAPIVersion.VERSION2, client_id=f"{EDGE}-{self.port}")
        client.will_set(will.topic, will.payload, qos=1)
        client.on_message = self._on_command
        listens = threading.Event()
        client.on_subscribe = lambda *_: listens.set()
        await asyncio.to_thread(client.connect, "127.0.0.1", self.port)
        client.loop_start()
        client.subscribe(self.node.topic("NCMD"), qos=1)
        await asyncio.to_thread(listens.wait, 10)
        self.client = client
        self.be_born()
        # What is acknowledged behind the births says that they have arrived.
        await asyncio.to_thread(client.publish("peer/here", b"", qos=1).wait_for_publish, 10)

    def be_born(self) -> None:
        """Say the births of edge node and device."""
        with self._lock:
            for message in self.node.births(1_750_000_000_000_000_000):
                self._send(message)
            self.births += 1

    def say(self, name: str, time: int, value: Any, *, historical: bool = False, quality: int | None = None) -> None:
        """Send one value of a metric by its alias."""
        with self._lock:
            self._send(self.node.data([Value(name, time, value, historical, quality)]))

    def publish(self, kind: str, payload: Payload, *, skip: int = 0) -> None:
        """Send a message with the next number of the sequence, some of which may be skipped."""
        with self._lock:
            for _ in range(skip):
                self.node.number()
            self._send(self.node.message(kind, payload))

    def lose_network(self) -> None:
        """Lose the connection without a goodbye, so that the broker publishes the will."""
        assert self.client is not None
        self.client.loop_stop()
        opened: Any = self.client.socket()
        if opened is not None:
            opened.close()
        self.client = None

    def close(self) -> None:
        """Say goodbye."""
        if self.client is not None:
            self.client.disconnect()
            self.client.loop_stop()
            self.client = None

    def _send(self, message: Said) -> None:
        assert self.client is not None
        self.client.publish(message.topic, message.payload)

    def _on_command(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        if self.answers and is_rebirth_request(bytes(message.payload)):
            self.be_born()
