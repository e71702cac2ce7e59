"""The readings that all subjects of `features` and `ingest` get: numpy only, fixed seed, so equal in every environment.

Signals are sampled ten times a second with up to 20 ms of jitter, in cycles of 30 s; so a signal has 300 readings per
cycle. Six features are wanted of each: mean, least, greatest, sample standard deviation, slope per second, and the
95th percentile with linear interpolation.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

TICK = 100_000_000
PER_CYCLE = 300
CYCLE = PER_CYCLE * TICK
BEGIN = 1_735_689_600_000_000_000
FEATURES = ("mean", "min", "max", "std", "slope", "p95")


class Readings(NamedTuple):
    """Columns of equal length: signal number, source time in UTC nanoseconds, value."""

    signal: NDArray[np.int32]
    time: NDArray[np.int64]
    value: NDArray[np.float64]


def readings(work: dict[str, Any]) -> Readings:
    """Return the readings of a work: ``signals``, ``cycles``, and whether they come in ``order`` of source time.

    ``in_turn``: without jitter, all signals at each instant one after the other, as a machine that is scanned sends.
    """
    signals, ticks = int(work["signals"]), int(work["cycles"]) * PER_CYCLE
    chance = np.random.default_rng(20261122)
    jitter = chance.integers(0, 1 if work.get("in_turn", False) else 20_000_000, (ticks, signals))
    signal = np.broadcast_to(np.arange(signals, dtype=np.int32), (ticks, signals))
    if work.get("order", True) and not work.get("in_turn", False):
        order = np.argsort(jitter, axis=1)
        jitter, signal = np.take_along_axis(jitter, order, 1), np.take_along_axis(signal, order, 1)
    passed = (np.arange(ticks, dtype=np.int64)[:, None] * TICK + jitter).ravel()
    signal = np.ascontiguousarray(signal).ravel()
    seconds = passed * 1e-9
    value = 3.0 * np.sin(seconds / 4.0 + signal) + 0.5 * signal + chance.normal(0.0, 0.3, len(signal))
    return Readings(signal, passed + BEGIN, value)


def summary(table: NDArray[np.float64]) -> dict[str, list[float]]:
    """Return what subjects are compared by: the mean of each feature over all cycles and signals.

    ``table`` has one row per cycle and signal and the columns of `FEATURES`.
    """
    return {"means": [float(mean) for mean in table.mean(axis=0)]}
