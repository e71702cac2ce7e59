"""The conformance suite of connection tests over every adapter, each with its real peer."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from lineside.adapters.files.probe import probe as probe_files
from lineside.adapters.modbus.probe import probe as probe_modbus
from lineside.adapters.mqtt.probe import probe as probe_mqtt
from lineside.adapters.mqtt.source import MqttOptions
from lineside.adapters.mtconnect.probe import probe as probe_mtconnect
from lineside.adapters.opcua.options import OpcuaOptions
from lineside.adapters.opcua.probe import probe as probe_opcua
from lineside.adapters.push.probe import probe as probe_push
from lineside.adapters.push.source import PushOptions
from lineside.adapters.rest.probe import probe as probe_rest
from lineside.adapters.sparkplug.probe import probe as probe_sparkplug
from lineside.adapters.sparkplug.source import SparkplugOptions
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
from lineside.ports import ProbeReport
from lineside.testing.clocks import WallClock
from lineside.testing.conformance.probe import ProbeBench, ProbeSuite
from lineside.testing.peers.brokers import BrokerProcess, mosquitto
from lineside.testing.peers.modbus import REGISTERS, ModbusPeer
from lineside.testing.peers.mtconnect import ITEMS, MtconnectPeer
from lineside.testing.peers.opcua import LABORATORY, NODES, OpcuaPeer
from lineside.testing.peers.ports import free_port
from lineside.testing.peers.posting import SECRET, PostingMachine
from lineside.testing.peers.rest import PRESENT, RestPeer
from lineside.testing.peers.sparkplug import ADDRESSES, EdgePeer
from lineside.testing.plans import plan_with_source

NOWHERE = {**NODES, "pressure": "ns=2;s=Nothing"}


class FilesProbeBench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder / "drop"
        self.folder.mkdir()
        spec = {"kind": "files", "path": "drop", "layout": "wide", "time_column": "time"}
        self.plan = plan_with_source(spec, addresses={"pressure": "nowhere"})

    async def show(self, signal: str, value: object) -> None:
        (self.folder / "shift.csv").write_text(f"time,{signal}\n{WallClock().now()},{value}\n")

    async def probe(self, *signals: str) -> ProbeReport:
        spec = self.plan.source_as(FilesSpec, "machine")
        return await probe_files(self.plan, spec, WallClock(), root=self.folder.parent, signals=signals)

    async def leave(self) -> None:
        self.folder.rename(self.folder.with_name("away"))


class TestFiles(ProbeSuite):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> FilesProbeBench:
        return FilesProbeBench(tmp_path)


class OpcuaProbeBench:
    def __init__(self, peer: OpcuaPeer) -> None:
        self.peer = peer
        self.plan = plan_with_source({**LABORATORY, "url": peer.url}, addresses=NOWHERE)

    async def show(self, signal: str, value: object) -> None:
        if isinstance(value, str):
            await self.peer.write_text(signal, value, WallClock().now())
        else:
            await self.peer.write(signal, value, WallClock().now())

    async def probe(self, *signals: str) -> ProbeReport:
        spec = self.plan.source_as(OpcuaSpec, "machine")
        return await probe_opcua(self.plan, spec, WallClock(), options=OpcuaOptions(), signals=signals)

    async def leave(self) -> None:
        away = {**LABORATORY, "url": f"opc.tcp://127.0.0.1:{free_port()}/peer"}
        self.plan = plan_with_source(away, addresses=NOWHERE)


@pytest_asyncio.fixture(scope="class", loop_scope="class")
async def peer() -> AsyncIterator[OpcuaPeer]:
    peer = OpcuaPeer()
    await peer.start()
    yield peer
    await peer.stop()


@pytest.mark.asyncio(loop_scope="class")
class TestOpcua(ProbeSuite):
    @pytest_asyncio.fixture(loop_scope="class")
    async def bench(self, peer: OpcuaPeer) -> OpcuaProbeBench:
        await peer.reset()
        return OpcuaProbeBench(peer)


class MqttProbeBench:
    def __init__(self, broker: BrokerProcess) -> None:
        self.broker = broker
        addresses = {signal: f"press/{signal}#$.v" for signal in NODES} | {"pressure": "press/nowhere#$.v"}
        self.plan = plan_with_source({"kind": "mqtt", "url": broker.url, "time_column": "$.ts"}, addresses=addresses)

    async def show(self, signal: str, value: object) -> None:
        machine = Client(CallbackAPIVersion.VERSION2, client_id="machine")
        machine.connect("127.0.0.1", self.broker.port)
        machine.loop_start()
        payload = json.dumps({"ts": WallClock().now(), "v": value}).encode()
        done = machine.publish(f"press/{signal}", payload, qos=1, retain=True)
        await asyncio.to_thread(done.wait_for_publish, 10)
        machine.disconnect()
        machine.loop_stop()

    async def probe(self, *signals: str) -> ProbeReport:
        spec = self.plan.source_as(MqttSpec, "machine")
        return await probe_mqtt(
            self.plan, spec, WallClock(), options=MqttOptions(), signals=signals, within=5.0 if signals else 0.5
        )

    async def leave(self) -> None:
        await self.broker.stop()


@pytest.mark.skipif(mosquitto() is None, reason="mosquitto is not installed")
class TestMqtt(ProbeSuite):
    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[MqttProbeBench]:
        broker = BrokerProcess("mosquitto", tmp_path)
        await broker.start()
        yield MqttProbeBench(broker)
        await broker.stop()


class ModbusProbeBench:
    def __init__(self, peer: ModbusPeer) -> None:
        self.peer = peer
        nowhere = {**REGISTERS, "pressure": {"number": 5000, "type": "float32"}}
        self.plan = plan_with_source({"kind": "modbus", "url": peer.url}, registers=nowhere)

    async def show(self, signal: str, value: object) -> None:
        await self.peer.write(signal, value)

    async def probe(self, *signals: str) -> ProbeReport:
        return await probe_modbus(self.plan, self.plan.source_as(ModbusSpec, "machine"), WallClock(), signals=signals)

    async def leave(self) -> None:
        await self.peer.stop()


class TestModbus(ProbeSuite):
    wrong = float("nan")
    wrong_reason = "not_finite"

    @pytest.fixture
    async def bench(self) -> AsyncIterator[ModbusProbeBench]:
        peer = ModbusPeer()
        await peer.start()
        yield ModbusProbeBench(peer)
        await peer.stop()

    async def test_a_wrong_order_is_explained_by_the_one_that_makes_sense(self, bench: ModbusProbeBench) -> None:
        registers = {**REGISTERS, "temperature": {**REGISTERS["temperature"], "order": "ABCD"}}
        bench.plan = plan_with_source({"kind": "modbus", "url": bench.peer.url}, registers=registers)
        await bench.show("temperature", 211.5)
        report = await bench.probe("temperature")
        [step] = [step for step in report.steps if step.name == "order"]
        assert "in order CDAB it would be 211.5" in step.seen
        assert "correct the plan's order" in step.next_step


class MtconnectProbeBench:
    def __init__(self, peer: MtconnectPeer) -> None:
        self.peer = peer
        self.plan = plan_with_source({"kind": "mtconnect", "url": peer.url}, addresses={**ITEMS, "pressure": "nowhere"})

    async def show(self, signal: str, value: object) -> None:
        self.peer.send(signal, WallClock().now(), value)

    async def probe(self, *signals: str) -> ProbeReport:
        return await probe_mtconnect(
            self.plan, self.plan.source_as(MtconnectSpec, "machine"), WallClock(), signals=signals
        )

    async def leave(self) -> None:
        await self.peer.stop()


class TestMtconnect(ProbeSuite):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[MtconnectProbeBench]:
        peer = MtconnectPeer()
        await peer.start()
        yield MtconnectProbeBench(peer)
        await peer.stop()


class SparkplugProbeBench:
    def __init__(self, broker: BrokerProcess, edge: EdgePeer) -> None:
        self.broker = broker
        self.edge = edge
        addresses = {**ADDRESSES, "pressure": ADDRESSES["pressure"] + "/nowhere"}
        self.plan = plan_with_source({"kind": "sparkplug", "url": broker.url, "host": "other"}, addresses=addresses)

    async def show(self, signal: str, value: object) -> None:
        await asyncio.to_thread(self.edge.say, signal, WallClock().now(), value)

    async def probe(self, *signals: str) -> ProbeReport:
        spec = self.plan.source_as(SparkplugSpec, "machine")
        return await probe_sparkplug(
            self.plan, spec, WallClock(), options=SparkplugOptions(), signals=signals, within=3.0
        )

    async def leave(self) -> None:
        await self.broker.stop()


@pytest.mark.skipif(mosquitto() is None, reason="mosquitto is not installed")
class TestSparkplug(ProbeSuite):
    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[SparkplugProbeBench]:
        broker = BrokerProcess("mosquitto", tmp_path)
        await broker.start()
        edge = EdgePeer(broker.port)
        await edge.connect()
        yield SparkplugProbeBench(broker, edge)
        edge.close()
        await broker.stop()

    async def test_an_edge_node_that_is_not_there_is_not_heard(self, bench: SparkplugProbeBench) -> None:
        bench.edge.close()
        report = await bench.probe("temperature")
        assert [(step.signal, step.seen) for step in report.steps if not step.ok] == [
            ("temperature", "nothing arrives")
        ]


class RestProbeBench:
    def __init__(self, peer: RestPeer) -> None:
        self.peer = peer
        spec = {"kind": "rest", "url": f"{peer.url}/present", "time_column": "$.ts"}
        self.plan = plan_with_source(spec, addresses={**PRESENT, "pressure": "$.nowhere"})

    async def show(self, signal: str, value: object) -> None:
        self.peer.send(signal, WallClock().now(), value)

    async def probe(self, *signals: str) -> ProbeReport:
        return await probe_rest(self.plan, self.plan.source_as(RestSpec, "machine"), WallClock(), signals=signals)

    async def leave(self) -> None:
        await self.peer.stop()


class TestRest(ProbeSuite):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[RestProbeBench]:
        peer = RestPeer()
        await peer.start()
        yield RestProbeBench(peer)
        await peer.stop()


class PushProbeBench:
    def __init__(self, port: int) -> None:
        self.machine = PostingMachine(f"http://127.0.0.1:{port}/")
        spec = {"kind": "push", "listen": f"127.0.0.1:{port}", "secret": "press"}
        self.plan = plan_with_source(spec, addresses={"temperature": "$.t"})

    async def show(self, signal: str, value: object) -> None:
        assert signal == "temperature"
        self.machine.send({"t": value})

    async def probe(self, *signals: str) -> ProbeReport:
        spec = self.plan.source_as(PushSpec, "machine")
        options = PushOptions(secret=SECRET)
        return await probe_push(self.plan, spec, WallClock(), options=options, signals=signals, within=3.0)

    async def leave(self) -> None:
        await self.machine.stop()


class TestPush(ProbeSuite):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[PushProbeBench]:
        bench = PushProbeBench(free_port())
        await bench.machine.start()
        yield bench
        await bench.machine.stop()


def test_every_bench_is_one() -> None:
    benches: list[type[ProbeBench]] = [
        FilesProbeBench,
        OpcuaProbeBench,
        MqttProbeBench,
        ModbusProbeBench,
        MtconnectProbeBench,
        SparkplugProbeBench,
        RestProbeBench,
        PushProbeBench,
    ]
    assert len(benches) == 8
