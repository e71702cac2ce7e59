"""Drift of features together, where each by itself stays as it was: two distances to the reference's main directions.

Principal directions are learned on every other part of the reference, and the other half is summarised, so that the
distances of a window without drift come from the same distribution. ``T2`` is the distance within the directions,
``SPE`` the squared distance to them (Jackson and Mudholkar, Technometrics 21, 1979): a relation between features that
breaks shows in ``SPE``. Both are then held against the reference as any feature is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from lineside.domain.drift.check import LEVEL, RELEVANT, FeatureDrift, check_window
from lineside.domain.drift.reference import LEAST_PARTS, Reference, summarise
from lineside.domain.readings import Float64

SHARE: Final = 0.9
"""Of the variance that the directions hold."""
NAMES: Final = ("T2", "SPE")
_FLOOR: Final = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Together:
    """Directions ``(f, k)`` with their variances on standardised features, and the summary of both distances."""

    used: tuple[int, ...]
    centre: Float64
    scale: Float64
    directions: Float64
    variances: Float64
    summary: Reference

    def distances(self, features: Float64) -> Float64:
        """Return ``T2`` and ``SPE`` of parts ``(n, f)``; NaN where a part lacks a feature; ``(n, 2)``."""
        scaled = (features[:, list(self.used)] - self.centre) / self.scale
        return _distances(scaled, self.directions, self.variances)


def learn_together(features: Float64) -> Together | None:
    """Return the directions of parts ``(n, f)``; None where too few parts have all features, or one feature is left."""
    if len(features) < 2 * LEAST_PARTS:
        return None
    used = [place for place in range(features.shape[1]) if _varies(features[:, place])]
    whole = features[:, used]
    whole = whole[np.isfinite(whole).all(axis=1)]
    if len(used) < 2 or len(whole) < max(2 * LEAST_PARTS, 4 * len(used)):
        return None
    learned, summarised = whole[::2], whole[1::2]
    centre, scale = learned.mean(axis=0), np.maximum(learned.std(axis=0), _FLOOR)
    variances, vectors = np.linalg.eigh(np.cov((learned - centre) / scale, rowvar=False))
    variances, vectors = np.maximum(variances[::-1], _FLOOR), vectors[:, ::-1]
    held = np.cumsum(variances) / variances.sum()
    count = min(int(np.searchsorted(held, SHARE)) + 1, len(used) - 1)
    directions, variances = vectors[:, :count], variances[:count]
    summary = summarise(NAMES, _distances((summarised - centre) / scale, directions, variances))
    return Together(tuple(used), centre, scale, directions, variances, summary)


def check_together(
    learned: Together, window: Float64, *, relevant: float = RELEVANT, level: float = LEVEL
) -> tuple[FeatureDrift, ...]:
    """Return both distances of a window ``(n, f)`` against the reference."""
    return check_window(learned.summary, learned.distances(window), relevant=relevant, level=level)


def _distances(scaled: Float64, directions: Float64, variances: Float64) -> Float64:
    inside = scaled @ directions
    return np.column_stack([(inside**2 / variances).sum(axis=1), (scaled**2).sum(axis=1) - (inside**2).sum(axis=1)])


def _varies(column: Float64) -> bool:
    finite = column[np.isfinite(column)]
    return len(finite) > 1 and float(finite.std()) > _FLOOR
