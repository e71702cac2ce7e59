"""Lineside at metrics of Sparkplug B: its source without a broker, from bytes to batches that passed the gate.

Messages come one by one or so many behind each other in what a socket gave.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from lineside.adapters.clocks import SystemClock
from lineside.adapters.mqtt_packets import read_packets
from lineside.adapters.sparkplug.source import open_source
from lineside.domain.plan.model import Plan, SparkplugSpec
from subjects.messages import packet_of
from subjects.sparkplug_load import messages, plan_of

_A_DELIVERY: Final = 20


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run that takes every message once."""
    births, data = messages(work)
    plan = plan_of(int(work["metrics"]), "mqtt://127.0.0.1")
    born = b"".join(packet_of(said.topic, said.payload) for said in births)
    topic, together = births[1].topic.replace("DBIRTH", "DDATA"), int(work["together"])
    pieces = [data[at : at + together] for at in range(0, len(data), together)]
    sent = [b"".join(packet_of(topic, raw) for raw in piece) for piece in pieces]

    def run() -> dict[str, object]:
        return asyncio.run(_take(plan, born, sent))

    return run


async def _take(plan: Plan, born: bytes, sent: Sequence[bytes]) -> dict[str, object]:
    source = open_source(plan, plan.source_as(SparkplugSpec, "edge"), SystemClock())
    source._receive(read_packets(born, 0, five=False)[0])  # noqa: SLF001 - what the connection calls
    source._next()  # noqa: SLF001 - what the deliveries call
    count, waiting = 0, 0
    began = time.process_time()
    for number, said in enumerate(sent, start=1):
        packets, _ = read_packets(said, 0, five=False)
        source._receive(packets)  # noqa: SLF001 - as above
        waiting += len(packets)
        if waiting >= _A_DELIVERY or number == len(sent):
            readings = source._next().readings  # noqa: SLF001 - as above
            count, waiting = count + (0 if readings is None else len(readings)), 0
    seconds = time.process_time() - began
    return {"value": count / seconds, "cpu_s": seconds}
