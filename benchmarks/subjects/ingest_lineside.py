"""Lineside at `ingest`: decode, let through the gate, commit to the outbox (fsynced), assemble cycles and features.

With ``form`` "json" the input is one MQTT message per reading, as the MQTT source takes them from its connection.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lineside.adapters.clocks import SystemClock
from lineside.adapters.mqtt.source import MqttSource, open_source
from lineside.adapters.mqtt_packets import read_packets
from lineside.adapters.outbox_sqlite import SqliteOutbox
from lineside.domain.cycles.assembler import CycleAssembler
from lineside.domain.intake.gate import Gate
from lineside.domain.plan.model import Plan
from lineside.domain.readings import ReadingBatch
from lineside.wire.codecs import decode_readings, encode_readings
from lineside.wire.records import RecordKind
from measuring.clocks import per_cpu_second
from subjects.frames import frames_of
from subjects.messages import messages_of, pieces_of
from subjects.plans import line_of

GROUP = 8_000
"""Readings in one record of the outbox, as the gateway has them."""
BROKER = {"kind": "mqtt", "url": "mqtt://localhost", "time_column": "$.t"}


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run of the whole intake over the work's readings."""
    json_form = work["form"] == "json"
    plan = line_of(int(work["signals"]), source=BROKER if json_form else None, address="{id}#$.v")
    count = int(work["signals"]) * int(work["cycles"]) * 300
    if json_form:
        pieces = pieces_of(messages_of(work))
        _run(plan, lambda: _from_packets(plan, pieces[:2]))  # as below
        return per_cpu_second(count, lambda: _run(plan, lambda: _from_packets(plan, pieces)))
    frames = frames_of(plan, work)
    _run(plan, lambda: _from_frames(plan, frames[:2]))  # kernels are loaded before a gateway says that it is ready
    return per_cpu_second(count, lambda: _run(plan, lambda: _from_frames(plan, frames)))


def _run(plan: Plan, batches: Callable[[], Iterator[ReadingBatch]]) -> dict[str, object]:
    folder = Path(tempfile.mkdtemp(dir=Path(__file__).resolve().parent.parent))
    try:
        return asyncio.run(_commit_and_assemble(plan, batches(), folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _commit_and_assemble(plan: Plan, batches: Iterator[ReadingBatch], folder: Path) -> dict[str, object]:
    outbox = await SqliteOutbox.open(
        folder / "outbox.db", writer="bench", site="site", line="line", clock=SystemClock()
    )
    parts = 0
    assembler: CycleAssembler | None = None
    for batch in batches:
        assembler = assembler or CycleAssembler(plan, "station", batch.catalogue)
        await outbox.commit([(RecordKind.READINGS, encode_readings(batch), len(batch))])
        parts += len(assembler.push(batch))
    await outbox.close()
    assert assembler is not None
    return {"parts": parts + len(assembler.flush())}


def _from_frames(plan: Plan, frames: list[bytes]) -> Iterator[ReadingBatch]:
    gate = Gate(plan, "machine")
    for frame in frames:
        batch = decode_readings(frame, gate.catalogue)
        gate.offer_columns(
            batch.signal, batch.source_time, batch.value, received=batch.receive_time, status=batch.status
        )
        readings = gate.take().readings
        assert readings is not None
        yield readings


def _from_packets(plan: Plan, pieces: list[bytes]) -> Iterator[ReadingBatch]:
    source = open_source(plan, plan.sources[0], SystemClock())
    rest = b""
    for piece in pieces:
        held, at = rest + piece, 0
        while True:
            packets, at = read_packets(held, at, five=False)
            if not len(packets):
                break
            source._receive(packets)  # noqa: SLF001 - where the connection hands them over
        rest = held[at:]
        if source._gate.pending >= GROUP:  # noqa: SLF001 - a delivery is taken as soon as the one before is committed
            yield from _delivered(source)
    yield from _delivered(source)


def _delivered(source: MqttSource) -> Iterator[ReadingBatch]:
    readings = source._delivery().readings  # noqa: SLF001 - as above
    if readings is not None:
        yield readings
