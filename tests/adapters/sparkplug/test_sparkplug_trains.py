"""Messages that are read together mean what they mean one by one."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from paho.mqtt.client import MQTTMessage

from lineside.adapters.mqtt_packets import packets_of
from lineside.adapters.sparkplug.edge_node import EdgeNode, Offer
from lineside.adapters.sparkplug.source import SparkplugSource, open_source
from lineside.adapters.sparkplug.sparkplug_b_pb2 import Payload
from lineside.domain.intake.gate import Taken
from lineside.domain.plan.model import SparkplugSpec
from lineside.domain.units import MILLISECOND
from lineside.testing.clocks import ManualClock
from lineside.testing.peers.sparkplug import ADDRESSES, DEVICE, EDGE, GROUP
from lineside.testing.plans import plan_with_source

NOW = 1_750_000_000_000_000_000
NOW_MS = NOW // MILLISECOND
NAMES = ("temperature", "pressure", "serial", "running", "unplanned")

PLAIN = st.fixed_dictionaries(
    {"alias": st.integers(1, len(NAMES))},
    optional={"timestamp": st.sampled_from([0, NOW_MS - 3, NOW_MS]), "datatype": st.just(10)},
)
VALUES = st.one_of(
    st.fixed_dictionaries({"double_value": st.floats(-1e6, 1e6)}),
    st.fixed_dictionaries({"float_value": st.floats(-1e6, 1e6, width=32)}),
    st.fixed_dictionaries({"boolean_value": st.booleans()}),
)
ODD = st.sampled_from(
    [
        {"alias": 99, "double_value": 1.0},
        {"name": "temperature", "double_value": 1.0},
        {"alias": 1, "double_value": 1.0, "is_historical": True},
        {"alias": 1, "is_null": True},
        {"alias": 1, "double_value": float("nan")},
        {"alias": 1, "double_value": 1.0, "timestamp": 1},
        {"alias": 1, "double_value": 1.0, "timestamp": 2**64 - 1},
        {"alias": 3, "string_value": "S1"},
        {"alias": 1, "int_value": 7},
    ]
)


@dataclass(frozen=True)
class Sent:
    """A message: what it holds, and what goes wrong on its way."""

    metrics: tuple[dict[str, Any], ...]
    stamp: int | None = NOW_MS
    lost: bool = False
    flip: tuple[int, int] | None = None
    cut: int | None = None
    birth: bool = False
    foreign: bool = False
    numbered: bool = True


METRICS = st.tuples(PLAIN, VALUES).map(lambda parts: parts[0] | parts[1])
PLAIN_MESSAGES = st.builds(
    Sent, metrics=st.lists(METRICS, max_size=6).map(tuple), stamp=st.integers(NOW_MS - 20, NOW_MS)
)
MESSAGES = st.builds(
    Sent,
    metrics=st.lists(st.one_of(METRICS, METRICS, METRICS, ODD), max_size=6).map(tuple),
    stamp=st.sampled_from([NOW_MS, NOW_MS - 5, 0, None, 1, 2**63]),
    lost=st.booleans(),
    flip=st.one_of(st.none(), st.tuples(st.integers(0, 60), st.integers(1, 255))),
    cut=st.one_of(st.none(), st.integers(0, 40)),
    birth=st.booleans(),
    foreign=st.booleans(),
    numbered=st.booleans(),
)
CONVERSATIONS = st.lists(st.one_of(PLAIN_MESSAGES, PLAIN_MESSAGES, PLAIN_MESSAGES, MESSAGES), max_size=14)


def conversation(said: Sequence[Sent]) -> Iterator[MQTTMessage]:
    """The messages of an edge node that arrive."""
    node = EdgeNode(GROUP, EDGE, DEVICE, [Offer(name=name) for name in NAMES])
    node.connect()
    for birth in node.births(NOW - MILLISECOND):
        yield message(birth.topic, birth.payload)
    for item in said:
        payload = Payload()
        if item.stamp is not None:
            payload.timestamp = item.stamp
        if item.numbered:
            payload.seq = node.number()
        for fields in item.metrics:
            alias = {"alias": node.aliases[NAMES[0]] - 1 + fields["alias"]} if "alias" in fields else {}
            payload.metrics.add(**fields | alias)
        raw = bytearray(payload.SerializeToString()[: item.cut])
        if item.flip is not None and item.flip[0] < len(raw):
            raw[item.flip[0]] ^= item.flip[1]
        topic = node.topic("DDATA").replace(DEVICE, "stranger") if item.foreign else node.topic("DDATA")
        if not item.lost:
            yield message(topic, bytes(raw))
        if item.birth:
            for birth in node.births(NOW - MILLISECOND):
                yield message(birth.topic, birth.payload)


def message(topic: str, payload: bytes) -> MQTTMessage:
    made = MQTTMessage(topic=topic.encode())
    made.payload = payload
    return made


def opened() -> SparkplugSource:
    plan = plan_with_source({"kind": "sparkplug", "url": "mqtt://x"}, addresses=ADDRESSES)
    return open_source(plan, plan.source_as(SparkplugSpec, "machine"), ManualClock(NOW))


def heard(messages: Sequence[MQTTMessage], *, together: int, trains: bool = True) -> list[tuple[Any, ...]]:
    """What the gate has of messages that are taken so many at a time, delivery by delivery."""

    async def receive() -> list[tuple[Any, ...]]:
        source = opened()
        if not trains:
            source._receive_train = lambda *_: 0  # type: ignore[method-assign]
        for first in range(0, len(messages), together):
            source._receive(packets_of(messages[first : first + together]))
        for group, edge in source._nodes:
            source._do(group, edge, source._nodes[group, edge].cut())  # what waits for its turn passes
        source._cut_off(replayed=False)
        return [(replayed, *content(taken)) for taken, replayed in source._deliveries]

    return asyncio.run(receive())


def content(taken: Taken) -> tuple[Any, ...]:
    """The readings of each signal in their order, and what was refused in none."""
    refused = sorted((item.signal, item.reason, item.count) for item in taken.quarantined)
    batch = taken.readings
    if batch is None:
        return [], refused, taken.duplicates
    columns = (batch.signal, batch.source_time, batch.receive_time, batch.status)
    texts = batch.catalogue.text_mask()[batch.signal] & ~np.isnan(batch.value)
    values = [batch.texts[int(value)] if text else repr(value) for value, text in zip(batch.value, texts, strict=True)]
    rows = list(zip(*(column.tolist() for column in columns), values, strict=True))
    return sorted(rows, key=lambda row: row[0]), refused, taken.duplicates


@settings(deadline=None)
@given(CONVERSATIONS, st.integers(1, 8))
@example([Sent(({"alias": 1, "double_value": float(value)},)) for value in range(8)], 8)
@example([Sent(({"alias": 1, "double_value": 1.0},), cut=14)], 2)
def test_a_source_makes_the_same_of_messages_whether_it_takes_them_as_trains_or_one_by_one(
    said: list[Sent], together: int
) -> None:
    messages = list(conversation(said))
    assert heard(messages, together=together) == heard(messages, together=1, trains=False)


def test_plain_messages_behind_each_other_are_read_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    said = [
        Sent(
            ({"alias": 1, "double_value": float(value)}, {"alias": 5, "boolean_value": True}), stamp=NOW_MS - 2 * value
        )
        for value in range(300)
    ]

    async def receive() -> Taken:
        source = opened()
        births, data = list(conversation(said))[:2], list(conversation(said))[2:]
        source._receive(packets_of(births))
        source._cut_off(replayed=False)
        monkeypatch.setattr(source, "_hear", None)
        source._receive(packets_of(data))
        source._rows.flush()
        return source._gate.take()

    readings = asyncio.run(receive()).readings
    assert readings is not None
    assert readings.value.tolist() == [float(value) for value in range(300)]
    assert np.unique(readings.receive_time).tolist() == [NOW]
