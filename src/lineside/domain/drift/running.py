"""The same question at any moment: counts per feature that every part updates, compared with the reference's edges.

The window is the last one to two blocks of parts: two blocks of counts are kept, and the older is dropped when the
newer is full. ``D`` is read at 255 edges, between which lies 1/256 of the reference, so that it is too small by at
most 1/256. State: two counts per bin, 2 KB a feature at 256 bins of 32 bits.
"""

from __future__ import annotations

import numpy as np

from lineside.domain.drift.kernels import BINS, STEP, binned_distances, count_part
from lineside.domain.drift.reference import Reference
from lineside.domain.readings import Float64


class RunningDrift:
    """Counts parts against a reference.

    Args:
        reference: what was summarised.
        block: parts of a block; a check speaks of the last one to two blocks.
    """

    def __init__(self, reference: Reference, block: int) -> None:
        if block < 1:
            raise ValueError(f"a block of {block} parts")
        features = len(reference.names)
        self._reference = reference
        self._block = block
        self._pivots = np.ascontiguousarray(reference.edges[:, STEP - 1 :: STEP])
        self._older = np.zeros((features, BINS), dtype=np.int32)
        self._newer = np.zeros((features, BINS), dtype=np.int32)
        self._counted = 0
        self._gaps = np.zeros(features)
        self._sizes = np.zeros(features, dtype=np.int64)

    @property
    def state_bytes(self) -> int:
        """Bytes of counts that are kept."""
        return self._older.nbytes + self._newer.nbytes

    def add(self, features: Float64) -> None:
        """Count one part: its features in the reference's order, NaN where it lacks one."""
        if self._counted == self._block:
            self._older, self._newer = self._newer, self._older
            self._newer.fill(0)
            self._counted = 0
        count_part(features, self._pivots, self._reference.edges, self._newer)
        self._counted += 1

    def check(self) -> Float64:
        """Return ``D`` of every feature over the window; 0 where nothing was counted."""
        binned_distances(self._reference.below, self._older, self._newer, self._gaps, self._sizes)
        return self._gaps.copy()

    def sizes(self) -> tuple[int, ...]:
        """Return how many parts of the window have each feature, as of the last check."""
        return tuple(int(size) for size in self._sizes)
