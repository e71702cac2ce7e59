"""Lineside at metrics of Sparkplug B: its source without a broker, from bytes to batches that passed the gate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from paho.mqtt.client import MQTTMessage

from lineside.adapters.clocks import SystemClock
from lineside.adapters.sparkplug.source import open_source
from lineside.domain.plan.model import Plan, SparkplugSpec
from subjects.sparkplug_load import messages


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run that takes every message once."""
    births, data = messages(work)
    plan = _plan(int(work["metrics"]))
    born = [_message(said.topic, said.payload) for said in births]
    sent = [_message(births[1].topic.replace("DBIRTH", "DDATA"), raw) for raw in data]

    def run() -> dict[str, object]:
        return asyncio.run(_take(plan, born, sent))

    return run


async def _take(plan: Plan, born: list[MQTTMessage], sent: list[MQTTMessage]) -> dict[str, object]:
    source = open_source(plan, plan.source_as(SparkplugSpec, "edge"), SystemClock())
    for message in born:
        source._receive(message)  # noqa: SLF001 - what the connection calls
    source._next()  # noqa: SLF001 - what the deliveries call
    count = 0
    began = time.process_time()
    for number, message in enumerate(sent, start=1):
        source._receive(message)  # noqa: SLF001 - as above
        if number % 20 == 0 or number == len(sent):
            readings = source._next().readings  # noqa: SLF001 - as above
            count += 0 if readings is None else len(readings)
    seconds = time.process_time() - began
    return {"value": count / seconds, "cpu_s": seconds}


def _message(topic: str, payload: bytes) -> MQTTMessage:
    message = MQTTMessage(topic=topic.encode())
    message.payload = payload
    return message


def _plan(metrics: int) -> Plan:
    return Plan.model_validate(
        {
            "lineside": 1,
            "site": {"id": "site"},
            "area": {"id": "area"},
            "line": {"id": "line"},
            "part": {"number": "P"},
            "sources": [{"id": "edge", "kind": "sparkplug", "url": "mqtt://127.0.0.1"}],
            "stations": [{"id": "press", "cycle": {"by": "window", "length": "1 s"}}],
            "signals": [
                {"id": f"m{number}", "station": "press", "source": "edge", "address": f"group/edge/device#m{number}"}
                for number in range(metrics)
            ],
        }
    )
