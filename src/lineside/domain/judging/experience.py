"""The region of conditions that a model has learned from: ranges and a distance.

Conditions are the features of role ``environment``. A part is outside experience where one of them lies beyond
the range learned (widened a little), or where their combination is too far from what was seen: the squared
Mahalanobis distance of the standardised conditions. There the honest answer is "outside experience", not a
defect. A condition that is missing is left out of the question.
"""

from __future__ import annotations

import numba
import numpy as np

from lineside.domain.readings import Float64


@numba.njit(
    "Tuple((float64, int64))"
    "(float64[::1], float64[::1], float64[::1], float64[::1], float64[::1], float64[:, ::1], float64)",
    cache=True,
    nogil=True,
)
def strangeness(
    values: Float64, low: Float64, high: Float64, centre: Float64, scale: Float64, precision: Float64, limit: float
) -> tuple[float, int]:
    """Return how strange conditions are, and which of them is the strangest (-1: none is given).

    Above 1 is outside experience. It is the greater of the relative excess over a range (1 + excess / width)
    and the squared distance over its limit. All arrays have the length of ``values``, ``precision`` its square.
    """
    count = values.size
    z = np.zeros(count)
    worst, most, excess = -1, -1.0, 0.0
    for i in range(count):
        value = values[i]
        if not np.isfinite(value):
            continue
        z[i] = (value - centre[i]) / scale[i]
        rank = abs(z[i])
        beyond = max(value - high[i], low[i] - value)
        if beyond > 0.0:
            ratio = 1.0 + beyond / max(high[i] - low[i], 1e-12)
            excess = max(excess, ratio)
            rank = 1e6 * ratio  # a value beyond its range is stranger than any within
        if rank > most:
            worst, most = i, rank
    distance = 0.0
    for i in range(count):
        for j in range(count):
            distance += z[i] * precision[i, j] * z[j]
    return max(excess, distance / limit), worst
