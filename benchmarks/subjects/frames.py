"""Frames of readings as they travel: columns behind a short header, some thousand readings each."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.model import Plan
from lineside.domain.readings import ReadingBatch
from lineside.wire.codecs import encode_readings
from subjects.workload import readings


def frames_of(plan: Plan, work: dict[str, Any]) -> list[bytes]:
    """Return the work's readings in encoded frames of ``batch`` readings, 13 bytes a reading."""
    data, size, catalogue = readings(work), int(work["batch"]), catalogue_for(plan)
    frames = []
    for at in range(0, len(data.signal), size):
        rows = slice(at, at + size)
        batch = ReadingBatch(
            catalogue=catalogue,
            signal=data.signal[rows],
            source_time=data.time[rows],
            receive_time=data.time[rows],
            value=data.value[rows],
            status=np.zeros(len(data.signal[rows]), np.uint32),
        )
        frames.append(encode_readings(batch))
    return frames
