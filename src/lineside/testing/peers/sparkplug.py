"""An edge node of Sparkplug B as a real peer: births with aliases, data, deaths by will, births again on request."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from lineside.adapters.sparkplug.payloads import NAMESPACE, REBIRTH, SESSION
from lineside.adapters.sparkplug.sparkplug_b_pb2 import Metric, Payload

TYPES: Final = {"double": (10, "double_value"), "boolean": (11, "boolean_value"), "string": (12, "string_value")}
"""Number of a data type, and the field that carries its values, by its name here."""
METRICS: Final[Mapping[str, str]] = {
    "temperature": "double",
    "pressure": "double",
    "running": "boolean",
    "serial": "string",
}
"""Metrics of the device, with their types: the signals of `lineside.testing.plans`."""
GROUP: Final = "foundry"
EDGE: Final = "edge7"
DEVICE: Final = "press"
ADDRESSES: Final = {name: f"{GROUP}/{EDGE}/{DEVICE}#{name}" for name in METRICS}
"""Addresses of the metrics, as a plan writes them."""


def fill(metric: Metric, kind: str, value: object) -> None:
    """Give a metric a value of a type; a value that is not of that type travels as what it is."""
    number, name = TYPES[kind]
    if isinstance(value, str) and kind != "string":
        number, name = TYPES["string"]
    metric.datatype = number
    setattr(metric, name, value)


@dataclass(slots=True)
class EdgePeer:
    """One edge node with one device at a broker of loopback; times are UTC nanoseconds."""

    port: int
    metrics: Mapping[str, str] = field(default_factory=lambda: dict(METRICS))
    aliases: dict[str, int] = field(default_factory=dict)
    values: dict[str, tuple[int, object]] = field(default_factory=dict)
    session: int = 0
    births: int = 0
    client: Client | None = None
    answers: bool = True
    _sequence: Any = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    async def connect(self) -> None:
        """Connect with a will, and say the births; return when the broker has them."""
        self.session = (self.session + 1) % 256
        self.aliases = self.aliases or {name: number for number, name in enumerate(self.metrics, start=100)}
        client = Client(CallbackAPIVersion.VERSION2, client_id=f"{EDGE}-{self.port}")
        client.will_set(self.topic("NDEATH"), self.death(), qos=1)
        client.on_message = self._on_command
        listens = threading.Event()
        client.on_subscribe = lambda *_: listens.set()
        await asyncio.to_thread(client.connect, "127.0.0.1", self.port)
        client.loop_start()
        client.subscribe(self.topic("NCMD"), qos=1)
        await asyncio.to_thread(listens.wait, 10)
        self.client = client
        self.be_born()
        # What is acknowledged behind the births says that they have arrived.
        await asyncio.to_thread(client.publish("peer/here", b"", qos=1).wait_for_publish, 10)

    def topic(self, kind: str) -> str:
        """Return the topic of a kind of message."""
        return f"{NAMESPACE}/{GROUP}/{kind}/{EDGE}" + (f"/{DEVICE}" if kind.startswith("D") else "")

    def death(self) -> bytes:
        """Return the will of this session."""
        payload = Payload()
        payload.metrics.add(name=SESSION, datatype=8, long_value=self.session)
        written: bytes = payload.SerializeToString()
        return written

    def be_born(self) -> None:
        """Say the births of edge node and device."""
        with self._lock:
            self._say_births()
            self.births += 1

    def _say_births(self) -> None:
        self._sequence = itertools.cycle(range(256))
        node = Payload(timestamp=1_750_000_000_000)
        node.metrics.add(name=SESSION, datatype=8, long_value=self.session)
        node.metrics.add(name=REBIRTH, datatype=11, boolean_value=False)
        self.publish("NBIRTH", node)
        device = Payload(timestamp=1_750_000_000_000)
        for name, kind in self.metrics.items():
            metric = device.metrics.add(name=name, alias=self.aliases[name], datatype=TYPES[kind][0])
            if name in self.values:
                time, value = self.values[name]
                metric.timestamp = time // 1_000_000
                fill(metric, kind, value)
            else:
                metric.is_null = True
        self.publish("DBIRTH", device)

    def say(self, name: str, time: int, value: object, *, historical: bool = False, quality: int | None = None) -> None:
        """Send one value of a metric by its alias."""
        payload = Payload(timestamp=time // 1_000_000)
        metric = payload.metrics.add(alias=self.aliases[name], timestamp=time // 1_000_000)
        if quality is not None:
            metric.properties.keys.append("Quality")
            metric.properties.values.add(type=3, int_value=quality)
        if historical:
            metric.is_historical = True
        else:
            self.values[name] = (time, value)
        fill(metric, self.metrics[name], value)
        self.publish("DDATA", payload)

    def publish(self, kind: str, payload: Payload, *, skip: int = 0) -> None:
        """Send a message with the next number of the sequence, some of which may be skipped."""
        with self._lock:
            for _ in range(skip):
                next(self._sequence)
            payload.seq = next(self._sequence)
            self.send(kind, payload.SerializeToString())

    def send(self, kind: str, raw: bytes, qos: int = 0) -> None:
        """Send bytes as they are."""
        assert self.client is not None
        self.client.publish(self.topic(kind), raw, qos=qos)

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

    def _on_command(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        payload: Payload = Payload.FromString(bytes(message.payload))
        if self.answers and any(item.name == REBIRTH and item.boolean_value for item in payload.metrics):
            self.be_born()
