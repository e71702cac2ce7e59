"""The region of experience of a bundle, as arrays for the kernel that decides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineside.domain.judging.experience import strangeness
from lineside.domain.readings import Float64
from lineside.wire.bundle import ExperienceFact


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Region:
    """Conditions learned from: ``features`` are positions in the recipe, all else is by condition.

    ``seen`` are the ranges learned from, of which ``low`` to ``high`` is a little wider.
    """

    features: NDArray[np.int64]
    low: Float64
    high: Float64
    centre: Float64
    scale: Float64
    precision: Float64
    limit: float
    seen: tuple[tuple[float, float], ...]

    def strangeness(self, features: Float64) -> tuple[float, int]:
        """Return how strange the conditions of a part are (above 1: outside), and which of them is the strangest."""
        values = features[self.features]
        level, worst = strangeness(values, self.low, self.high, self.centre, self.scale, self.precision, self.limit)
        return level, worst


def region_of(fact: ExperienceFact | None) -> Region | None:
    """Return the region that a manifest describes; None where the model knows no conditions."""
    if fact is None:
        return None
    size = len(fact.features)
    return Region(
        features=np.array(fact.features, dtype=np.int64),
        low=np.array(fact.low),
        high=np.array(fact.high),
        centre=np.array(fact.centre),
        scale=np.array(fact.scale),
        precision=np.array(fact.precision).reshape(size, size),
        limit=fact.limit,
        seen=tuple(zip(fact.seen_low or fact.low, fact.seen_high or fact.high, strict=True)),
    )
