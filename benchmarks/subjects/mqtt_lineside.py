"""Lineside at `mqtt`: its source, from the socket to batches that passed the gate, each acknowledged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from lineside.adapters.clocks import SystemClock
from lineside.adapters.mqtt.source import open_source
from lineside.domain.plan.model import MqttSpec, Plan
from lineside.testing.plans import plan_with_source
from subjects.mqtt_load import TOPIC, WARM, broker, publishing


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run that takes a number of messages."""

    def run() -> dict[str, object]:
        with broker() as peer:
            spec = {"kind": "mqtt", "url": peer.url, "time_column": "$.ts"}
            addresses = {name: f"press/{name}#$.v" for name in ("pressure", "running", "serial")}
            plan = plan_with_source(spec, addresses={**addresses, "temperature": f"{TOPIC}#$.v"})
            return asyncio.run(_take(plan, peer.port, work))

    return run


async def _take(plan: Plan, port: int, work: dict[str, Any]) -> dict[str, object]:
    source = open_source(plan, plan.source_as(MqttSpec, "machine"), SystemClock())
    count, began, first, started = 0, 0.0, 0, time.perf_counter()
    deliveries = source.deliveries()
    pending = asyncio.ensure_future(anext(deliveries))
    while source.condition.phase != "connected":  # noqa: ASYNC110 - the source sets no event of it
        await asyncio.sleep(0.01)
    with publishing(port, work):
        while count < WARM + int(work["messages"]):
            delivery = await pending
            pending = asyncio.ensure_future(anext(deliveries))
            count += 0 if delivery.readings is None else len(delivery.readings)
            await source.acknowledge(delivery.token)
            if not began and count >= WARM:
                began, first = time.process_time(), count
    seconds, wall = time.process_time() - began, time.perf_counter() - started
    await source.close()
    pending.cancel()
    return {"value": seconds / (count - first) * 1e6, "cpu_s": seconds, "wall_s": wall}
