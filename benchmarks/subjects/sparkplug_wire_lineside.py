"""Lineside at `mqtt`: its source of Sparkplug B, from the socket to batches that passed the gate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from lineside.adapters.clocks import SystemClock
from lineside.adapters.sparkplug.source import open_source
from lineside.domain.plan.model import Plan, SparkplugSpec
from subjects import sparkplug_lineside
from subjects.mqtt_load import WARM, broker, once_connected
from subjects.sparkplug_load import plan_of, publishing


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run that takes a number of messages."""
    sparkplug_lineside.prepare({**work, "messages": 2, "together": 1})()  # compiles

    def run() -> dict[str, object]:
        with broker() as peer:
            return asyncio.run(_take(plan_of(int(work["metrics"]), peer.url), peer.port, work))

    return run


async def _take(plan: Plan, port: int, work: dict[str, Any]) -> dict[str, object]:
    source = open_source(plan, plan.source_as(SparkplugSpec, "edge"), SystemClock())
    metrics, count, began, first = int(work["metrics"]), 0, 0.0, 0
    async with once_connected(source, publishing(port, work)):
        async for delivery in source.deliveries():
            count += 0 if delivery.readings is None else len(delivery.readings)
            if not began and count >= metrics * WARM:
                began, first = time.process_time(), count
            if count >= metrics * (WARM + int(work["messages"])):
                break
    seconds = time.process_time() - began
    await source.close()
    return {"value": seconds / (count - first) * metrics * 1e6, "cpu_s": seconds}
