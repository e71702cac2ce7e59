"""Listening at a broker for births: which metrics edge nodes and devices have, as a plan would name them."""

from __future__ import annotations

import asyncio
from collections import Counter
from uuid import uuid4

from lineside.adapters.mqtt_connection import Broker, Connection
from lineside.adapters.mqtt_packets import Packets
from lineside.adapters.sparkplug.payloads import (
    NAMESPACE,
    REBIRTH,
    SESSION,
    Kind,
    Topic,
    read_payload,
    read_topic,
    rebirth_request,
)
from lineside.adapters.sparkplug.source import SparkplugOptions, broker_of
from lineside.adapters.sparkplug.sparkplug_b_pb2 import Metric
from lineside.domain.intake.reasons import Refusal
from lineside.domain.plan.draft.nodes import Browsed, FoundNode
from lineside.domain.plan.model import SparkplugSpec
from lineside.ports import Clock

_NUMBERS = frozenset(range(1, 11))
_BOOLEAN = 11
_TEXTS = frozenset({12, 14, 15})
_PROTOCOL = frozenset({SESSION, REBIRTH})


async def browse(spec: SparkplugSpec, clock: Clock, *, options: SparkplugOptions, seconds: float, ask: bool) -> Browsed:
    """Return the metrics of the births that come within so many seconds.

    Args:
        spec: where the broker is.
        clock: the time.
        options: what a plan does not hold.
        seconds: how long to listen.
        ask: whether each edge node that is heard is asked for its births, once.

    Raises:
        ConnectionError: the broker does not answer, or refuses.
        ConfigurationError: the address is none of MQTT, or a file of certificates cannot be used.
    """
    listener = Listener(clock, broker_of(spec, options, f"lineside-browse-{uuid4().hex[:12]}"), ask=ask)
    await listener.listen(seconds)
    return listener.found()


class Listener:
    """Takes note of births at one broker."""

    def __init__(self, clock: Clock, broker: Broker, *, ask: bool) -> None:
        self._clock = clock
        self._broker = broker
        self._ask = ask
        self._connection: Connection | None = None
        self._nodes: dict[str, FoundNode] = {}
        self._heard: set[tuple[str, str]] = set()
        self._born: set[tuple[str, str]] = set()
        self._left_out: Counter[str] = Counter()

    async def listen(self, seconds: float) -> None:
        """Listen for so long.

        Raises:
            ConnectionError: the broker does not answer, or refuses.
        """
        self._connection = connection = Connection(self._broker, self._receive)
        try:
            await connection.open()
            refused = await connection.subscribe([f"{NAMESPACE}/#"], qos=0)
            if refused:
                raise ConnectionError(f"the broker refuses the subscription to all edge nodes: {refused}")
            await asyncio.sleep(seconds)
        finally:
            await connection.close()

    def found(self) -> Browsed:
        """Return what was found, in the order of the addresses."""
        silent = len(self._heard - self._born)
        left_out = dict(self._left_out)
        if silent:
            left_out["edge nodes that were heard and not born"] = silent
        return Browsed(nodes=tuple(self._nodes[name] for name in sorted(self._nodes)), left_out=left_out, cut=False)

    def _receive(self, packets: Packets) -> None:
        for row in range(len(packets)):
            self._hear(packets.name_of(row), packets.payload_of(row))

    def _hear(self, name: str, raw: bytes) -> None:
        topic = read_topic(name)
        if topic is None or topic.kind in {Kind.NCMD, Kind.DCMD, Kind.NDEATH}:
            return
        place = topic.group, topic.edge
        if self._ask and place not in self._heard and self._connection is not None:
            command = f"{NAMESPACE}/{topic.group}/{Kind.NCMD}/{topic.edge}"
            self._connection.publish(command, rebirth_request(self._clock.now()))
        self._heard.add(place)
        payload = read_payload(raw)
        if isinstance(payload, Refusal):
            self._left_out["messages that are no payload of Sparkplug B"] += 1
        elif topic.kind in {Kind.NBIRTH, Kind.DBIRTH}:
            self._born.add(place)
            for metric in payload.metrics:
                self._note(topic, metric)

    def _note(self, topic: Topic, metric: Metric) -> None:
        place = "/".join(filter(None, (topic.group, topic.edge, topic.device)))
        address = f"{place}#{metric.name}"
        if not metric.name or metric.name in _PROTOCOL or address in self._nodes:
            return
        node = node_of(metric, address, (*place.split("/"), *metric.name.split("/")))
        if node is None:
            self._left_out[f"metrics of type {metric.datatype}, which is no single value"] += 1
        else:
            self._nodes[address] = node


def node_of(metric: Metric, address: str, path: tuple[str, ...]) -> FoundNode | None:
    """Return a metric of a birth as a plan may have it; None where its values are no single ones.

    Unit and range are the properties ``engUnit``, ``engLow`` and ``engHigh``, where the birth gives them.
    """
    said = dict(zip(metric.properties.keys, metric.properties.values, strict=False))
    span = tuple(float(_number(said[name])) for name in ("engLow", "engHigh") if name in said)
    unit = said["engUnit"].string_value if "engUnit" in said else ""
    spans = (span[0], span[1]) if len(span) == 2 and span[0] < span[1] else None
    if metric.datatype in _NUMBERS:
        return FoundNode(path=path, node_id=address, type="number", unit=unit, span=spans)
    if metric.datatype == _BOOLEAN:
        return FoundNode(path=path, node_id=address, type="boolean")
    return FoundNode(path=path, node_id=address, type="text") if metric.datatype in _TEXTS else None


def _number(said: object) -> float:
    kind = said.WhichOneof("value")  # type: ignore[attr-defined]  # a property's value, which the stubs do not name
    value = getattr(said, kind) if kind else 0.0
    return float(value) if isinstance(value, int | float) else 0.0
