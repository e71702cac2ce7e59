"""The machine's OPC UA server delivers complete shots to a real client, with the source's own times."""

import asyncio
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from asyncua import ua
from asyncua.client.client import Client

import lineside.apps.demo
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.demo.line import Checkpoint, SimulatedLine
from lineside.apps.demo.machine import Machine
from lineside.apps.demo.physics.cell import Cell, CellState
from lineside.apps.demo.physics.constants import CellConfig
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.model import Plan
from lineside.domain.units import MINUTE, SECOND

START = 1_750_000_000_000_000_000


class Listener:
    """Notes every change: node, source time, value."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, datetime, Any]] = []

    def datachange_notification(self, node: Any, value: Any, data: Any) -> None:
        change = data.monitored_item.Value
        if change.StatusCode.is_good():
            self.heard.append((node.nodeid.Identifier, change.SourceTimestamp, value))


@pytest.fixture(scope="module")
def plan() -> Plan:
    path = Path(lineside.apps.demo.__file__).with_name("plan.yaml")
    return load_plan(path)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def until(condition: Any) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what it waits for has no event
            await asyncio.sleep(0.02)


async def test_every_reading_of_several_shots_arrives_in_order(plan: Plan) -> None:
    catalogue = catalogue_for(plan)
    signals = [signal for signal in plan.signals if signal.source == "machine"]
    line = SimulatedLine(
        Checkpoint(seed=5, said=START, cell=CellState(time=START)),
        Cell(CellConfig(), 5, CellState(time=START)),
        catalogue,
    )
    port = free_port()
    machine = Machine(port, signals)
    await machine.start()
    listener = Listener()
    sent = []
    async with Client(f"opc.tcp://127.0.0.1:{port}") as client:
        subscription = await client.create_subscription(50, listener)
        asked = ua.DataChangeFilter(Trigger=ua.DataChangeTrigger.StatusValueTimestamp)
        nodes = [client.get_node(signal.address) for signal in signals]
        await subscription._subscribe(nodes, ua.AttributeIds.Value, asked, queuesize=1000)  # type: ignore[attr-defined]
        for now in range(START, START + 5 * MINUTE, SECOND):
            said, _ = line.advance(now)
            await machine.say(said)
            sent += [item for item in said if item.signal in {signal.id for signal in signals}]
        await until(lambda: len(listener.heard) >= len(sent))
        await subscription.delete()
    await machine.stop()
    by_signal: dict[str, list[tuple[int, Any]]] = {}
    for name, time, value in listener.heard:
        moment = time if time.tzinfo else time.replace(tzinfo=UTC)
        by_signal.setdefault(name.removeprefix("DC07."), []).append((round(moment.timestamp() * 1e6), value))
    for signal in signals:
        expected = [(item.time // 1000, item.value) for item in sent if item.signal == signal.id]
        assert by_signal.get(signal.id, []) == expected, signal.id
