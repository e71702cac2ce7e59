"""Learning the region of conditions: see `lineside.domain.judging.experience` for what it decides."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf

from lineside.domain.judging.experience import strangeness
from lineside.domain.readings import Float64, Int64
from lineside.learn.normal import robust_scale, standardise
from lineside.wire.bundle import ExperienceFact

_MARGIN: Final = 0.1
"""A range is widened by this share of its width, the distance limit likewise squared."""


def learn_experience(features: Float64, environment: Int64) -> ExperienceFact | None:
    """Return the region of the conditions of rows ``(r, recipe)``; None where there are none.

    Conditions that no row has are left out: nothing is known of them.
    """
    present = [int(j) for j in environment if not np.all(np.isnan(features[:, j]))]
    if not present or len(features) < 2:
        return None
    rows = features[:, present]
    low, high = np.nanmin(rows, axis=0), np.nanmax(rows, axis=0)
    centre, scale = robust_scale(rows)
    margin = np.maximum(_MARGIN * (high - low), scale)
    z = standardise(rows, centre, scale)
    covariance, _ = ledoit_wolf(z, assume_centered=True)
    precision = np.linalg.pinv(covariance + 1e-9 * np.eye(len(present)))
    distance = np.einsum("ri,ij,rj->r", z, precision, z)
    return ExperienceFact(
        features=tuple(present),
        low=tuple((low - margin).tolist()),
        high=tuple((high + margin).tolist()),
        centre=tuple(centre.tolist()),
        scale=tuple(scale.tolist()),
        precision=tuple(precision.ravel().tolist()),
        limit=float(max(distance.max() * (1.0 + _MARGIN) ** 2, 12.0 * len(present))),
        seen_low=tuple(low.tolist()),
        seen_high=tuple(high.tolist()),
    )


def outside_experience(learned: Float64, judged: Float64, environment: Int64) -> NDArray[np.bool_]:
    """Return which judged rows lie outside the conditions of those learned from (features of the whole recipe)."""
    fact = learn_experience(learned, environment)
    if fact is None:
        return np.zeros(len(judged), dtype=np.bool_)
    low, high, centre, scale = (np.array(item) for item in (fact.low, fact.high, fact.centre, fact.scale))
    precision = np.array(fact.precision).reshape(len(low), len(low))
    values = np.ascontiguousarray(judged[:, list(fact.features)])
    levels = [strangeness(row, low, high, centre, scale, precision, fact.limit)[0] for row in values]
    return np.array(levels) > 1.0
