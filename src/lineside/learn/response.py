"""How each process feature moves with the conditions: the environment's response, learned from conforming parts.

A feature is ``x = m + d(c) + e``: its middle, how far the conditions ``c`` move it, and what is its own. ``d`` is a sum
of smooth functions of single conditions and, where they pay, of products of two
(`lineside.learn.response_terms`; additive models: Hastie and Tibshirani, *Statistical Science* 1, 1986).

1. *Which terms a feature gets* is chosen by `lineside.learn.response_choice` on blocks of rows left out.
2. *Estimation* is by least squares with Huber's loss, by the method of modified residuals: fit, draw in what is
   further than 1.345 scales from the fit, fit again (Huber and Ronchetti, *Robust Statistics*, 2nd ed., section 7.8).
   Its matrix is the same for all features, so that hundreds are fitted at once. A little ridge shrinks; bends and
   products are shrunk more than lines.
3. *Missing conditions*: a feature of which a condition is missing is not moved at all, and its distance from the middle
   is counted in its whole spread instead of what the conditions leave of it.

What is judged is the deviation: how far the feature is from what is usual under its conditions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.readings import Float64, Int64
from lineside.learn.response_choice import Chosen, choose_terms
from lineside.learn.response_fit import LEAST_PRESENT, cleaned, huber_fit, middle
from lineside.learn.response_terms import SPLINE, Basis, Columns, Terms, varies

Bools = NDArray[np.bool_]
LEAST_ROWS: Final = 80
"""Fewest rows from which a response is learned."""
MOST_CONDITIONS: Final = 12
"""Conditions that are looked at: the first of those that vary, in the recipe's order."""
_MOST_ROWS: Final = 20_000
_CHOICE_ROWS: Final = 6_000
_BANDS: Final = 5
_BAND: Final = (0.025, 0.975)
_NARROWEST: Final = 1e-3
"""What conditions leave of a feature's spread is taken as this share of it at least."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """How one feature (a position among the features) moves with one condition (a position among those given).

    ``slope`` is the mean change, in the feature's unit per unit of the condition, between the condition's 5 % and 95 %
    points ``low`` and ``high``; ``bends`` says that it is no straight line.
    """

    feature: int
    condition: int
    slope: float
    low: float
    high: float
    bends: bool


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Response:
    """What the conditions do to ``n`` features; made by `fit_response`.

    ``conditions`` are the positions, among those given, of the ``c`` that are used. ``weights`` ``(primitives, n)`` and
    ``offset`` ``(n,)`` give ``d``; ``uses`` ``(c, n)`` says which condition moves which feature. ``centre`` ``(n,)``
    are the features' middles, ``narrow`` ``(n,)`` the share of its spread that a feature has of its own. ``explained``
    ``(n,)`` is the share of its variance that the conditions explain on blocks left out, ``low`` and ``high`` ``(n,)``
    the band of 95 % of the parts about what is expected. Numbers are float32 values, as the graph has them.
    """

    terms: Terms
    conditions: Int64
    weights: Float64
    offset: Float64
    uses: Bools
    centre: Float64
    narrow: Float64
    explained: Float64
    low: Float64
    high: Float64
    effects: tuple[Effect, ...]

    @property
    def responds(self) -> Bools:
        """Which features respond to any condition, shape ``(n,)``."""
        return np.asarray(self.uses.any(axis=0), dtype=np.bool_)

    def moved(self, conditions: Float64) -> Float64:
        """Return how far conditions ``(r, all)`` move each feature ``(r, n)``; NaN where one that it needs is missing.

        Zero for a feature that does not respond.
        """
        given = conditions[:, self.conditions]
        lacking = np.isnan(given)
        moved = self.shift(np.where(lacking, self.terms.location, given))
        moved[(lacking.astype(np.float64) @ self.uses) > 0.0] = np.nan
        return moved

    def shift(self, given: Float64) -> Float64:
        """Return how far the conditions that are used ``(r, c)``, none of them missing, move each feature."""
        return np.asarray(self.terms.primitives(given) @ self.weights + self.offset, dtype=np.float64)

    def expected(self, conditions: Float64) -> Float64:
        """Return what is usual under conditions ``(r, all)``: ``(r, n)``, the middle where a condition is missing."""
        return self.centre + np.nan_to_num(self.moved(conditions), nan=0.0)

    def deviations(self, features: Float64, conditions: Float64) -> Float64:
        """Return how far features ``(r, n)`` are from what is usual under their conditions; missing ones stay missing.

        Where a condition is missing: how far from the middle, drawn in as the conditions narrow the feature's spread.
        """
        moved = self.moved(conditions)
        apart = features - self.centre
        return np.where(np.isnan(moved), self.narrow * apart, apart - moved)


def fit_response(features: Float64, conditions: Float64, *, most_rows: int = _MOST_ROWS) -> Response:
    """Learn how features ``(r, n)`` move with conditions ``(r, all)``, from conforming rows in time order.

    Of more than ``most_rows`` rows so many are taken, evenly spread. There is no chance in it: the same rows give the
    same response. A feature that no condition moves beyond doubt has none; with too few rows or no condition that
    varies, that is all of them.
    """
    usable = np.flatnonzero(np.isnan(conditions).mean(axis=0) <= 1.0 - LEAST_PRESENT)
    rows = _spread(np.flatnonzero(~np.isnan(conditions[:, usable]).any(axis=1)), most_rows)
    if len(rows) < LEAST_ROWS or not len(usable):
        return nothing(features)
    varying = usable[varies(conditions[np.ix_(rows, usable)])][:MOST_CONDITIONS]
    if not len(varying):
        return nothing(features)
    values, given = features[rows], conditions[np.ix_(rows, varying)]
    basis = Basis.of(given)
    few = _spread(np.arange(len(rows)), _CHOICE_ROWS)
    chosen = choose_terms(basis.take(few), cleaned(basis.take(few), values[few]))
    return _fitted(values, given, basis, varying, chosen)


def unseen_deviations(response: Response, features: Float64, conditions: Float64) -> Float64:
    """Return the deviations of the rows that a response was learned from, as if each had come under new conditions.

    The rows are cut into bands of the condition that moves most features; the deviations of each band are those from
    what the other bands teach. They are wider than those from the response itself, and together where it errs for
    several features at once: so will normal look in a season that was not learned from (cross-fitting: Chernozhukov et
    al., *Econometrics Journal* 21, 2018).
    """
    leading = response.conditions[np.argmax(response.uses.sum(axis=1))]
    order = np.argsort(conditions[:, leading], kind="stable")  # what is missing comes last
    result = np.empty_like(features)
    for band in np.array_split(order, _BANDS):
        rest = np.delete(np.arange(len(features)), band)
        other = fit_response(features[rest], conditions[rest], most_rows=_CHOICE_ROWS)
        result[band] = other.deviations(features[band], conditions[band]) + other.centre - response.centre
    return result


def _spread(rows: Int64, most: int) -> Int64:
    """Return at most so many of the rows, evenly spread over them."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def nothing(features: Float64) -> Response:
    """Return the response of features ``(r, n)`` to nothing."""
    n = features.shape[1]
    none = np.zeros(0)
    return Response(
        terms=Terms(location=none, width=none, knots=np.zeros((3, 0)), pairs=()),
        conditions=np.zeros(0, dtype=np.int64),
        weights=np.zeros((0, n)),
        offset=np.zeros(n),
        uses=np.zeros((0, n), dtype=np.bool_),
        centre=middle(features)[0],
        narrow=np.ones(n),
        explained=np.zeros(n),
        low=np.full(n, np.nan),
        high=np.full(n, np.nan),
        effects=(),
    )


def _fitted(values: Float64, conditions: Float64, basis: Basis, positions: Int64, chosen: Chosen) -> Response:
    """Fit the chosen terms to features ``(r, n)`` and keep the conditions ``(r, c)`` that any of them needs."""
    c = basis.terms.count
    constant, coefficients = _coefficients(values, basis, chosen.columns)
    uses = np.zeros((c, values.shape[1]), dtype=np.bool_)
    for j, columns in enumerate(chosen.columns):
        uses[[column // SPLINE for column in columns if column < SPLINE * c], j] = True
    kept = np.flatnonzero(uses.any(axis=1))
    products = [p for p in range(len(basis.terms.pairs)) if np.any(coefficients[SPLINE * c + p])]
    terms = basis.terms.only(kept, [basis.terms.pairs[p] for p in products])
    rows = [SPLINE * int(j) + k for j in kept for k in range(SPLINE)] + [SPLINE * c + p for p in products]
    centre, scale = middle(values)
    response = replace(
        nothing(values),
        terms=terms,
        conditions=positions[kept],
        weights=_single(terms.combination() @ coefficients[rows]),
        offset=_single(np.where(uses.any(axis=0), constant - centre, 0.0)),
        uses=uses[kept],
        explained=chosen.explained,
    )
    return _described(response, values, conditions[:, kept], scale)


def _coefficients(values: Float64, basis: Basis, chosen: tuple[Columns, ...]) -> tuple[Float64, Float64]:
    """Return constant ``(n,)`` and coefficients ``(p, n)`` of each feature's own columns."""
    constant, coefficients = np.zeros(len(chosen)), np.zeros((basis.design.shape[1], len(chosen)))
    for columns in sorted(set(chosen) - {()}):
        features = [j for j, own in enumerate(chosen) if own == columns]
        found = huber_fit(basis, values[:, features], columns)
        coefficients[np.ix_(columns, features)] = found[1:]
        own = values[:, features] - basis.design[:, columns] @ found[1:]
        constant[features] = np.nanmedian(own, axis=0)  # a median has less bias than Huber's mean
    return constant, coefficients


def _described(response: Response, values: Float64, given: Float64, scale: Float64) -> Response:
    """Return a response with what it leaves of each feature, and its effects in words' reach."""
    responds = response.responds
    own = values - response.centre - response.shift(given)
    left = middle(own)[1] / np.where(scale > 0.0, scale, 1.0)
    band = np.full((2, len(responds)), np.nan)
    band[:, responds] = np.nanquantile(own[:, responds], _BAND, axis=0)
    usual = np.median(given, axis=0)
    low, high = response.terms.location.tolist(), (response.terms.location + response.terms.width).tolist()
    effects = []
    for i, position in enumerate(response.conditions.tolist()):
        ends = np.vstack([usual, usual])
        ends[:, i] = low[i], high[i]
        change = np.subtract(*response.shift(ends)[::-1])
        for j in np.flatnonzero(response.uses[i]).tolist():
            slope = float(change[j] / response.terms.width[i])
            bends = bool(np.any(response.weights[2 * len(usual) + i :: len(usual), j][:3]))
            effects.append(Effect(feature=j, condition=position, slope=slope, low=low[i], high=high[i], bends=bends))
    return replace(
        response,
        narrow=_single(np.where(responds, np.clip(left, _NARROWEST, 1.0), 1.0)),
        low=_single(band[0]),
        high=_single(band[1]),
        effects=tuple(effects),
    )


def _single(values: Float64) -> Float64:
    """Return values rounded to float32."""
    return values.astype(np.float32).astype(np.float64)
