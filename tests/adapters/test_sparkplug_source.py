"""Sparkplug B over real brokers: what goes wrong with edge nodes, and what is made of it."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from lineside.adapters.sparkplug.payloads import UNCERTAIN_LAST_USABLE
from lineside.adapters.sparkplug.source import SparkplugOptions, SparkplugSource, open_source
from lineside.adapters.sparkplug.sparkplug_b_pb2 import Payload
from lineside.domain.errors import ConfigurationError, PlanError
from lineside.domain.plan.model import SparkplugSpec
from lineside.domain.readings import BAD, BAD_NO_COMMUNICATION, GOOD, UNCERTAIN
from lineside.domain.units import MILLISECOND, SECOND
from lineside.testing.clocks import WallClock
from lineside.testing.conformance.source import Reader, reading
from lineside.testing.peers.brokers import BrokerProcess
from lineside.testing.peers.sparkplug import ADDRESSES, DEVICE, EDGE, GROUP, EdgePeer
from lineside.testing.plans import plan_with_source

PRESS = f"{GROUP}/{EDGE}/{DEVICE}"


@pytest.fixture
async def edge(broker: BrokerProcess) -> AsyncIterator[EdgePeer]:
    edge = EdgePeer(broker.port)
    await edge.connect()
    yield edge
    edge.close()


@pytest.fixture
async def stranger(broker: BrokerProcess) -> AsyncIterator[Client]:
    """Somebody else at the broker."""
    client = Client(CallbackAPIVersion.VERSION2, client_id="stranger")
    await asyncio.to_thread(client.connect, "127.0.0.1", broker.port)
    client.loop_start()
    yield client
    client.disconnect()
    client.loop_stop()


def source_of(broker: BrokerProcess, **fields: Any) -> SparkplugSource:
    addresses = fields.pop("addresses", ADDRESSES)
    options = fields.pop("options", SparkplugOptions())
    plan = plan_with_source({"kind": "sparkplug", "url": broker.url, **fields}, addresses=addresses)
    return open_source(plan, plan.source_as(SparkplugSpec, "machine"), WallClock(), options=options)


def now() -> int:
    return WallClock().now() // MILLISECOND * MILLISECOND


async def hears(reader: Reader, edge: EdgePeer) -> None:
    """Let the edge node say pressures until one is read as good: births have come, and nothing is doubted."""
    async with asyncio.timeout(30):
        while GOOD not in statuses(reader, "pressure"):
            edge.say("pressure", now(), 1.0)
            await asyncio.sleep(0.05)


def statuses(reader: Reader, signal: str) -> list[int]:
    code = reader.source.catalogue.codes()[signal]
    return [int(status) for batch in reader.batches for status in batch.status[batch.signal == code]]


def refused(reader: Reader, reason: str) -> int:
    return sum(item.count for item in reader.quarantined if item.reason == reason)


def temperatures(reader: Reader, *, replayed: bool) -> list[float]:
    code = reader.source.catalogue.codes()["temperature"]
    batches = [item.readings for item in reader.deliveries if item.replayed is replayed]
    return [
        float(value)
        for batch in batches
        if batch is not None
        for value in batch.value[(batch.signal == code) & ~np.isnan(batch.value)]
    ]


async def test_a_source_that_comes_after_the_births_asks_for_them_once_and_is_in_good_health_then(
    broker: BrokerProcess, edge: EdgePeer
) -> None:
    async with reading(source_of(broker)) as reader:
        await reader.until(lambda: edge.births == 2)
        await reader.until(lambda: bool(statuses(reader, "temperature")))
        assert reader.source.condition.troubles == ()
        edge.say("temperature", now(), 21.0)
        await reader.until(lambda: bool(reader.values("temperature")))
    assert edge.births == 2


async def test_where_the_plan_forbids_it_nothing_is_ever_written(
    broker: BrokerProcess, edge: EdgePeer, stranger: Client
) -> None:
    heard: list[str] = []
    stranger.on_message = lambda _client, _data, message: heard.append(message.topic)
    stranger.subscribe([("spBv1.0/+/NCMD/#", 1), ("spBv1.0/+/DCMD/#", 1), ("spBv1.0/STATE/#", 1)])
    async with reading(source_of(broker, rebirth=False)) as reader:
        await reader.until(lambda: edge.client is not None and reader.source.condition.phase == "connected")
        edge.say("temperature", now(), 20.0)
        await reader.until(lambda: refused(reader, "birth_awaited") == 1)
        edge.be_born()
        await hears(reader, edge)
    assert heard == []
    assert edge.births == 2


async def test_the_death_of_an_edge_node_makes_its_signals_stale_until_it_is_born_again(
    broker: BrokerProcess, edge: EdgePeer
) -> None:
    async with reading(source_of(broker)) as reader:
        await hears(reader, edge)
        edge.lose_network()
        await reader.until(lambda: statuses(reader, "temperature")[-1] == BAD_NO_COMMUNICATION)
        assert (PRESS, "stale") in reader.source.condition.troubles
        await edge.connect()
        await reader.until(lambda: reader.source.condition.troubles == ())
        edge.say("temperature", now(), 22.0)
        await reader.until(lambda: statuses(reader, "temperature")[-1] == GOOD)
        details = [item.detail for item in reader.quarantined if item.reason == "connection_lost"]
        assert [f"{PRESS} has died" in details[0], f"{PRESS} is born again" in details[1]] == [True, True]


async def test_the_death_of_an_earlier_session_is_counted_and_changes_nothing(
    broker: BrokerProcess, edge: EdgePeer, stranger: Client
) -> None:
    async with reading(source_of(broker)) as reader:
        await hears(reader, edge)
        old = Payload()
        old.metrics.add(name="bdSeq", datatype=8, long_value=edge.node.session + 7)
        stranger.publish(edge.node.topic("NDEATH"), old.SerializeToString(), qos=1)
        await reader.until(lambda: refused(reader, "stale_death") == 1)
        edge.say("temperature", now(), 22.0)
        await reader.until(lambda: statuses(reader, "temperature")[-1] == GOOD)


async def test_a_gap_is_counted_and_asked_about_once_and_readings_are_uncertain_until_the_births(
    broker: BrokerProcess, edge: EdgePeer
) -> None:
    async with reading(source_of(broker, reorder_within="100 ms")) as reader:
        await hears(reader, edge)
        births, edge.answers = edge.births, False
        for number in range(3):
            payload = Payload()
            payload.metrics.add(
                alias=edge.node.aliases["temperature"], timestamp=now() // MILLISECOND, double_value=number
            )
            edge.publish("DDATA", payload, skip=5 if number == 0 else 0)
            await asyncio.sleep(0.005)
        await reader.until(lambda: statuses(reader, "temperature").count(UNCERTAIN) == 3)
        assert refused(reader, "lost_at_source") == 5
        assert edge.births == births
        edge.answers = True
        edge.be_born()
        edge.say("temperature", now(), 22.0)
        await reader.until(lambda: statuses(reader, "temperature")[-1] == GOOD)


async def test_what_is_historical_is_replayed_and_never_live(broker: BrokerProcess, edge: EdgePeer) -> None:
    async with reading(source_of(broker)) as reader:
        await hears(reader, edge)
        start = now() - 3600 * SECOND
        for number in range(10):
            edge.say("temperature", start + number * SECOND, float(number), historical=True)
        edge.say("temperature", now(), 99.0)
        await reader.until(lambda: 99.0 in [value for _, value in reader.values("temperature")])

        assert temperatures(reader, replayed=True) == [float(number) for number in range(10)]
        assert temperatures(reader, replayed=False) == [99.0]


@pytest.mark.parametrize(("quality", "status"), [(0, BAD), (192, GOOD), (500, UNCERTAIN_LAST_USABLE)])
async def test_the_quality_of_a_metric_is_the_status_of_its_reading(
    broker: BrokerProcess, edge: EdgePeer, quality: int, status: int
) -> None:
    async with reading(source_of(broker)) as reader:
        await hears(reader, edge)
        edge.say("temperature", now(), 21.0, quality=quality)
        await reader.until(lambda: status in statuses(reader, "temperature"))


async def test_garbage_truncated_messages_and_unknown_aliases_are_quarantined_and_the_next_reading_comes(
    broker: BrokerProcess, edge: EdgePeer, stranger: Client
) -> None:
    async with reading(source_of(broker)) as reader:
        await hears(reader, edge)
        payload = Payload(seq=1)
        payload.metrics.add(name="temperature", double_value=1.0)
        stranger.publish(edge.node.topic("DDATA"), payload.SerializeToString()[:-3])
        stranger.publish(edge.node.topic("DDATA"), b"\xff" * 100)
        stranger.publish(edge.node.topic("NDATA").replace("NDATA", "WHAT"), b"")
        await reader.until(lambda: refused(reader, "malformed_protobuf") == 2)
        await reader.until(lambda: any("WHAT" in item.detail for item in reader.quarantined))
        strange = Payload()
        strange.metrics.add(alias=4711, double_value=1.0)
        edge.publish("DDATA", strange)
        await reader.until(lambda: refused(reader, "unknown_alias") == 1)
        edge.say("temperature", now(), 23.0)
        await reader.until(lambda: 23.0 in [value for _, value in reader.values("temperature")])


async def test_a_signal_that_no_birth_names_is_reported_and_stops_no_other(
    broker: BrokerProcess, edge: EdgePeer
) -> None:
    wrong = {**ADDRESSES, "temperature": f"{PRESS}#Temprature"}
    async with reading(source_of(broker, addresses=wrong)) as reader:
        await hears(reader, edge)
        assert {item.signal for item in reader.quarantined if item.reason == "unknown_node"} == {"temperature"}
        assert refused(reader, "unknown_signal") >= 1


async def test_a_primary_host_says_when_it_is_there_and_the_broker_says_when_it_is_not(
    broker: BrokerProcess, stranger: Client
) -> None:
    states: list[dict[str, Any]] = []
    stranger.on_message = lambda _client, _data, message: states.append(json.loads(message.payload))
    stranger.subscribe("spBv1.0/STATE/gateway7", qos=1)

    async def until(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - the messages come from another thread
                await asyncio.sleep(0.02)

    async with reading(source_of(broker, host="gateway7")) as reader:
        await until(lambda: [item["online"] for item in states[-1:]] == [True])
        born = states[-1]["timestamp"]
        source = reader.source
        assert isinstance(source, SparkplugSource)
        assert source._connection is not None
        source._connection._client.socket().shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
        await until(lambda: {"online": False, "timestamp": born} in states)
        await until(lambda: states[-1]["online"] and states[-1]["timestamp"] > born)
        stranger.publish("spBv1.0/STATE/gateway7", json.dumps({"online": False, "timestamp": 0}), qos=1, retain=True)
        await until(lambda: {"online": False, "timestamp": 0} in states and states[-1]["online"])
    await until(lambda: states[-1]["online"] is False and states[-1]["timestamp"] > born)


@pytest.mark.parametrize(
    ("spec", "addresses", "error"),
    [
        ({"url": "tcp://127.0.0.1"}, ADDRESSES, ConfigurationError),
        ({"url": "mqtt://x:99999999"}, ADDRESSES, ConfigurationError),
        ({"url": "mqtt://x"}, {**ADDRESSES, "serial": "foundry#serial"}, PlanError),
        ({"url": "mqtt://x"}, {**ADDRESSES, "serial": "foundry/+/press#serial"}, PlanError),
        ({"url": "mqtt://x"}, {**ADDRESSES, "serial": "foundry/edge7/press/serial"}, PlanError),
    ],
)
def test_a_setting_that_cannot_work_is_an_error_at_once(
    spec: dict[str, str], addresses: dict[str, str], error: type[Exception]
) -> None:
    plan = plan_with_source({"kind": "sparkplug", **spec}, addresses=addresses)
    with pytest.raises(error):
        open_source(plan, plan.source_as(SparkplugSpec, "machine"), WallClock())
