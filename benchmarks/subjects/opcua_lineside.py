"""Lineside at `opcua`: its source on the same load, up to batches of readings that passed the gate."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from lineside.adapters.clocks import SystemClock
from lineside.adapters.opcua.source import open_source
from lineside.domain.plan.model import OpcuaSpec, Plan
from lineside.testing.plans import CASTING
from subjects.opcua_server import node_of, running


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run that takes a number of changes."""
    logging.disable(logging.CRITICAL)

    def run() -> dict[str, object]:
        with running(work) as url:
            return asyncio.run(_take(_plan(url, work), work))

    return run


def _plan(url: str, work: dict[str, Any]) -> Plan:
    source = {"id": "plc", "kind": "opcua", "url": url, "security": "none", "laboratory": True}
    intervals = {"publishing_interval": f"{work['interval_ms']} ms", "sampling_interval": "1 ms"}
    named = [(f"s{number}", node_of(number)) for number in range(int(work["signals"]))]
    return Plan.model_validate(
        {
            **CASTING,
            "sources": [{**source, **intervals}],
            "stations": [{"id": "press", "cycle": {"by": "window", "length": "1 s"}}],
            "signals": [
                {"id": name, "station": "press", "source": "plc", "address": node, "range": (0, 1e9)}
                for name, node in named
            ],
        }
    )


async def _take(plan: Plan, work: dict[str, Any]) -> dict[str, object]:
    source = open_source(plan, plan.source_as(OpcuaSpec, "plc"), SystemClock())
    first = 2 * int(work["signals"])
    count, began, started = 0, 0.0, time.perf_counter()
    async for delivery in source.deliveries():
        count += 0 if delivery.readings is None else len(delivery.readings)
        if not began and count >= first:
            began, first = time.process_time(), count
        elif began and count >= first + int(work["changes"]):
            break
    seconds, wall = time.process_time() - began, time.perf_counter() - started
    await source.close()
    return {"value": seconds / (count - first) * 1e6, "cpu_s": seconds, "wall_s": wall}
