"""The vacuum unit's readings arrive at the gateway's own source; it dies with its network and is born again."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lineside.adapters.clocks import SystemClock
from lineside.adapters.nats_server import EmbeddedNats, NatsOptions
from lineside.adapters.plan_yaml import parse_plan
from lineside.adapters.sparkplug.source import SparkplugOptions, SparkplugSource, open_source
from lineside.apps.demo.line import Said
from lineside.apps.demo.run import packaged_plan
from lineside.apps.demo.vacuum import VacuumUnit
from lineside.domain.plan.model import SparkplugSpec
from lineside.domain.readings import BAD_NO_COMMUNICATION
from lineside.domain.units import MILLISECOND, SECOND
from lineside.testing.conformance.source import Reader, reading

START = 1_750_000_000 * SECOND


@pytest.fixture
async def unit_and_source(tmp_path: Path) -> AsyncIterator[tuple[VacuumUnit, SparkplugSource]]:
    broker = EmbeddedNats(tmp_path / "broker", NatsOptions(store=tmp_path / "store", mqtt_port=-1))
    address = await broker.start()
    plan = parse_plan(packaged_plan(1, broker.mqtt_port), "demo")
    clock = SystemClock()
    options = SparkplugOptions(password=address.password)
    source = open_source(plan, plan.source_as(SparkplugSpec, "vacuum"), clock, options=options)
    unit = VacuumUnit(broker.mqtt_port, address.user, address.password, clock.now)
    running = asyncio.create_task(unit.run())
    yield unit, source
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await broker.stop()


def said(number: int) -> list[Said]:
    return [Said(START + number * 50 * MILLISECOND + 300_000, 0, "vacuum_pressure", 60.0 + number)]


async def hears(reader: Reader) -> None:
    """Wait until the unit is born; what is said before is nobody's."""
    await reader.until(lambda: reader.source.condition.phase == "connected" and reader.source.condition.troubles == ())


async def test_what_it_says_arrives_in_order_at_its_own_milliseconds(
    unit_and_source: tuple[VacuumUnit, SparkplugSource],
) -> None:
    unit, source = unit_and_source
    async with reading(source) as reader:
        await hears(reader)
        for number in range(300):
            unit.say(said(number))
        await reader.until(lambda: len(reader.values("vacuum_pressure")) == 300)
        expected = [(START + number * 50 * MILLISECOND, 60.0 + number) for number in range(300)]
        assert reader.values("vacuum_pressure") == expected


async def test_off_the_network_it_is_stale_and_what_it_measured_comes_later_as_history(
    unit_and_source: tuple[VacuumUnit, SparkplugSource],
) -> None:
    unit, source = unit_and_source
    async with reading(source) as reader:
        await hears(reader)
        unit.cut()
        await reader.until(lambda: ("north_works/dc_07/vacuum_unit", "stale") in reader.source.condition.troubles)
        await reader.until(lambda: any(BAD_NO_COMMUNICATION in batch.status for batch in reader.batches))
        for number in range(20):
            unit.say(said(number))
        unit.mend()
        await reader.until(lambda: len(reader.values("vacuum_pressure")) == 20)
        assert reader.source.condition.troubles == ()
        live = [item.readings for item in reader.deliveries if item.readings is not None and not item.replayed]
        assert not any((batch.value > 0).any() for batch in live)
