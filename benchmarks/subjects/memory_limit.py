"""The limit of `memory`: value and time of each reading of the open cycle in arrays, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from subjects.memory_lineside import resident
from subjects.workload import PER_CYCLE


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run that fills the arrays."""
    signals, base = int(work["signals"]), resident()

    def run() -> dict[str, object]:
        kept = np.ones((signals, PER_CYCLE)), np.ones((signals, PER_CYCLE))
        above = resident() - base
        assert all(len(column) == signals for column in kept)
        return {"value": above / signals * 1024, "above_mb": above, "base_mb": base}

    return run
