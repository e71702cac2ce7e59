"""A cumulative sum of whitened rows, for small shifts that last: a multivariate CUSUM of two sides.

With ``y_t`` the whitened row, ``k`` the allowance and ``C_t = |S_(t-1) + y_t|``, ``S_t`` is 0 where ``C_t <= k``, else
``(S_(t-1) + y_t) (1 - k / C_t)`` (Crosier, Technometrics 30, 1988; for a single value his two-sided CUSUM,
Technometrics 28, 1986, after Page, Biometrika 41, 1954). The statistic is ``|S_t|``. ``k`` is half the shift, in usual
deviations, that is to be found soonest.

Here ``|S_t|`` is ``most`` at most: after the greatest fault the sum is back within ``most / k`` good rows. Where a sum
of good rows rises as far, nothing could be told from it, and the model is refused.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from lineside.domain.readings import Float64


def cumulated(white: Float64, first: NDArray[np.bool_], allowance: float, most: float = np.inf) -> Float64:
    """Return the cumulative sums ``(r, q)`` of whitened rows in order, which begin anew at every ``first`` row."""
    sums = white.copy()
    _cumulate(sums, first, allowance, most)
    return sums


@numba.njit(cache=True)
def _cumulate(  # pragma: no cover - compiled
    rows: Float64, first: NDArray[np.bool_], allowance: float, most: float
) -> None:
    """Turn rows into their cumulative sums."""
    for row in range(len(rows)):
        square = 0.0
        for column in range(rows.shape[1]):
            if row and not first[row]:
                rows[row, column] += rows[row - 1, column]
            square += rows[row, column] ** 2
        length = np.sqrt(square)
        kept = min(max(length - allowance, 0.0), most)
        for column in range(rows.shape[1]):
            rows[row, column] *= kept / length if length > 0.0 else 0.0
