"""LightGBM at `train`, as a notebook has it: its own 5-fold cross-validation, then a model of everything."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import lightgbm
import numpy as np

from measuring.clocks import cpu_seconds, peak_memory
from subjects.parts_made import made

ROUNDS = 200


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run that validates and learns once."""
    _, table, bad = made(int(work["parts"]))
    settings = {"objective": "binary", "metric": "auc", "verbosity": -1, "num_threads": len(work["cores"])}

    def run() -> dict[str, object]:
        spent, wall = cpu_seconds(), time.perf_counter()
        data = lightgbm.Dataset(table.features, bad.astype(np.int64), params=settings)
        found = lightgbm.cv(settings, data, num_boost_round=ROUNDS, nfold=5, seed=0)
        lightgbm.train(settings, data, num_boost_round=ROUNDS)
        return {
            "value": cpu_seconds() - spent,
            "wall_s": time.perf_counter() - wall,
            "peak_mb": peak_memory(),
            "version": lightgbm.__version__,
            "auc": found["valid auc-mean"][-1],
        }

    return run
