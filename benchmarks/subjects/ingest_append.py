"""The limit of `ingest` and `link` with frames: readings in raw columns appended, 64 KB at a time, each fsynced."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measuring.clocks import per_cpu_second
from subjects.workload import PER_CYCLE

READING_BYTES = 32
BLOCK = 65_536


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run that appends as many bytes as the work's readings have in raw columns."""
    count = int(work["signals"]) * int(work["cycles"]) * PER_CYCLE
    block = os.urandom(BLOCK)

    def run() -> dict[str, object]:
        with tempfile.NamedTemporaryFile(dir=Path(__file__).resolve().parent.parent) as file:
            for _ in range(count * READING_BYTES // BLOCK):
                file.write(block)
                file.flush()
                os.fdatasync(file.fileno())
        return {}

    once = per_cpu_second(count, run)

    def by_wall() -> dict[str, object]:
        answer = once()
        return {**answer, "value": count / float(str(answer["wall_s"]))}

    return by_wall if work.get("wall") else once
