"""What HMIs and stack lights hear of a line, over real brokers: births, changes, births on request, deaths."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from lineside.adapters.sparkplug.andon import SparkplugAndon
from lineside.adapters.sparkplug.edge_node import EdgeNode, Offer
from lineside.adapters.sparkplug.payloads import REBIRTH, SESSION
from lineside.adapters.sparkplug.sparkplug_b_pb2 import Payload
from lineside.domain.notifying.andon import AndonNode
from lineside.testing.clocks import ManualClock
from lineside.testing.peers.brokers import BrokerProcess
from lineside.testing.peers.ports import until

OFFERS = [Offer(name="cast/state", type="string"), Offer(name="cast/taken", type="boolean")]


@dataclass
class Host:
    """Hears everything of a group; ``heard`` holds kind, sequence (-1: none) and values by name, in order."""

    port: int
    heard: list[tuple[str, int, dict[str, object]]] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    client: Client = field(default_factory=lambda: Client(CallbackAPIVersion.VERSION2, client_id="host"))

    def start(self) -> None:
        self.client.on_message = self._take
        self.client.on_connect = lambda client, *_: client.subscribe("spBv1.0/works/#", qos=1)
        self.client.reconnect_delay_set(1, 1)
        self.client.connect("127.0.0.1", self.port)
        self.client.loop_start()

    def stop(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def ask_for_births(self, raw: bytes | None = None) -> None:
        payload = Payload()
        payload.metrics.add(name=REBIRTH, datatype=11, boolean_value=True)
        self.client.publish("spBv1.0/works/NCMD/lineside", payload.SerializeToString() if raw is None else raw, qos=1)

    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.heard]

    def _take(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        kind = message.topic.split("/")[2]
        if kind == "NCMD":
            return
        payload: Payload = Payload.FromString(message.payload)
        values: dict[str, object] = {}
        for metric in payload.metrics:
            if metric.name and metric.HasField("alias"):
                self.names[metric.alias] = metric.name
            name = metric.name or self.names[metric.alias]
            which = metric.WhichOneof("value")
            values[name] = None if which is None or metric.is_null else getattr(metric, which)
        self.heard.append((kind, payload.seq if payload.HasField("seq") else -1, values))


@pytest.fixture
async def host(broker: BrokerProcess) -> AsyncIterator[Host]:
    host = Host(broker.port)
    await asyncio.to_thread(host.start)
    await until(host.client.is_connected)
    yield host
    await asyncio.to_thread(host.stop)


@dataclass
class Line:
    andon: SparkplugAndon
    values: dict[str, bool | str]
    troubles: list[str]
    task: asyncio.Task[None] | None = None

    def change(self, **values: bool | str) -> None:
        self.values |= {f"cast/{name}": value for name, value in values.items()}
        self.andon.changed.set()

    async def stop(self) -> None:
        assert self.task is not None
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@pytest.fixture
async def line(broker: BrokerProcess, host: Host) -> AsyncIterator[Line]:
    assert host.client.is_connected()  # who listens from the beginning
    values: dict[str, bool | str] = {"cast/state": "normal", "cast/taken": False}
    troubles: list[str] = []

    async def address() -> str:
        return "127.0.0.1"

    andon = SparkplugAndon(
        place=AndonNode(id="lights", host="127.0.0.1", port=broker.port, group="works", edge="lineside"),
        node=EdgeNode("works", "lineside", "dc07", OFFERS),
        values=lambda: values,
        address=address,
        password=lambda: "",
        clock=ManualClock(),
        say=troubles.append,
        retry=0.2,
    )
    made = Line(andon=andon, values=values, troubles=troubles)
    made.task = asyncio.create_task(andon.run())
    yield made
    await made.stop()


async def test_the_node_is_born_with_all_values_and_says_only_what_has_changed(host: Host, line: Line) -> None:
    await until(lambda: "DBIRTH" in host.kinds())
    assert [item[:2] for item in host.heard] == [("NBIRTH", 0), ("DBIRTH", 1)]
    assert host.heard[1][2] == {"cast/state": "normal", "cast/taken": False}
    line.change(state="alarm")
    await until(lambda: len(host.heard) == 3)
    assert host.heard[2] == ("DDATA", 2, {"cast/state": "alarm"})


async def test_a_host_that_asks_gets_the_births_with_what_holds_now_and_other_commands_do_nothing(
    host: Host, line: Line
) -> None:
    await until(lambda: "DBIRTH" in host.kinds())
    line.change(taken=True)
    await until(lambda: "DDATA" in host.kinds())
    host.ask_for_births(b"\xff\xff no payload")
    host.ask_for_births()
    await until(lambda: host.kinds().count("DBIRTH") == 2)
    assert [item[:2] for item in host.heard[-2:]] == [("NBIRTH", 0), ("DBIRTH", 1)]
    assert host.heard[-1][2] == {"cast/state": "normal", "cast/taken": True}


async def test_a_plant_that_is_stopped_says_that_its_node_dies_by_the_number_of_its_birth(
    host: Host, line: Line
) -> None:
    await until(lambda: "DBIRTH" in host.kinds())
    born = host.heard[0][2][SESSION]
    await line.stop()
    await until(lambda: "NDEATH" in host.kinds())
    assert host.heard[-1] == ("NDEATH", -1, {SESSION: born})


async def test_a_broker_that_goes_and_comes_back_is_said_and_the_node_is_born_again(
    broker: BrokerProcess, host: Host, line: Line
) -> None:
    await until(lambda: "DBIRTH" in host.kinds())
    await broker.stop(kill=True)
    await until(lambda: bool(line.troubles))
    assert line.troubles == ["the broker cannot be reached"]
    line.values["cast/state"] = "alarm"
    await broker.start()
    await until(lambda: line.troubles[-1] == "")
    await until(host.client.is_connected)
    host.ask_for_births()
    await until(lambda: host.kinds().count("DBIRTH") >= 2)
    assert host.heard[-1][2]["cast/state"] == "alarm"
