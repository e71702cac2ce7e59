"""Lineside at `drift`: distances, p values, verdicts and rank of every feature; the reference is summarised before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lineside.domain.drift.check import check_window
from lineside.domain.drift.reference import summarise
from lineside.domain.drift.running import RunningDrift
from subjects.drift_arrays import FEATURES, load, timed


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """Return the whole check, one running check, or the counting of one part."""
    before, window = load(work["folder"])
    reference = summarise([f"f{place}" for place in range(FEATURES)], before)
    kind = work.get("running")
    if kind is None:
        return timed(lambda: max(item.ks for item in check_window(reference, window)))
    running, rows = RunningDrift(reference, block=len(window)), iter(range(10**9))
    for row in window:
        running.add(row)
    if kind == "check":
        return timed(lambda: float(running.check().max()), calls=1_000, scale=1e3)

    def count() -> float:
        running.add(window[next(rows) % len(window)])
        return 0.0

    return timed(count, calls=20_000, scale=1e6)
