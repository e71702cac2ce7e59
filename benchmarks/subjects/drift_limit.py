"""The limit of `drift`: NumPy alone on a sorted reference; counts per bin kept beside, for the running check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from subjects.drift_arrays import FEATURES, load, timed

BINS = 256


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """Return the exact statistic of every feature, that of kept counts, or the counting of one part."""
    before, window = load(work["folder"])
    sorted_before = np.ascontiguousarray(np.sort(before, axis=0).T)
    kind = work.get("running")
    if kind is None:
        return timed(lambda: float(_exact(sorted_before, window).max()))
    edges = np.ascontiguousarray(np.quantile(before, np.linspace(0, 1, BINS + 1)[1:-1], axis=0).T)
    counts = np.array(
        [np.bincount(np.searchsorted(edges[place], window[:, place]), minlength=BINS) for place in range(FEATURES)]
    )
    even = np.arange(1, BINS + 1) / BINS
    if kind == "check":
        return timed(
            lambda: float(np.abs(np.cumsum(counts, axis=1) / counts.sum(axis=1)[:, None] - even).max()),
            calls=1_000,
            scale=1e3,
        )
    every = np.arange(FEATURES)

    def count() -> float:
        counts[every, (edges < window[0][:, None]).sum(axis=1)] += 1
        return 0.0

    return timed(count, calls=20_000, scale=1e6)


def _exact(before: np.ndarray, window: np.ndarray) -> np.ndarray:
    columns = np.ascontiguousarray(window.T)
    columns.sort(axis=1)
    size, many = columns.shape[1], before.shape[1]
    upto, below, found = np.arange(1, size + 1) / size, np.arange(size) / size, np.empty(len(columns))
    for place, column in enumerate(columns):
        high = np.searchsorted(before[place], column, "right") / many
        low = np.searchsorted(before[place], column, "left") / many
        found[place] = max((upto - high).max(), (low - below).max())
    return found
