"""A value that is the same again is a measurement where the plan says so, and no news where it does not."""

import asyncio
import time

import pytest

from lineside.adapters.opcua.source import open_source
from lineside.domain.plan.model import OpcuaSpec
from lineside.domain.units import MILLISECOND
from lineside.testing.clocks import WallClock
from lineside.testing.peers.opcua import LABORATORY, NODES, OpcuaPeer
from lineside.testing.plans import plan_with_source


@pytest.mark.parametrize(("repeats", "expected"), [(True, [20.0, 20.0, 20.0, 21.0]), (False, [20.0, 21.0])])
async def test_equal_values_are_reported_if_the_plan_asks_for_them(*, repeats: bool, expected: list[float]) -> None:
    peer = OpcuaPeer()
    await peer.start()
    spec = {**LABORATORY, "url": peer.url, "publishing_interval": "20 ms", "sampling_interval": "1 ms"}
    plan = plan_with_source({**spec, "repeats": repeats}, addresses=NODES)
    source = open_source(plan, plan.source_as(OpcuaSpec, "machine"), WallClock())
    code = source.catalogue.codes()["temperature"]
    start = time.time_ns() // MILLISECOND * MILLISECOND
    await peer.write("temperature", 19.0, start)
    values: list[float] = []
    async with asyncio.timeout(30):
        async for delivery in source.deliveries():
            assert delivery.readings is not None
            rows = delivery.readings.signal == code
            values += delivery.readings.value[rows].tolist()
            if values == [19.0]:
                for step, value in enumerate((20.0, 20.0, 20.0, 21.0), start=1):
                    await peer.write("temperature", value, start + step * MILLISECOND)
            if values and values[-1] == 21.0:
                break
    await source.close()
    await peer.stop()
    assert values[1:] == expected
