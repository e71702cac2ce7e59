"""The conformance suite of sources over the fake and every adapter, each with its real peer."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from lineside.adapters.files.source import FileOptions
from lineside.adapters.files.source import open_source as open_files
from lineside.adapters.modbus.source import open_source as open_modbus
from lineside.adapters.mqtt.source import open_source as open_mqtt
from lineside.adapters.mtconnect.source import MtconnectOptions
from lineside.adapters.mtconnect.source import open_source as open_mtconnect
from lineside.adapters.opcua.source import open_source as open_opcua
from lineside.adapters.push.source import PushOptions
from lineside.adapters.push.source import open_source as open_push
from lineside.adapters.rest.source import RestOptions
from lineside.adapters.rest.source import open_source as open_rest
from lineside.adapters.sparkplug.source import open_source as open_sparkplug
from lineside.domain.plan.model import (
    FilesSpec,
    ModbusSpec,
    MqttSpec,
    MtconnectSpec,
    OpcuaSpec,
    PushSpec,
    RestSpec,
    SparkplugSpec,
)
from lineside.domain.readings import ReadingBatch
from lineside.ports import Source
from lineside.testing.clocks import WallClock
from lineside.testing.conformance.source import SourceBench, SourceSuite
from lineside.testing.fakes.source import FakeMachine, FakeMessage, FakeSource
from lineside.testing.peers.brokers import BrokerProcess, mosquitto, nats_server
from lineside.testing.peers.modbus import REGISTERS, ModbusPeer
from lineside.testing.peers.mtconnect import ITEMS, MtconnectPeer
from lineside.testing.peers.opcua import LABORATORY, NODES, OpcuaPeer
from lineside.testing.peers.ports import free_port
from lineside.testing.peers.posting import SECRET, PostingMachine
from lineside.testing.peers.rest import ROWS, RestPeer
from lineside.testing.peers.sparkplug import ADDRESSES, EdgePeer
from lineside.testing.plans import plan_with_source

runs = count()


class FakeBench:
    redelivers = repeats = keeps = True

    def __init__(self) -> None:
        self.plan = plan_with_source({"kind": "files", "path": "x"})
        self.clock = WallClock()
        self.machine = FakeMachine()

    def open(self, seen: Iterable[ReadingBatch] = ()) -> Source:
        return FakeSource(self.plan, self.machine, self.clock, seen=seen)

    async def send(self, signal: str, time: int, value: object) -> None:
        self.machine.send(FakeMessage(signal, time, value))

    async def send_bad(self, time: int) -> None:
        self.machine.send(FakeMessage("temperature", time, "warm"))

    async def restart(self) -> None:
        await asyncio.sleep(0)


class TestFake(SourceSuite):
    @pytest.fixture
    def bench(self) -> FakeBench:
        return FakeBench()


class FilesBench:
    redelivers = repeats = keeps = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "drop"
        self.folder.mkdir()
        self.state = folder / "position.json"
        spec = {"kind": "files", "path": "drop", "layout": "long", "time_column": "time"}
        self.plan = plan_with_source(spec)
        self.clock = WallClock()
        self.numbers = count()

    def open(self, seen: Iterable[ReadingBatch] = ()) -> Source:
        options = FileOptions(follow=True, state=self.state)
        return open_files(
            self.plan,
            self.plan.source_as(FilesSpec, "machine"),
            self.clock,
            root=self.folder.parent,
            options=options,
            seen=seen,
            sleep=lambda seconds: asyncio.sleep(seconds / 50),
        )

    async def send(self, signal: str, time: int, value: object) -> None:
        new = self.folder / "new"
        new.write_text(f"time,signal,value\n{time},{signal},{int(value) if isinstance(value, bool) else value}\n")
        new.rename(self.folder / f"{next(self.numbers):06}.csv")

    async def send_bad(self, time: int) -> None:
        await self.send("temperature", time, "warm")

    async def restart(self) -> None:
        away = self.folder.rename(self.folder.with_name("away"))
        await asyncio.sleep(0)
        away.rename(self.folder)


class TestFiles(SourceSuite):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> FilesBench:
        return FilesBench(tmp_path)


class OpcuaBench:
    redelivers = repeats = keeps = False

    def __init__(self, peer: OpcuaPeer) -> None:
        self.peer = peer
        spec = {**LABORATORY, "url": peer.url, "publishing_interval": "20 ms", "sampling_interval": "1 ms"}
        self.plan = plan_with_source(spec, addresses=NODES)
        self.clock = WallClock()

    def open(self, seen: Iterable[ReadingBatch] = ()) -> Source:
        return open_opcua(self.plan, self.plan.source_as(OpcuaSpec, "machine"), self.clock, seen=seen)

    async def send(self, signal: str, time: int, value: object) -> None:
        await self.peer.write(signal, value, time)

    async def send_bad(self, time: int) -> None:
        await self.peer.write_text("temperature", "warm", time)

    async def restart(self) -> None:
        await self.peer.stop()
        await self.peer.start()


@pytest_asyncio.fixture(scope="class", loop_scope="class")
async def opcua_peer() -> AsyncIterator[OpcuaPeer]:
    peer = OpcuaPeer()
    await peer.start()
    yield peer
    await peer.stop()


@pytest.mark.asyncio(loop_scope="class")
class TestOpcua(SourceSuite):
    @pytest_asyncio.fixture(loop_scope="class")
    async def bench(self, opcua_peer: OpcuaPeer) -> OpcuaBench:
        await opcua_peer.reset()
        return OpcuaBench(opcua_peer)


class MqttBench:
    redelivers = repeats = keeps = True

    def __init__(self, broker: BrokerProcess, version: str) -> None:
        self.broker = broker
        addresses = {signal: f"press/{signal}#$.v" for signal in NODES}
        spec = {"kind": "mqtt", "url": broker.url, "time_column": "$.ts", "version": version}
        self.plan = plan_with_source(spec, addresses=addresses)
        self.clock = WallClock()

    def open(self, seen: Iterable[ReadingBatch] = ()) -> Source:
        return open_mqtt(self.plan, self.plan.source_as(MqttSpec, "machine"), self.clock, seen=seen)

    async def send(self, signal: str, time: int, value: object) -> None:
        await self.publish(f"press/{signal}", json.dumps({"ts": time, "v": value}).encode())

    async def send_bad(self, time: int) -> None:
        await self.send("temperature", time, "warm")

    async def restart(self) -> None:
        self.machine.loop_stop()
        await self.broker.stop(kill=True)
        await self.broker.start()
        self.connect()

    async def publish(self, topic: str, payload: bytes) -> None:
        done = self.machine.publish(topic, payload, qos=1)
        await asyncio.to_thread(done.wait_for_publish, 10)

    def connect(self) -> None:
        self.machine = Client(CallbackAPIVersion.VERSION2, client_id="machine")
        self.machine.connect("127.0.0.1", self.broker.port)
        self.machine.loop_start()


needs_nats = pytest.mark.skipif(nats_server() is None, reason="no nats-server of the wheel")
needs_mosquitto = pytest.mark.skipif(mosquitto() is None, reason="mosquitto is not installed")
BROKERS = [
    pytest.param(("nats", "3.1.1"), id="nats", marks=needs_nats),
    pytest.param(("mosquitto", "3.1.1"), id="mosquitto", marks=needs_mosquitto),
    pytest.param(("mosquitto", "5"), id="mosquitto-5", marks=needs_mosquitto),
]


class TestMqtt(SourceSuite):
    @pytest.fixture(params=BROKERS)
    async def bench(self, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MqttBench]:
        kind, version = request.param
        broker = BrokerProcess(kind, tmp_path)
        await broker.start()
        bench = MqttBench(broker, version)
        await asyncio.to_thread(bench.connect)
        yield bench
        bench.machine.disconnect()
        bench.machine.loop_stop()
        await broker.stop()


class ModbusBench:
    redelivers = repeats = keeps = False

    def __init__(self, peer: ModbusPeer) -> None:
        self.peer = peer
        spec = {"kind": "modbus", "url": peer.url, "poll_interval": "20 ms"}
        self.plan = plan_with_source(spec, registers=REGISTERS)
        self.clock = WallClock()

    def open(self, seen: Iterable[ReadingBatch] = ()) -> Source:
        return open_modbus(self.plan, self.plan.source_as(ModbusSpec, "machine"), self.clock, seen=seen)

    async def send(self, signal: str, time: int, value: object) -> None:
        del time
        await self.peer.write(signal, value)

    async def send_bad(self, time: int) -> None:
        await self.send("temperature", time, float("nan"))

    async def restart(self) -> None:
        await self.peer.stop()
        await self.peer.start()


class TestModbus(SourceSuite):
    sampled = True
    bad_reason = "not_finite"
    bad_raw = b"\x00\x00\x7f\xc0"

    @pytest.fixture
    async def bench(self) -> AsyncIterator[ModbusBench]:
        peer = ModbusPeer()
        await peer.start()
        yield ModbusBench(peer)
        await peer.stop()


class MtconnectBench:
    redelivers = repeats = keeps = True

    def __init__(self, peer: MtconnectPeer, kept: Path) -> None:
        self.peer = peer
        self.kept = kept / "position.json"
        spec = {"kind": "mtconnect", "url": peer.url, "poll_interval": "20 ms"}
        self.plan = plan_with_source(spec, addresses=ITEMS)
        self.clock = WallClock()

    def open(self, seen: Iterable[ReadingBatch] = ()) -> Source:
        spec = self.plan.source_as(MtconnectSpec, "machine")
        return open_mtconnect(self.plan, spec, self.clock, options=MtconnectOptions(position=self.kept), seen=seen)

    async def send(self, signal: str, time: int, value: object) -> None:
        self.peer.send(signal, time, value)

    async def send_bad(self, time: int) -> None:
        self.peer.send("temperature", time, "warm")

    async def restart(self) -> None:
        await self.peer.stop()
        self.peer.forget()
        await self.peer.start()


class TestMtconnect(SourceSuite):
    @pytest.fixture(params=["1.3", "2.6"])
    async def bench(self, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MtconnectBench]:
        peer = MtconnectPeer(version=request.param)
        await peer.start()
        yield MtconnectBench(peer, tmp_path)
        await peer.stop()


class SparkplugBench:
    repeats = True
    redelivers = keeps = False

    def __init__(self, broker: BrokerProcess) -> None:
        self.broker = broker
        self.edge = EdgePeer(broker.port)
        self.plan = plan_with_source({"kind": "sparkplug", "url": broker.url}, addresses=ADDRESSES)
        self.clock = WallClock()

    def open(self, seen: Iterable[ReadingBatch] = ()) -> Source:
        return open_sparkplug(self.plan, self.plan.source_as(SparkplugSpec, "machine"), self.clock, seen=seen)

    async def send(self, signal: str, time: int, value: object) -> None:
        await asyncio.to_thread(self.edge.say, signal, time, value)

    async def send_bad(self, time: int) -> None:
        await self.send("temperature", time, "warm")

    async def restart(self) -> None:
        self.edge.lose_network()
        await self.broker.stop(kill=True)
        await self.broker.start()
        await self.edge.connect()


class TestSparkplug(SourceSuite):
    @pytest.fixture(params=[pytest.param("nats", marks=needs_nats), pytest.param("mosquitto", marks=needs_mosquitto)])
    async def bench(self, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SparkplugBench]:
        broker = BrokerProcess(request.param, tmp_path)
        await broker.start()
        bench = SparkplugBench(broker)
        await bench.edge.connect()
        yield bench
        bench.edge.close()
        await broker.stop()


class RestBench:
    redelivers = repeats = keeps = True

    def __init__(self, peer: RestPeer, kept: Path) -> None:
        self.peer = peer
        self.kept = kept / "position.json"
        self.plan = plan_with_source({"kind": "rest", "url": f"{peer.url}/log", "poll_interval": "20 ms", **ROWS})
        self.clock = WallClock()

    def open(self, seen: Iterable[ReadingBatch] = ()) -> Source:
        options = RestOptions(position=self.kept)
        return open_rest(self.plan, self.plan.source_as(RestSpec, "machine"), self.clock, options=options, seen=seen)

    async def send(self, signal: str, time: int, value: object) -> None:
        self.peer.send(signal, time, value)

    async def send_bad(self, time: int) -> None:
        self.peer.send("temperature", time, "warm")

    async def restart(self) -> None:
        await self.peer.stop()
        await self.peer.start()


class TestRest(SourceSuite):
    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[RestBench]:
        peer = RestPeer()
        await peer.start()
        yield RestBench(peer, tmp_path)
        await peer.stop()


class PushBench:
    redelivers = repeats = keeps = True

    def __init__(self, port: int) -> None:
        self.machine = PostingMachine(f"http://127.0.0.1:{port}/")
        addresses = {signal: f"$.{signal}" for signal in NODES}
        spec = {"kind": "push", "listen": f"127.0.0.1:{port}", "secret": "press", "time_column": "$.ts"}
        self.plan = plan_with_source({**spec, "most_requests": 1000}, addresses=addresses)
        self.clock = WallClock()

    def open(self, seen: Iterable[ReadingBatch] = ()) -> Source:
        options = PushOptions(secret=SECRET, durable_within=0.5)
        return open_push(self.plan, self.plan.source_as(PushSpec, "machine"), self.clock, options=options, seen=seen)

    async def send(self, signal: str, time: int, value: object) -> None:
        self.machine.send({"ts": time, signal: value})

    async def send_bad(self, time: int) -> None:
        await self.send("temperature", time, "warm")

    async def restart(self) -> None:
        await self.machine.stop()
        await self.machine.start()


class TestPush(SourceSuite):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[PushBench]:
        bench = PushBench(free_port())
        await bench.machine.start()
        yield bench
        await bench.machine.stop()


def test_every_bench_is_one() -> None:
    benches: list[type[SourceBench]] = [
        FakeBench,
        FilesBench,
        OpcuaBench,
        MqttBench,
        ModbusBench,
        MtconnectBench,
        SparkplugBench,
        RestBench,
        PushBench,
    ]
    assert len(benches) == 9
