"""The small steps around a score that every part takes: its inputs out of its features, the shares worth showing."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from lineside.domain.readings import Float64

Float32 = NDArray[np.float32]
Positions = NDArray[np.int64]


@numba.njit(
    numba.int64(numba.types.Array(numba.float64, 1, "C", readonly=True), numba.int64[::1], numba.float32[::1]),
    cache=True,
    nogil=True,
)
def take_inputs(features: Float64, inputs: Positions, row: Float32) -> int:
    """Fill ``row`` with the features at ``inputs`` and return how many are there.

    What is missing, infinite or beyond float32 becomes NaN.
    """
    present = 0
    for i in range(inputs.size):
        value = np.float32(features[inputs[i]])
        if np.isfinite(value):
            row[i] = value
            present += 1
        else:
            row[i] = np.nan
    return present


@numba.njit(numba.int64[::1](numba.float64[::1], numba.int64), cache=True, nogil=True)
def greatest_shares(shares: Float64, most: int) -> Positions:
    """Return the positions of the ``most`` shares of greatest size, by share, descending.

    Of equal sizes the earlier position is kept.
    """
    count = min(most, shares.size)
    chosen = np.empty(count, dtype=np.int64)
    filled = 0
    for i in range(shares.size):
        size = abs(shares[i])
        if filled == count and (count == 0 or size <= abs(shares[chosen[count - 1]])):
            continue
        if filled < count:
            filled += 1
        j = filled - 1
        while j > 0 and abs(shares[chosen[j - 1]]) < size:
            chosen[j] = chosen[j - 1]
            j -= 1
        chosen[j] = i
    for i in range(1, count):
        here, j = chosen[i], i
        while j > 0 and shares[chosen[j - 1]] < shares[here]:
            chosen[j] = chosen[j - 1]
            j -= 1
        chosen[j] = here
    return chosen
