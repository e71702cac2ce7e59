"""The distance to the nearest conforming parts, for processes of several or bent normal states.

The score is the mean squared distance, in whitened coordinates, to the ``NEIGHBOURS`` nearest of a compact set of
conforming parts (He and Wang, "Fault detection using the k-nearest neighbor rule for semiconductor manufacturing
processes", IEEE Trans. Semiconductor Manufacturing 20, 2007). The set is taken evenly over time: every state keeps its
share, and a lone outlier seldom gets in.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from lineside.domain.readings import Float64

NEIGHBOURS: Final = 5
REFERENCES: Final = 256
_CHUNK: Final = 512


def references(stacked: Float64) -> Float64:
    """Return at most `REFERENCES` of some rows, evenly taken."""
    return stacked[np.unique(np.linspace(0, len(stacked) - 1, REFERENCES).astype(np.int64))]


def nearest_distance(white: Float64, known: Float64) -> Float64:
    """Return the mean squared distance of rows ``(r, q)`` to their nearest among ``known`` ``(k, q)``."""
    result = np.empty(len(white))
    square = np.sum(known**2, axis=1)
    for first in range(0, len(white), _CHUNK):
        rows = white[first : first + _CHUNK]
        distance = np.sum(rows**2, axis=1)[:, None] + square - 2.0 * rows @ known.T
        nearest = np.partition(distance, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
        result[first : first + _CHUNK] = np.maximum(nearest.mean(axis=1), 0.0)
    return result
