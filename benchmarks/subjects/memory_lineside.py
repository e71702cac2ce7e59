"""Lineside at `memory`: what a gateway's intake of many signals needs above the process itself.

Plan, gate, outbox and the open cycle of every signal (six features, 300 readings each), at the end of the cycle.
"""

from __future__ import annotations

import asyncio
import gc
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from lineside.adapters.clocks import SystemClock
from lineside.adapters.outbox_sqlite import SqliteOutbox
from lineside.domain.cycles.assembler import CycleAssembler
from lineside.domain.intake.gate import Gate
from lineside.wire.codecs import encode_readings
from lineside.wire.records import RecordKind
from measuring.clocks import peak_memory
from subjects.plans import line_of
from subjects.workload import BEGIN, PER_CYCLE, TICK

FEW = 200
HERE = Path(__file__).resolve().parent.parent
"""Beside the code: the disk of a temporary folder may be memory."""


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run of one cycle; few signals go before, so that what every process needs is not counted."""
    signals = int(work["signals"])
    asyncio.run(_intake(FEW))
    base = resident()

    def run() -> dict[str, object]:
        full, closed = asyncio.run(_intake(signals))
        answer = {"value": (full - base) / signals * 1024, "above_mb": full - base, "closed_mb": closed - base}
        return {**answer, "base_mb": base, "peak_mb": peak_memory()}

    return run


def resident() -> float:
    """Return the resident size of this process, in MB."""
    gc.collect()
    return float(psutil.Process().memory_info().rss) / (1 << 20)


async def _intake(signals: int) -> tuple[float, float]:
    """Take a cycle in; return the size before and after it was closed."""
    folder = Path(tempfile.mkdtemp(dir=HERE))
    plan, chance = line_of(signals), np.random.default_rng(3)
    gate = Gate(plan, "machine")
    assembler = CycleAssembler(plan, "station", gate.catalogue)
    codes, good = np.arange(signals, dtype=np.int32), np.zeros(signals, np.uint32)
    outbox = await SqliteOutbox.open(
        folder / "outbox.db", writer="bench", site="site", line="line", clock=SystemClock()
    )
    try:
        for tick in range(PER_CYCLE):
            times = np.full(signals, BEGIN + tick * TICK, np.int64)
            gate.offer_columns(codes, times, chance.normal(size=signals), received=times, status=good)
            readings = gate.take().readings
            assert readings is not None
            await outbox.commit([(RecordKind.READINGS, encode_readings(readings), len(readings))])
            assembler.push(readings)
        full = resident()
        assert len(assembler.flush()) == 1
        return full, resident()
    finally:
        await outbox.close()
        shutil.rmtree(folder, ignore_errors=True)
