"""Lineside at `train`: one whole `fit`, family left open."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from lineside.learn.fit import FitRequest, fit
from lineside.testing.modelling import CHARACTERISTIC
from measuring.clocks import cpu_seconds, peak_memory
from subjects.parts_made import made


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run that learns once; the peak includes the parts as they were given."""
    plan, table, _ = made(int(work["parts"]))
    given = peak_memory()

    def run() -> dict[str, object]:
        spent, wall = cpu_seconds(), time.perf_counter()
        report = fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=table)).report
        return {
            "value": cpu_seconds() - spent,
            "wall_s": time.perf_counter() - wall,
            "peak_mb": peak_memory(),
            "given_mb": given,
            "family": report.family,
            "auc": report.metrics.get("auc", float("nan")),
        }

    return run
