"""The chiller is read over real Modbus, in its vendor's word order, and says when its gateway has a trouble."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import lineside.apps.demo
from lineside.adapters.modbus.source import open_source
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.demo.chiller import SOURCE, Chiller
from lineside.apps.demo.line import Said
from lineside.domain.plan.model import ModbusSpec, Plan
from lineside.testing.clocks import WallClock
from lineside.testing.conformance.source import Reader, reading
from lineside.testing.peers.ports import free_port

SAID = {"cooling_flow": 27.43, "cooling_in": 24.1, "cooling_out": 31.9, "chiller_state": 1.0}


def readings(**changed: float) -> list[Said]:
    return [Said(0, order, signal, value) for order, (signal, value) in enumerate({**SAID, **changed}.items())]


@pytest.fixture
def plan() -> Plan:
    plan = load_plan(Path(lineside.apps.demo.__file__).with_name("plan.yaml"))
    spec = plan.source_as(ModbusSpec, SOURCE)
    moved = spec.model_copy(update={"url": f"modbus://127.0.0.1:{free_port()}", "poll_interval": 20_000_000})
    return plan.model_copy(update={"sources": (moved, *(item for item in plan.sources if item.id != SOURCE))})


@pytest.fixture
async def chiller(plan: Plan) -> AsyncIterator[Chiller]:
    chiller = Chiller(plan, int(plan.source_as(ModbusSpec, SOURCE).url.rpartition(":")[2]))
    await chiller.say(readings())
    yield chiller
    await chiller.stop()


async def comes(reader: Reader, signal: str, value: float) -> None:
    await reader.until(lambda: any(seen == pytest.approx(value) for _, seen in reader.values(signal)))


async def test_what_the_cell_says_of_its_cooling_is_what_the_gateway_reads(plan: Plan, chiller: Chiller) -> None:
    async with reading(open_source(plan, plan.source_as(ModbusSpec, SOURCE), WallClock())) as reader:
        for signal, value in SAID.items():
            await comes(reader, signal, value)
        await chiller.say(readings(cooling_flow=6.8)[:1])
        await comes(reader, "cooling_flow", 6.8)
    assert {item.reason for item in reader.quarantined} <= {"poll_late"}


async def test_a_silent_controller_and_an_unplugged_gateway_are_told_apart_and_both_end(
    plan: Plan, chiller: Chiller
) -> None:
    async with reading(open_source(plan, plan.source_as(ModbusSpec, SOURCE), WallClock())) as reader:
        await comes(reader, "cooling_in", 24.1)
        chiller.silent.cut()
        await reader.until(lambda: any("silent" in item.detail for item in reader.quarantined))
        chiller.silent.mend()
        await chiller.say(readings(cooling_in=25.2))
        await comes(reader, "cooling_in", 25.2)
        chiller.unplugged.cut()
        await chiller.say([])
        await reader.until(lambda: any(item.reason == "connection_lost" for item in reader.quarantined))
        chiller.unplugged.mend()
        await chiller.say(readings(cooling_in=26.3))
        await comes(reader, "cooling_in", 26.3)
    assert {item.reason for item in reader.quarantined} - {"poll_late"} == {"machine_exception", "connection_lost"}


async def test_it_listens_only_once_it_has_something_to_say_of_every_register(plan: Plan) -> None:
    chiller = Chiller(plan, int(plan.source_as(ModbusSpec, SOURCE).url.rpartition(":")[2]))
    await chiller.say(readings()[:3])
    async with reading(open_source(plan, plan.source_as(ModbusSpec, SOURCE), WallClock())) as reader:
        await reader.until(lambda: bool(reader.quarantined))
        assert not reader.batches
        await chiller.say(readings()[3:])
        await comes(reader, "chiller_state", 1.0)
    await chiller.stop()
    assert all(value in SAID.values() or value == pytest.approx(27.43) for _, value in reader.values("cooling_flow"))
