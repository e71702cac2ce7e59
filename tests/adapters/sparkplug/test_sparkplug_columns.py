"""Metrics that are read as columns mean what they mean one by one."""

import asyncio
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt.client import MQTTMessage

from lineside.adapters.mqtt_packets import packets_of
from lineside.adapters.sparkplug import source as source_module
from lineside.adapters.sparkplug.assets import Asset
from lineside.adapters.sparkplug.columns import Aliases
from lineside.adapters.sparkplug.edge_node import EdgeNode, Offer
from lineside.adapters.sparkplug.payloads import time_of, value_of
from lineside.adapters.sparkplug.source import open_source
from lineside.adapters.sparkplug.sparkplug_b_pb2 import Payload
from lineside.domain.intake.gate import Taken
from lineside.domain.plan.model import SparkplugSpec
from lineside.domain.units import MILLISECOND
from lineside.testing.clocks import ManualClock
from lineside.testing.peers.sparkplug import ADDRESSES, DEVICE, EDGE, GROUP
from lineside.testing.plans import plan_with_source

NOW = 1_750_000_000_000_000_000
NOW_MS = NOW // MILLISECOND

DOUBLES = st.fixed_dictionaries(
    {"alias": st.integers(0, 7), "double_value": st.one_of(st.floats(), st.just(5.0))},
    optional={
        "timestamp": st.sampled_from([0, 1, NOW_MS - 3, NOW_MS, NOW_MS + 10**9, 2**64 - 1]),
        "datatype": st.just(10),
    },
)
FLOATS = st.fixed_dictionaries({"alias": st.integers(0, 7), "float_value": st.floats(width=32)})
TRUTHS = st.fixed_dictionaries(
    {"alias": st.integers(0, 7), "boolean_value": st.booleans()}, optional={"datatype": st.just(11)}
)
OTHERS = st.fixed_dictionaries(
    {},
    optional={
        "alias": st.one_of(st.integers(0, 7), st.just(2**64 - 1)),
        "name": st.sampled_from(["temperature", "nobody"]),
        "is_historical": st.booleans(),
        "is_null": st.booleans(),
        "int_value": st.integers(0, 2**32 - 1),
    },
)
METRICS = st.lists(st.one_of(DOUBLES, DOUBLES, FLOATS, TRUTHS, OTHERS), max_size=30)


def rows_of(taken: Taken) -> list[tuple[Any, ...]]:
    batch = taken.readings
    if batch is None:
        return []
    columns = (batch.signal, batch.source_time, batch.receive_time, batch.status)
    values = [repr(value) for value in batch.value.tolist()]
    return list(zip(*(column.tolist() for column in columns), values, strict=True))


def refusals_of(taken: Taken) -> list[tuple[str, str, int]]:
    """What was refused; the gate keeps refusals of columns and of single values in no common order."""
    return sorted((item.signal, item.reason, item.count) for item in taken.quarantined)


def payload_of(metrics: list[dict[str, Any]]) -> Payload:
    payload = Payload(timestamp=NOW_MS, seq=3)
    for fields in metrics:
        payload.metrics.add(**fields)
    return payload


def aliases() -> Aliases:
    birth = Payload()
    for alias, name in enumerate(["temperature", "pressure", "serial", "unplanned"], 1):
        birth.metrics.add(name=name, alias=alias, datatype=10)
    asset = Asset("", {name: name for name in ("temperature", "pressure", "serial")})
    asset.bind(birth, {})
    return Aliases(asset.last, {"temperature": 4, "pressure": 9}, {"pressure"})


@given(METRICS)
def test_what_is_plain_has_the_value_time_and_signal_that_the_library_reads(metrics: list[dict[str, Any]]) -> None:
    known = aliases()
    payload = payload_of(metrics)
    columns = known.read(payload.SerializeToString(), len(metrics), NOW, NOW)
    assert columns is not None
    codes = {1: 4, 2: 9, 4: -1}
    for place in np.flatnonzero(columns.plain).tolist():
        metric = payload.metrics[place]
        assert columns.value[place] == value_of(metric, 10)
        assert columns.time[place] == time_of(metric, payload, NOW)
        assert columns.signal[place] == codes.get(metric.alias, -2)
        assert not metric.is_historical
        assert not metric.is_null
        assert metric.WhichOneof("value") != "boolean_value" or metric.alias != 1


@given(METRICS, st.data())
def test_bytes_that_are_cut_anywhere_are_read_without_harm(metrics: list[dict[str, Any]], data: st.DataObject) -> None:
    raw = payload_of(metrics).SerializeToString()
    cut = raw[: data.draw(st.integers(0, len(raw)))]
    columns = aliases().read(cut, len(metrics), NOW, NOW)
    assert columns is None or len(columns.plain) == len(metrics)


@given(st.binary(max_size=60), st.integers(0, 5))
def test_bytes_of_anything_are_read_without_harm(raw: bytes, count: int) -> None:
    columns = aliases().read(raw, count, NOW, NOW)
    assert columns is None or len(columns.plain) == count


def test_a_signal_of_texts_is_left_to_be_read_by_itself() -> None:
    payload = payload_of([{"alias": 3, "double_value": 1.0}, {"alias": 1, "double_value": 1.0}])
    columns = aliases().read(payload.SerializeToString(), 2, NOW, NOW)
    assert columns is not None
    assert columns.plain.tolist() == [False, True]


def test_true_and_false_are_numbers_only_of_a_signal_that_takes_them() -> None:
    payload = payload_of([{"alias": alias, "boolean_value": truth} for alias in (1, 2) for truth in (True, False)])
    columns = aliases().read(payload.SerializeToString(), 4, NOW, NOW)
    assert columns is not None
    assert columns.plain.tolist() == [False, False, True, True]
    assert columns.value.tolist()[2:] == [1.0, 0.0]


def taken(metrics: list[dict[str, Any]], least: int) -> Taken:
    """What the gate has of a birth and one message, where messages of so many metrics are read as columns."""

    async def receive() -> Taken:
        plan = plan_with_source({"kind": "sparkplug", "url": "mqtt://x"}, addresses=ADDRESSES)
        source = open_source(plan, plan.source_as(SparkplugSpec, "machine"), ManualClock(NOW))
        node = EdgeNode(GROUP, EDGE, DEVICE, [Offer(name=name) for name in ("temperature", "pressure", "serial", "x")])
        node.connect()
        for said in node.births(NOW - MILLISECOND):
            source._receive(packets_of([message(said.topic, said.payload)]))
        payload = Payload(timestamp=NOW_MS, seq=node.number())
        for fields in metrics:
            alias = {"alias": node.aliases["temperature"] - 1 + fields["alias"]} if fields.get("alias", 9) < 9 else {}
            payload.metrics.add(**fields | alias)
        source._receive_train = lambda *_: 0  # type: ignore[method-assign]
        source._receive(packets_of([message(node.topic("DDATA"), payload.SerializeToString())]))
        source._rows.flush()
        return source._gate.take()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_module, "_LEAST_COLUMNS", least)
        return asyncio.run(receive())


def message(topic: str, payload: bytes) -> MQTTMessage:
    made = MQTTMessage(topic=topic.encode())
    made.payload = payload
    return made


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(DOUBLES, DOUBLES, FLOATS, OTHERS), min_size=1, max_size=30))
def test_a_source_makes_the_same_of_a_message_whether_it_reads_columns_or_not(metrics: list[dict[str, Any]]) -> None:
    one_by_one, columns = taken(metrics, 1_000), taken(metrics, 1)
    assert rows_of(columns) == rows_of(one_by_one)
    assert refusals_of(columns) == refusals_of(one_by_one)
    assert columns.duplicates == one_by_one.duplicates
