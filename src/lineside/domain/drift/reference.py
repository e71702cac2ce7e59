"""The parts that others are held against, summarised once: sorted columns, bin edges, and what conditions explain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.drift.kernels import BINS
from lineside.domain.readings import Float64

LEAST_PARTS: Final = 50
"""Fewest parts of a feature on either side for any statement."""
PSI_BINS: Final = 20
_RIDGE: Final = 1e-6
_SPREAD_FLOOR: Final = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """What conditions explain of features: straight and bent, by least squares on the reference.

    ``conditions`` are positions of columns; ``coefficients`` ``(1 + 2 c, f)`` belong to 1, the standardised
    conditions and their squares, each held within what the reference has seen, so that nothing is extrapolated.
    """

    conditions: tuple[int, ...]
    centre: Float64
    scale: Float64
    low: Float64
    high: Float64
    coefficients: Float64

    def rest(self, features: Float64) -> Float64:
        """Return what is left of features ``(n, f)`` beyond their conditions."""
        rest: Float64 = features - self.terms(features) @ self.coefficients
        return rest

    def terms(self, features: Float64) -> Float64:
        """Return the terms of rows ``(n, f)``; ``(n, 1 + 2 c)``."""
        seen = np.clip(features[:, list(self.conditions)], self.low, self.high)
        scaled = (seen - self.centre) / self.scale
        return np.column_stack([np.ones(len(scaled)), scaled, scaled**2])


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Parts summarised: per feature its sorted column, and edges of bins that hold equal shares of it.

    ``columns`` hold no gaps and may differ in length. ``edges`` is ``(f, 255)`` (+inf where values are too few for
    so many), ``below`` the share of the column up to each edge. ``centre`` and ``spread`` are mean and standard
    deviation. ``given`` and ``rest`` are what conditions explain and the summary of what is left beyond them, None
    without conditions.
    """

    names: tuple[str, ...]
    columns: tuple[Float64, ...]
    edges: Float64
    below: Float64
    psi_edges: tuple[Float64, ...]
    centre: Float64
    spread: Float64
    given: Given | None = None
    rest: Reference | None = None


def summarise(names: Sequence[str], features: Float64, conditions: Sequence[int] = ()) -> Reference:
    """Summarise parts, ``features`` ``(n, f)`` with NaN where a part lacks one.

    Args:
        names: of the features.
        features: the parts that others are held against.
        conditions: positions of the features that are conditions of the others.
    """
    columns = tuple(_sorted(features[:, place]) for place in range(features.shape[1]))
    edges = np.full((len(columns), BINS - 1), np.inf)
    below = np.ones_like(edges)
    for place, column in enumerate(columns):
        own = _edges(column, BINS)
        edges[place, : len(own)] = own
        if len(column):
            below[place, : len(own)] = np.searchsorted(column, own, side="right") / len(column)
    given = explain(features, conditions) if conditions else None
    return Reference(
        names=tuple(names),
        columns=columns,
        edges=edges,
        below=below,
        psi_edges=tuple(_edges(column, PSI_BINS) for column in columns),
        centre=np.array([column.mean() if len(column) else 0.0 for column in columns]),
        spread=np.array([max(column.std(), _SPREAD_FLOOR) if len(column) else 1.0 for column in columns]),
        given=given,
        rest=None if given is None else summarise(names, given.rest(features)),
    )


def explain(features: Float64, conditions: Sequence[int]) -> Given | None:
    """Return what conditions explain of the features; None where too few parts have all of the conditions."""
    places = list(conditions)
    whole = features[np.isfinite(features[:, places]).all(axis=1)]
    if len(whole) < max(LEAST_PARTS, 10 * (1 + 2 * len(places))):
        return None
    seen = whole[:, places]
    given = Given(
        conditions=tuple(places),
        centre=seen.mean(axis=0),
        scale=np.maximum(seen.std(axis=0), _SPREAD_FLOOR),
        low=seen.min(axis=0),
        high=seen.max(axis=0),
        coefficients=np.empty(0),
    )
    terms = given.terms(whole)
    return Given(given.conditions, given.centre, given.scale, given.low, given.high, _least_squares(terms, whole))


def _least_squares(terms: Float64, features: Float64) -> Float64:
    """Return coefficients per feature; rows that lack a feature count for the others only."""
    gaps: NDArray[np.bool_] = ~np.isfinite(features)
    ridge = _RIDGE * len(terms) * np.eye(terms.shape[1])
    if not gaps.any():
        return np.asarray(np.linalg.solve(terms.T @ terms + ridge, terms.T @ features), dtype=np.float64)
    found: Float64 = np.zeros((terms.shape[1], features.shape[1]))
    for place in range(features.shape[1]):
        own = ~gaps[:, place]
        found[:, place] = np.linalg.solve(terms[own].T @ terms[own] + ridge, terms[own].T @ features[own, place])
    return found


def _sorted(column: Float64) -> Float64:
    return np.sort(column[np.isfinite(column)])


def _edges(column: Float64, bins: int) -> Float64:
    """Return the distinct values below which equal shares of a sorted column lie, at most ``bins - 1``."""
    if not len(column):
        return np.empty(0)
    places = (np.arange(1, bins) * len(column)) // bins
    return np.unique(column[np.clip(places - 1, 0, None)])
