"""What was not foreseen one step ahead: a chart whose rows are nearly independent however slow the process.

``e_t = z_t - B' [z_(t-1) ... z_(t-lags)]`` with ``B`` from ridge regression, its strength chosen on blocks left out,
is whitened to unit variance and squared (residual control charts: Alwan and Roberts, J. Business & Economic Statistics
6, 1988; vector form: Pan and Jarrett, Int. J. Production Research 39, 2001). With a moving average before it, it is one
of the innovations, since both are linear filters. It hears sudden changes and broken dynamics, and no slow drift.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from lineside.domain.readings import Float64
from lineside.learn.principal import principal_whitening

_RIDGES: Final = (1.0, 10.0, 100.0, 1000.0)
_BLOCKS: Final = 5


def innovation_whitening(stacked: Float64, width: int, effective: float) -> tuple[Float64, int]:
    """Return the matrix ``(m, width)`` from stacked rows to whitened innovations, and how many stand out of noise.

    Without lags there is nothing to foresee by, and the rows themselves are whitened.
    """
    now, past = stacked[:, :width], stacked[:, width:]
    if not past.shape[1]:
        return principal_whitening(stacked, effective)
    tried = [_held_out(now, past, ridge) for ridge in _RIDGES]
    best = int(np.argmin([float(np.mean(error**2)) for error in tried]))
    foreseen = _regression(now, past, _RIDGES[best])
    whitening, kept = principal_whitening(tried[best], effective)
    return np.vstack([whitening, -foreseen @ whitening]), kept


def _regression(now: Float64, past: Float64, ridge: float) -> Float64:
    return np.asarray(np.linalg.solve(past.T @ past + ridge * np.eye(past.shape[1]), past.T @ now), dtype=np.float64)


def _held_out(now: Float64, past: Float64, ridge: float) -> Float64:
    """Return the errors of rows that the regression was not learned from, block by block."""
    error: Float64 = np.empty(now.shape, dtype=np.float64)
    for block in np.array_split(np.arange(len(now)), _BLOCKS):
        rest = np.delete(np.arange(len(now)), block)
        error[block] = now[block] - past[block] @ _regression(now[rest], past[rest], ridge)
    return error
