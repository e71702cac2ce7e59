"""Lineside at `features`: the cycle assembly that gateway, backtest and training share, from decoded batches.

The station is laid out before the clock starts, as a gateway does before it says that it is ready: `layout_ms`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from lineside.domain.cycles.assembler import CycleAssembler
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.readings import ReadingBatch
from measuring.clocks import per_cpu_second
from subjects.plans import line_of
from subjects.workload import FEATURES, readings, summary


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run of the assembly over the work's readings, in the work's batches."""
    data, signals, size = readings(work), int(work["signals"]), int(work["batch"])
    plan = line_of(signals)
    catalogue = catalogue_for(plan)
    status = np.zeros(len(data.signal), np.uint32)

    def run(assembler: CycleAssembler) -> dict[str, object]:
        parts = []
        for at in range(0, len(data.signal), size):
            rows = slice(at, at + size)
            batch = ReadingBatch(
                catalogue=catalogue,
                signal=data.signal[rows],
                source_time=data.time[rows],
                receive_time=data.time[rows],
                value=data.value[rows],
                status=status[rows],
            )
            parts += assembler.push(batch)
        parts += assembler.flush()
        table = np.stack([part.features for part in parts]).reshape(-1, len(FEATURES))
        return {"parts": len(parts), **summary(table)}

    def once() -> dict[str, object]:
        began = time.process_time()
        assembler = CycleAssembler(plan, "station", catalogue)
        layout = time.process_time() - began
        return {**per_cpu_second(len(data.signal), lambda: run(assembler))(), "layout_ms": layout * 1e3}

    once()
    return once
