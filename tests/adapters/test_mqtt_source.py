"""What is particular to MQTT: readings without a time of their own, retained messages, wrong settings."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from lineside.adapters.mqtt import source as module
from lineside.adapters.mqtt.source import UNCERTAIN_LAST_USABLE, MqttSource, open_source
from lineside.adapters.mqtt_packets import Packets, packets_of
from lineside.domain.errors import ConfigurationError, PlanError
from lineside.domain.intake.reasons import Reason
from lineside.domain.plan.model import MqttSpec
from lineside.testing.clocks import WallClock
from lineside.testing.conformance.source import Reader, reading
from lineside.testing.peers.brokers import BrokerProcess, nats_server
from lineside.testing.plans import plan_with_source

PLAIN = {signal: f"press/{signal}" for signal in ("temperature", "pressure", "running", "serial")}


@pytest.fixture
async def publish(broker: BrokerProcess) -> AsyncIterator[Callable[..., object]]:
    client = Client(CallbackAPIVersion.VERSION2, client_id="machine")
    await asyncio.to_thread(client.connect, "127.0.0.1", broker.port)
    client.loop_start()

    async def send(topic: str, payload: bytes, *, retain: bool = False) -> None:
        done = client.publish(topic, payload, qos=1, retain=retain)
        await asyncio.to_thread(done.wait_for_publish, 20)

    yield send
    client.disconnect()
    client.loop_stop()


def source_of(broker: BrokerProcess) -> MqttSource:
    plan = plan_with_source({"kind": "mqtt", "url": broker.url}, addresses=PLAIN)
    return open_source(plan, plan.source_as(MqttSpec, "machine"), WallClock())


async def hears(reader: Reader, publish: Callable[..., object]) -> None:
    async with asyncio.timeout(30):
        while not reader.values("pressure"):
            await publish("press/pressure", b"1")  # type: ignore[misc]
            await asyncio.sleep(0.1)


async def test_a_message_without_a_time_that_comes_again_within_a_run_is_delivered_once(
    broker: BrokerProcess, publish: Callable[..., object]
) -> None:
    source = source_of(broker)
    async with reading(source, acknowledge=False) as reader:
        await hears(reader, publish)
        await publish("press/temperature", b"21.5")  # type: ignore[misc]
        await reader.until(lambda: bool(reader.values("temperature")))
        connection = source._connection
        assert connection is not None
        connection._client.socket().shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
        await reader.until(lambda: sum(item.duplicates for item in reader.deliveries) >= 2)
        assert len(reader.values("temperature")) == 1


async def test_a_retained_message_without_a_time_is_of_uncertain_age(
    broker: BrokerProcess, publish: Callable[..., object]
) -> None:
    await publish("press/temperature", b"21.5", retain=True)  # type: ignore[misc]
    async with reading(source_of(broker)) as reader:
        await reader.until(lambda: bool(reader.values("temperature")))
        batch = reader.batches[0]
        assert batch.status.tolist() == [UNCERTAIN_LAST_USABLE]


async def test_a_broker_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    kind = "nats" if nats_server() else "mosquitto"
    broker = BrokerProcess(kind, tmp_path)
    async with reading(source_of(broker)) as reader:
        await reader.until(lambda: [item.reason for item in reader.quarantined] == ["connection_lost"])
        await broker.start()
        await reader.until(lambda: len(reader.quarantined) == 2)
        assert "It is back after" in reader.quarantined[1].detail
    await broker.stop()


async def test_beyond_its_bound_only_messages_that_the_broker_sends_again_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_PENDING", 2)
    monkeypatch.setattr(module, "MOST_TOGETHER", 2)
    plan = plan_with_source({"kind": "mqtt", "url": "mqtt://127.0.0.1:1"}, addresses=PLAIN)
    source = open_source(plan, plan.source_as(MqttSpec, "machine"), WallClock())
    for number, qos in enumerate((0, 0, 0, 1), 1):
        message = MQTTMessage(mid=number, topic=b"press/pressure")
        message.payload, message.qos = b"%d" % number, qos
        source._receive(packets_of([message]))
    delivery = source._delivery()
    assert delivery.readings is not None
    assert delivery.readings.value.tolist() == [1.0, 2.0, 4.0]
    assert [(item.reason, item.raw) for item in delivery.quarantined] == [(Reason.OVERFLOW.value, b"3")]
    assert isinstance(delivery.token, module.Token)
    assert delivery.token.numbers == (4,)


@pytest.mark.parametrize(
    ("spec", "addresses", "error"),
    [
        ({"url": "tcp://127.0.0.1"}, PLAIN, ConfigurationError),
        ({"url": "mqtt://"}, PLAIN, ConfigurationError),
        ({"url": "mqtt://x", "time_zone": "Moon/Sea"}, PLAIN, ConfigurationError),
        ({"url": "mqtt://x", "time_column": "ts"}, PLAIN, PlanError),
        ({"url": "mqtt://x"}, {**PLAIN, "temperature": "press/+#$.v"}, PlanError),
    ],
)
def test_a_setting_that_cannot_work_is_an_error_at_once(
    spec: dict[str, str], addresses: dict[str, str], error: type[Exception]
) -> None:
    plan = plan_with_source({"kind": "mqtt", **spec}, addresses=addresses)
    with pytest.raises(error):
        open_source(plan, plan.source_as(MqttSpec, "machine"), WallClock())


async def test_flat_messages_that_are_read_together_keep_their_order_around_those_that_are_refused(
    broker: BrokerProcess, publish: Callable[..., object]
) -> None:
    flat = {signal: f"press/{signal}#$.v" for signal in PLAIN}
    plan = plan_with_source({"kind": "mqtt", "url": broker.url, "time_column": "$.t"}, addresses=flat)
    source = open_source(plan, plan.source_as(MqttSpec, "machine"), WallClock())
    now = source._clock.now() // 1_000_000
    async with reading(source) as reader:
        async with asyncio.timeout(30):
            while not reader.values("pressure"):
                await publish("press/pressure", b'{"t": %d, "v": 1}' % now)  # type: ignore[misc]
        sent = [
            b'{"t": %d, "v": 21.5}' % now,
            b'{"t": %d, "v": "warm"}' % now,
            b'{"t": %d, "v": 22.5}' % now,
            b'{"v": "23.5", "t": %d, "by": {"who": "gauge 4"}}' % (now + 1),
            b'{"t": %d, "v": 24.5}' % (now + 2),
        ]
        for payload in sent:
            await publish("press/temperature", payload)  # type: ignore[misc]
        await reader.until(lambda: len(reader.values("temperature")) == 3)
        assert reader.values("temperature") == [
            ((now + place) * 1_000_000, value) for place, value in enumerate((21.5, 23.5, 24.5))
        ]
        refused = [(item.reason, item.raw) for item in reader.quarantined]
        assert refused == [("not_a_number", sent[1]), ("conflicting", sent[2])]


@pytest.mark.parametrize(("qos", "version"), [(0, "3.1.1"), (1, "3.1.1"), (0, "5"), (1, "5")])
async def test_messages_that_come_closely_behind_each_other_are_all_read_in_their_order_and_acknowledged(
    broker: BrokerProcess, monkeypatch: pytest.MonkeyPatch, qos: int, version: str
) -> None:
    if version == "5" and broker.kind == "nats":
        pytest.skip("nats-server speaks 3.1.1")
    flat = {signal: f"press/{signal}#$.v" for signal in PLAIN}
    spec = {"kind": "mqtt", "url": broker.url, "time_column": "$.t", "topic": "press/#", "version": version}
    plan = plan_with_source(spec, addresses=flat)
    source = open_source(plan, plan.source_as(MqttSpec, "machine"), WallClock())
    together: list[int] = []
    receive = source._receive

    def counting(packets: Packets) -> None:
        together.append(len(packets))
        receive(packets)

    monkeypatch.setattr(source, "_receive", counting)
    now = source._clock.now() // 1_000_000
    client = Client(CallbackAPIVersion.VERSION2, client_id="machine")
    await asyncio.to_thread(client.connect, "127.0.0.1", broker.port)
    client.loop_start()
    async with reading(source) as reader:
        async with asyncio.timeout(30):
            while not reader.values("pressure"):
                client.publish("press/pressure", b'{"t": %d, "v": 1}' % now)
                await asyncio.sleep(0.1)
        for place in range(600):
            client.publish("press/other", b"nobody wants this", qos=qos)
            client.publish("press/temperature", b'{"t": %d, "v": %d.5}' % (now + place, place), qos=qos)
        client.publish("press/temperature", b"no JSON", qos=1).wait_for_publish(30)  # meanwhile nothing here is read
        await reader.until(lambda: any(item.reason == "malformed_json" for item in reader.quarantined))
        values = [((now + place) * 1_000_000, place + 0.5) for place in range(600)]
        assert reader.values("temperature") == values
        assert sum(item.count for item in reader.quarantined if item.reason == "unknown_signal") == 600
        tokens = [item.token for item in reader.deliveries if isinstance(item.token, module.Token)]
        assert qos == 0 or sum(len(token.numbers) for token in tokens) >= 1201
        assert max(together, default=0) >= 16 or qos == 1  # brokers send few before the first are acknowledged
    client.disconnect()
    client.loop_stop()
