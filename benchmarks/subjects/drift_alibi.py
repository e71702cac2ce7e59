"""Alibi Detect at `drift`: KSDrift, made before, asked about the window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alibi_detect.cd import KSDrift

from subjects.drift_arrays import load, timed


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """Return the prediction."""
    before, window = load(work["folder"])
    detector = KSDrift(before, p_val=0.05)
    return timed(lambda: float(detector.predict(window)["data"]["distance"].max()))
