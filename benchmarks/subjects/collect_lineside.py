"""Lineside at `ingest` up to judged parts: the gateway's own flow over a source that decodes frames.

Every reading passes the gate, is committed to the outbox, and assembled; parts are judged by a model of 1,200
features, and they, their predictions and alerts are committed, audited and handed to the live board. By wall time, on
all cores there are; what the processor did in it stands beside.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from lineside.adapters.audit_sqlite import SqliteAudit
from lineside.adapters.clocks import SystemClock
from lineside.adapters.onnx_judge import OnnxJudge
from lineside.adapters.outbox_sqlite import SqliteOutbox
from lineside.domain.health.sources import SourceCondition, SourceRecord
from lineside.domain.intake.gate import Gate
from lineside.domain.plan.model import Plan
from lineside.flows.collect import Collector
from lineside.flows.judge import LineJudge
from lineside.ports import SourceDelivery
from lineside.wire.bundle import Bundle, unpack_bundle
from lineside.wire.codecs import decode_readings
from lineside.wire.records import RecordKind
from measuring.clocks import per_cpu_second
from subjects.frames import frames_of
from subjects.plans import line_of

HERE = Path(__file__).resolve().parent.parent
"""Beside the code: the disk of a temporary folder may be memory."""


class _Frames:
    """A source that has frames at once, as `lineside.ports.Source`."""

    def __init__(self, plan: Plan, frames: list[bytes]) -> None:
        self._gate = Gate(plan, "machine")
        self._frames = frames
        self.catalogue = self._gate.catalogue

    @property
    def condition(self) -> SourceCondition:
        return SourceRecord().condition

    async def deliveries(self) -> AsyncIterator[SourceDelivery]:
        for number, frame in enumerate(self._frames):
            batch = decode_readings(frame, self.catalogue)
            self._gate.offer_columns(
                batch.signal, batch.source_time, batch.value, received=batch.receive_time, status=batch.status
            )
            taken = self._gate.take()
            yield SourceDelivery(readings=taken.readings, duplicates=taken.duplicates, token=number)

    async def acknowledge(self, token: object) -> None:
        """Do nothing: there is no peer."""

    async def close(self) -> None:
        """Do nothing: there is nothing to close."""


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run of the whole flow over the work's readings."""
    plan = line_of(int(work["signals"]), model={"family": "normal"})
    bundle = unpack_bundle((Path(work["folder"]) / "normal.bundle").read_bytes())
    frames, count = frames_of(plan, work), int(work["signals"]) * int(work["cycles"]) * 300
    asyncio.run(_collect(plan, bundle, frames[:10]))
    once = per_cpu_second(count, lambda: asyncio.run(_collect(plan, bundle, frames)))

    def by_wall() -> dict[str, object]:
        answer = once()
        wall = float(str(answer["wall_s"]))
        return {
            **answer,
            "value": count / wall,
            "per_core": answer["value"],
            "cores": float(str(answer["cpu_s"])) / wall,
        }

    return by_wall


async def _collect(plan: Plan, bundle: Bundle, frames: list[bytes]) -> dict[str, object]:
    clock, source = SystemClock(), _Frames(plan, frames)
    judge = OnnxJudge(plan, "station", [bundle]).open()
    with tempfile.TemporaryDirectory(dir=HERE) as name:
        folder = Path(name)
        outbox = await SqliteOutbox.open(folder / "outbox.db", writer="bench", site="site", line="line", clock=clock)
        audit = await SqliteAudit.open(folder / "audit.db", writer="bench", clock=clock, key=folder / "audit.key")
        line = LineJudge(plan, source.catalogue, lambda _: judge, "bench")
        collector = Collector(outbox=outbox, audit=audit, line=line, publish=_nobody_looks, clock=clock)
        await collector.run({"machine": source})
        await outbox.close()
        await audit.close()
    return {"parts": collector.counts.parts, "alert_events": collector.counts.alerts}


async def _nobody_looks(kind: RecordKind, body: bytes) -> None:
    del kind, body
