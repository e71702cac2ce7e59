"""Series of scores whose law is known, for tests and measurements of limits."""

from __future__ import annotations

import math

import numpy as np

from lineside.domain.readings import Float64


def autoregressive(rows: int, memory: float, *, seed: int) -> Float64:
    """Return ``x_t = memory x_{t-1} + noise`` of variance 1, begun in its stationary state."""
    noise = np.random.default_rng(seed).normal(size=rows) * math.sqrt(1.0 - memory**2)
    noise[0] /= math.sqrt(1.0 - memory**2)
    series = np.empty(rows)
    last = 0.0
    for i, step in enumerate(noise.tolist()):
        last = memory * last + step
        series[i] = last
    return series


def above_normal(limit: float) -> float:
    """Return the probability that a standard normal variable is above ``limit``."""
    return 0.5 * math.erfc(limit / math.sqrt(2.0))
