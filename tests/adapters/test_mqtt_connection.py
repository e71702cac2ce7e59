"""The connection to a broker: TLS with a certificate of our own, words for refusals, restarts, cuts, and MQTT 5."""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from lineside.adapters.mqtt.source import MqttOptions, MqttSource, open_source
from lineside.apps.link import Link
from lineside.domain.errors import ConfigurationError, PlanError
from lineside.domain.plan.model import MqttSpec
from lineside.testing.clocks import WallClock
from lineside.testing.conformance.source import Reader, reading
from lineside.testing.peers.brokers import BrokerProcess, Doorman, mosquitto, nats_server
from lineside.testing.peers.certificates import Authority
from lineside.testing.peers.ports import until
from lineside.testing.plans import plan_with_source

needs_nats = pytest.mark.skipif(nats_server() is None, reason="no nats-server of the wheel")
needs_mosquitto = pytest.mark.skipif(mosquitto() is None, reason="mosquitto is not installed")
KINDS = [pytest.param("nats", marks=needs_nats), pytest.param("mosquitto", marks=needs_mosquitto)]
VERSIONS = [
    pytest.param(("nats", "3.1.1"), id="nats", marks=needs_nats),
    pytest.param(("mosquitto", "3.1.1"), id="mosquitto", marks=needs_mosquitto),
    pytest.param(("mosquitto", "5"), id="mosquitto-5", marks=needs_mosquitto),
]
SIGNALS = ("temperature", "pressure", "running", "serial")
QUEUED = 5_000
PLAIN = MqttOptions()


def source_at(url: str, options: MqttOptions = PLAIN, **fields: str) -> MqttSource:
    spec = {"kind": "mqtt", "url": url, "time_column": "$.ts", **fields}
    plan = plan_with_source(spec, addresses={name: f"press/{name}#$.v" for name in SIGNALS})
    return open_source(plan, plan.source_as(MqttSpec, "machine"), WallClock(), options=options)


class Machine:
    """Publishes values with QoS 1."""

    def __init__(self, broker: BrokerProcess) -> None:
        self.client = Client(CallbackAPIVersion.VERSION2, client_id="machine")
        self.client.max_inflight_messages_set(1000)
        self.broker = broker

    async def connect(self) -> None:
        await asyncio.to_thread(self.client.connect, "127.0.0.1", self.broker.port)
        self.client.loop_start()

    async def send(self, *values: tuple[int, float], topic: str = "press/temperature") -> None:
        sent = [
            self.client.publish(topic, json.dumps({"ts": time, "v": value}).encode(), qos=1) for time, value in values
        ]
        for item in sent:
            await asyncio.to_thread(item.wait_for_publish, 30)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    async def until_heard(self, reader: Reader) -> None:
        before = len(reader.values("pressure"))
        async with asyncio.timeout(30):
            while len(reader.values("pressure")) == before:
                await self.send((WallClock().now() // 1_000_000, 1.0), topic="press/pressure")
                await asyncio.sleep(0.05)


@pytest.fixture(params=VERSIONS)
async def broker_and_version(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[tuple[BrokerProcess, str]]:
    kind, version = request.param
    broker = BrokerProcess(kind, tmp_path)
    await broker.start()
    yield broker, version
    await broker.stop()


@pytest.fixture(params=KINDS)
async def guarded(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[BrokerProcess, MqttOptions]]:
    """A broker that asks for TLS, our certificate, a user and a password; and the options that satisfy it."""
    authority = Authority(tmp_path)
    certificate, key = authority.issue("broker")
    ours, our_key = authority.issue("gateway")
    doorman = Doorman(
        authority=authority.certificate, certificate=certificate, key=key, user="line7", password="open sesame"
    )
    broker = BrokerProcess(request.param, tmp_path, doorman)
    await broker.start()
    options = MqttOptions(
        password="open sesame", authority=authority.certificate, certificate=ours, private_key=our_key
    )
    yield broker, options
    await broker.stop()


async def refusal_of(source: MqttSource) -> str:
    async with reading(source) as reader:
        await reader.until(lambda: bool(reader.quarantined))
        return reader.quarantined[0].detail


async def test_tls_with_our_certificate_and_a_password_carries_many_messages_at_once(
    guarded: tuple[BrokerProcess, MqttOptions],
) -> None:
    broker, options = guarded
    machine = Machine(broker)
    machine.client.tls_set(str(options.authority), str(options.certificate), str(options.private_key))
    machine.client.username_pw_set("line7", "open sesame")
    await machine.connect()
    source = source_at(broker.url, options, username="line7", secret="x")
    async with reading(source) as reader:
        await machine.until_heard(reader)
        start = WallClock().now() // 1_000_000
        await machine.send(*((start + number, float(number)) for number in range(300)))
        await reader.until(lambda: len(reader.values("temperature")) == 300)
    machine.close()


async def test_without_our_certificate_a_broker_that_asks_for_one_is_not_reached(
    guarded: tuple[BrokerProcess, MqttOptions],
) -> None:
    broker, options = guarded
    bare = MqttOptions(password=options.password, authority=options.authority)
    assert "connection was lost" in await refusal_of(source_at(broker.url, bare, username="line7", secret="x"))


async def test_a_wrong_password_is_refused_in_words_with_what_to_do(
    guarded: tuple[BrokerProcess, MqttOptions],
) -> None:
    broker, options = guarded
    wrong = MqttOptions(
        password="wrong",
        authority=options.authority,
        certificate=options.certificate,
        private_key=options.private_key,
    )
    detail = await refusal_of(source_at(broker.url, wrong, username="line7", secret="x"))
    assert "correct user name and secret" in detail


async def test_a_certificate_that_does_not_fit_its_key_is_an_error(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, _ = authority.issue("gateway")
    _, key = authority.issue("other")
    options = MqttOptions(authority=authority.certificate, certificate=certificate, private_key=key)
    source = source_at("mqtts://127.0.0.1:1", options)
    with pytest.raises(ConfigurationError, match="private key"):
        async for _ in source.deliveries():
            pass


@needs_nats
async def test_a_version_that_the_broker_does_not_speak_is_reported(tmp_path: Path) -> None:
    broker = BrokerProcess("nats", tmp_path)
    await broker.start()
    detail = await refusal_of(source_at(broker.url, version="5"))
    assert "refuses" in detail or "ended" in detail
    await broker.stop()


def test_a_shared_subscription_is_refused() -> None:
    with pytest.raises(PlanError, match="only some of the messages"):
        source_at("mqtt://x", topic="$share/gateways/press/#")


async def saved(broker: BrokerProcess) -> None:
    """Wait until the broker's queues are on disk: mosquitto saves them once a second, NATS at once.

    A save that was under way may lack the newest; the one after it does not.
    """
    if broker.kind == "mosquitto":
        for _ in range(2):
            before = time.time_ns()
            await until(lambda: broker.store.exists() and broker.store.stat().st_mtime_ns > before)  # noqa: B023


async def test_five_thousand_messages_queued_over_a_kill_of_the_broker_come_once_each(
    broker_and_version: tuple[BrokerProcess, str],
) -> None:
    broker, version = broker_and_version
    machine = Machine(broker)
    await machine.connect()
    async with reading(source_at(broker.url, version=version)) as reader:
        await machine.until_heard(reader)
    start = WallClock().now() // 1_000_000 - QUEUED
    sent = [(start + number, float(number)) for number in range(QUEUED)]
    await machine.send(*sent)
    machine.close()
    await saved(broker)
    await broker.stop(kill=True)
    await broker.start()
    async with reading(source_at(broker.url, version=version)) as reader:
        await reader.until(lambda: len(reader.values("temperature")) >= QUEUED)
        assert sorted(reader.values("temperature")) == [(time * 1_000_000, value) for time, value in sent]


async def test_a_cut_network_is_noticed_and_what_was_sent_meanwhile_comes_after_it(
    broker_and_version: tuple[BrokerProcess, str],
) -> None:
    broker, version = broker_and_version
    machine, link = Machine(broker), Link("127.0.0.1", broker.port)
    await machine.connect()
    await link.start()
    async with reading(source_at(f"mqtt://127.0.0.1:{link.port}", version=version)) as reader:
        await machine.until_heard(reader)
        link.cut()
        start = WallClock().now() // 1_000_000
        await machine.send(*((start + number, float(number)) for number in range(50)))
        await reader.until(lambda: any(item.reason == "connection_lost" for item in reader.quarantined))
        link.mend()
        await reader.until(lambda: len(reader.values("temperature")) == 50)
        await reader.until(lambda: any("It is back after" in item.detail for item in reader.quarantined))
    await link.stop()
    machine.close()


@needs_mosquitto
async def test_a_broker_that_falls_silent_is_noticed_by_its_missing_sign_of_life(tmp_path: Path) -> None:
    broker = BrokerProcess("mosquitto", tmp_path)
    await broker.start()
    machine = Machine(broker)
    await machine.connect()
    async with reading(source_at(broker.url, MqttOptions(keep_alive=1))) as reader:
        await machine.until_heard(reader)
        os.kill(broker.pid, signal.SIGSTOP)
        await reader.until(lambda: any(item.reason == "connection_lost" for item in reader.quarantined))
        os.kill(broker.pid, signal.SIGCONT)
        await machine.until_heard(reader)
    machine.close()
    await broker.stop()
