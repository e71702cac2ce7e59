"""Lineside at `poll`: one poll of the source's own asker, through the gate, to a batch of readings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from lineside.adapters.clocks import SystemClock
from lineside.adapters.modbus.device import device_of
from lineside.adapters.modbus.source import ModbusAsker
from lineside.adapters.mtconnect.source import MtconnectAsker, MtconnectOptions
from lineside.adapters.polling import Asker
from lineside.adapters.rest.source import RestAsker, RestOptions
from lineside.domain.health.sources import SourceRecord
from lineside.domain.intake.gate import Gate
from lineside.domain.intake.troubles import Troubles
from lineside.domain.plan.model import ModbusSpec, MtconnectSpec, Plan, Register, RestSpec
from subjects.plans import line_of
from subjects.poll_servers import VALUES, start

POLLS = 1_000


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, float]]:
    """Return a run of polls of a ``kind`` of source."""
    server, modbus, http = start()
    plan, gate, asker = _asker(str(work["kind"]), modbus, http)

    def run() -> dict[str, float]:
        assert server.poll() is None
        return asyncio.run(_polls(gate, asker))

    run()
    assert len(plan.signals) == VALUES
    return run


async def _polls(gate: Gate, asker: Asker) -> dict[str, float]:
    await asker.open()
    await asker.ask(0)
    gate.take()
    began, count = time.thread_time(), 0
    for _ in range(POLLS):
        await asker.ask(0)
        readings = gate.take().readings
        assert readings is not None
        count += len(readings)
    spent = time.thread_time() - began
    await asker.close()
    return {"value": 1e6 * spent / POLLS, "readings": count / POLLS}


def _asker(kind: str, modbus: int, http: int) -> tuple[Plan, Gate, Asker]:
    sources = {
        "modbus": {"kind": "modbus", "url": f"modbus://127.0.0.1:{modbus}", "order": "CDAB", "poll_interval": "1 ns"},
        "rest": {"kind": "rest", "url": f"http://127.0.0.1:{http}/values", "time_column": "$.ts"},
        "mtconnect": {"kind": "mtconnect", "url": f"http://127.0.0.1:{http}"},
    }
    address = {"modbus": "", "rest": "$.v.{id}", "mtconnect": "{id}"}[kind]
    plan = line_of(VALUES, source=sources[kind], address=address)
    if kind == "modbus":
        signals = [
            signal.model_copy(update={"register": Register(number=2 * number, type="float32"), "range": (0.0, 300.0)})
            for number, signal in enumerate(plan.signals)
        ]
        plan = plan.model_copy(update={"signals": tuple(signals)})
    gate, clock = Gate(plan, "machine"), SystemClock()
    troubles = Troubles(gate.refuse, SourceRecord())
    spec = plan.source("machine")
    if isinstance(spec, ModbusSpec):
        return plan, gate, _AnyInterval(ModbusAsker(spec, device_of(plan, spec), gate, troubles, clock))
    if isinstance(spec, RestSpec):
        return plan, gate, RestAsker(spec, gate, troubles, clock, RestOptions())
    assert isinstance(spec, MtconnectSpec)
    return plan, gate, MtconnectAsker(plan, spec, gate, troubles, clock, MtconnectOptions())


class _AnyInterval:
    """Asks at the one interval of an asker, whatever it is given."""

    def __init__(self, asker: ModbusAsker) -> None:
        self._asker = asker
        self.open, self.close = asker.open, asker.close
        self.token, self.acknowledge = asker.token, asker.acknowledge

    async def ask(self, interval: int) -> None:
        """Ask."""
        del interval
        await self._asker.ask(self._asker.intervals[0])
