"""The functions of conditions that a response is made of: natural cubic splines of few knots, and products of two.

Each condition ``c`` is put on a scale of its own, ``u = (c - location) / width``, on which 0 and 1 are the 5 % and 95 %
points of what was seen. Beyond one width on either side ``u`` stays where it is. A spline has the knots 0, two between
(the 35 % and 65 % points) and 1; it is a cubic between them, has no kinks, and is straight beyond the outer two
(Hastie, Tibshirani and Friedman, *The Elements of Statistical Learning*, 2nd ed., section 5.2.1; placing of knots:
Harrell, *Regression Modeling Strategies*, 2nd ed., section 2.4.6). A product multiplies two conditions, each held
between 0 and 1.

All are sums of *primitives* that a graph computes with plain operators: ``h = min(u, 1)``, what lies above it, and
``max(h - knot, 0)^3``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.readings import Float64, Int64

Columns = tuple[int, ...]
SPLINE: Final = 3
"""Functions per condition: the straight line and two that bend it."""
NEAREST: Final = -1.0
FARTHEST: Final = 2.0
"""Between these ``u`` moves a response; further out it stays."""
_OUTER: Final = (0.05, 0.95)
_INNER: Final = (0.35, 0.65)
_APART: Final = 0.05
"""Least distance between knots; where values are too few or too crowded for it, only the line is offered."""
_FEWEST_VALUES: Final = 8


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Terms:
    """Scales and knots of ``c`` conditions; ``knots`` ``(3, c)`` begins with the row of zeros.

    ``pairs`` are the products on offer, as positions of two conditions each.
    """

    location: Float64
    width: Float64
    knots: Float64
    pairs: tuple[tuple[int, int], ...]

    @property
    def count(self) -> int:
        """The number of conditions."""
        return len(self.location)

    def primitives(self, conditions: Float64) -> Float64:
        """Return the primitives of rows ``(r, c)``: ``h``, above, three rows of cubes, products; ``(r, 5 c + p)``."""
        u = np.clip((conditions - self.location) / self.width, NEAREST, FARTHEST)
        h = np.minimum(u, 1.0)
        cubes = [np.maximum(h - knot, 0.0) ** 3 for knot in self.knots]
        held = np.clip(u, 0.0, 1.0)
        products = [held[:, a] * held[:, b] for a, b in self.pairs]
        return np.column_stack([h, u - h, *cubes, *products])

    def combination(self) -> Float64:
        """Return how functions are summed from primitives: shape ``(5 c + p, 3 c + p)``.

        Functions stand condition after condition (line, first bend, second bend), products behind them.
        """
        c = self.count
        matrix = np.zeros((5 * c + len(self.pairs), SPLINE * c + len(self.pairs)))
        for j, (first, second) in enumerate(self.knots[1:].T):
            line, bend, other = range(SPLINE * j, SPLINE * j + SPLINE)
            matrix[[j, c + j], line] = 1.0
            matrix[[c + j, 2 * c + j, 4 * c + j], bend] = 3.0 * second, 1.0, -1.0 / (1.0 - second)
            matrix[[c + j, 3 * c + j, 4 * c + j], other] = (
                3.0 * (second - first),
                1.0 / (1.0 - first),
                -1.0 / (1.0 - second),
            )
        for p in range(len(self.pairs)):
            matrix[5 * c + p, SPLINE * c + p] = 1.0
        return matrix

    def only(self, chosen: Int64, pairs: Sequence[tuple[int, int]]) -> Terms:
        """Return the terms of some conditions and products; the products are named by the old positions."""
        place = {int(old): new for new, old in enumerate(chosen)}
        return Terms(
            location=self.location[chosen],
            width=self.width[chosen],
            knots=self.knots[:, chosen],
            pairs=tuple((place[a], place[b]) for a, b in pairs),
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Basis:
    """All functions of the conditions of some rows.

    ``design`` has shape ``(r, 3 c + p)``; ``bends`` ``(c,)`` says of which conditions the values carry a spline.
    """

    terms: Terms
    design: Float64
    bends: tuple[bool, ...]

    @classmethod
    def of(cls, conditions: Float64) -> Basis:
        """Place scales and knots by the rows ``(r, c)``; rounded to float32, as the graph has them."""
        low, high = _single(np.quantile(conditions, _OUTER, axis=0))
        width = _single(high - low)
        knots = np.vstack([np.zeros(len(low)), (np.quantile(conditions, _INNER, axis=0) - low) / width])
        apart = np.diff(np.vstack([knots, np.ones(len(low))]), axis=0).min(axis=0) >= _APART
        bends = apart & np.array([len(np.unique(column)) >= _FEWEST_VALUES for column in conditions.T])
        knots[1:, ~bends] = np.array(_INNER)[:, None]
        pairs = tuple(combinations(range(len(low)), 2))
        terms = Terms(location=low, width=width, knots=_single(knots), pairs=pairs)
        return cls(terms=terms, design=terms.primitives(conditions) @ terms.combination(), bends=tuple(bends.tolist()))

    def take(self, rows: Int64) -> Basis:
        """Return the functions of some of the rows."""
        return replace(self, design=self.design[rows])


def varies(conditions: Float64) -> NDArray[np.bool_]:
    """Return which conditions vary enough to learn from, by rows ``(r, c)`` of them."""
    low, high = np.quantile(conditions, _OUTER, axis=0)
    return np.asarray((high - low) > 1e-6 * (1.0 + np.abs(low)), dtype=np.bool_)


def _single(values: Float64) -> Float64:
    """Return values rounded to float32."""
    return values.astype(np.float32).astype(np.float64)
