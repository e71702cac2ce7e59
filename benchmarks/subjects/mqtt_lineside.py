"""Lineside at `mqtt`: its source, from the socket to batches that passed the gate, each acknowledged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from lineside.adapters.clocks import SystemClock
from lineside.adapters.mqtt.source import open_source
from lineside.adapters.mqtt_packets import read_packets
from lineside.domain.plan.model import MqttSpec, Plan
from lineside.testing.plans import plan_with_source
from subjects.messages import packet_of
from subjects.mqtt_load import TOPIC, WARM, broker, message, once_connected, publishing


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
    source._receive(read_packets(packet_of(TOPIC, message(-1)), 0, five=False)[0])  # noqa: SLF001 - compiles
    source._delivery()  # noqa: SLF001 - the same
    count, began, first, started = 0, 0.0, 0, time.perf_counter()
    async with once_connected(source, publishing(port, work)):
        async for delivery in source.deliveries():
            count += 0 if delivery.readings is None else len(delivery.readings)
            await source.acknowledge(delivery.token)
            if not began and count >= WARM:
                began, first = time.process_time(), count
            if count >= WARM + int(work["messages"]):
                break
    seconds, wall = time.process_time() - began, time.perf_counter() - started
    await source.close()
    return {"value": seconds / (count - first) * 1e6, "cpu_s": seconds, "wall_s": wall}
