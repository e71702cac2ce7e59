"""Which conditions move which feature, and by which functions: chosen on blocks of rows left out.

Rows in time order are cut into blocks; each block in turn is foreseen by a fit to the others. Neighbouring parts are
nearly copies of each other, so that rows left out at random would let anything pass that merely drifts along with a
condition.

For each feature, step by step: of all conditions that it does not have yet, as a line or as a spline, the one is found
that lowers the mean squared error on the blocks left out most; the line is taken unless the spline is better by more
than a standard error over the blocks. It is added if it pays: if it lowers the error by more than a standard error, and
by `LEAST_GAIN` of it. Then products of two conditions that the feature has are tried in the same way. The simplest
wins (the one-standard-error rule: Breiman, Friedman, Olshen and Stone, *Classification and Regression Trees*, 1984,
section 3.4.3).

All features with the same terms are fitted at once from sums over blocks, so that the time needed hardly grows with the
number of features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.readings import Float64, Int64
from lineside.learn.response_fit import shrinkage
from lineside.learn.response_terms import SPLINE, Basis, Columns, Terms

BLOCKS: Final = 8
MOST_TERMS: Final = 3
"""Conditions of one feature at most."""
MOST_PRODUCTS: Final = 1
LEAST_GAIN: Final = 0.03
"""Least share of the error that a term must take away."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Chosen:
    """The columns of the design that each of ``n`` features has, and the variance explained on blocks left out."""

    columns: tuple[Columns, ...]
    explained: Float64


def choose_terms(basis: Basis, values: Float64) -> Chosen:
    """Return the terms of each feature.

    Args:
        basis: all functions of the conditions, rows in time order.
        values: features in scales from their middles ``(r, n)``, without strangers and gaps.
    """
    sums = _Sums.of(basis, values)
    n = values.shape[1]
    chosen: list[Columns] = [() for _ in range(n)]
    error = sums.errors((), np.arange(n))
    first = error.mean(axis=0)
    for _ in range(MOST_TERMS):
        _extend(sums, chosen, error, lambda has: _conditions_beside(has, basis))
    for _ in range(MOST_PRODUCTS):
        _extend(sums, chosen, error, lambda has: _products_beside(has, basis.terms))
    explained = 1.0 - error.mean(axis=0) / np.where(first > 0.0, first, 1.0)
    return Chosen(columns=tuple(chosen), explained=np.where(first > 0.0, explained, 0.0))


Options = Iterable[Sequence[Columns]]
"""What may be added: for each condition or product its forms, the simplest first."""


def _conditions_beside(has: Columns, basis: Basis) -> Options:
    for j, bends in enumerate(basis.bends):
        if SPLINE * j not in has:
            line, spline = (SPLINE * j,), tuple(range(SPLINE * j, SPLINE * j + SPLINE))
            yield (line, spline) if bends else (line,)


def _products_beside(has: Columns, terms: Terms) -> Options:
    for p, (a, b) in enumerate(terms.pairs):
        column = SPLINE * terms.count + p
        if SPLINE * a in has and SPLINE * b in has and column not in has:
            yield ((column,),)


def _extend(sums: _Sums, chosen: list[Columns], error: Float64, options: Callable[[Columns], Options]) -> None:
    """Add to each feature the one option that pays most, if any pays; ``error`` ``(blocks, n)`` is brought up."""
    for has in sorted(set(chosen)):
        features = np.array([j for j, columns in enumerate(chosen) if columns == has])
        before = error[:, features]
        best = before.copy()
        added: list[Columns] = [()] * len(features)
        for forms in options(has):
            after, form = _best_form(sums, has, forms, features)
            better = _pays(before, after) & (after.mean(axis=0) < best.mean(axis=0))
            best[:, better] = after[:, better]
            for place in np.flatnonzero(better).tolist():
                added[place] = forms[int(form[place])]
        for place, j in enumerate(features.tolist()):
            chosen[j] = tuple(sorted(has + added[place]))
        error[:, features] = best


def _best_form(sums: _Sums, has: Columns, forms: Sequence[Columns], features: Int64) -> tuple[Float64, Int64]:
    """Return for each feature the errors of the simplest form that no other beats by a standard error, and which."""
    error = sums.errors(has + forms[0], features)
    form = np.zeros(len(features), dtype=np.int64)
    for number, columns in enumerate(forms[1:], start=1):
        other = sums.errors(has + columns, features)
        better = _pays(error, other)
        error[:, better] = other[:, better]
        form[better] = number
    return error, form


def _pays(before: Float64, after: Float64) -> NDArray[np.bool_]:
    """Return for which features errors ``(blocks, n)`` are lower by more than a standard error and the least gain."""
    gain = before - after
    error = gain.std(axis=0, ddof=1) / np.sqrt(len(gain))
    least = LEAST_GAIN * before.mean(axis=0)
    return np.asarray((gain.mean(axis=0) > error) & (gain.mean(axis=0) > least), dtype=np.bool_)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Sums:
    """Sums over each block, a constant being the first column: all that least squares needs.

    ``squares`` ``(blocks, 1 + p, 1 + p)``, ``products`` ``(blocks, 1 + p, n)``, ``values`` ``(blocks, n)`` the squares
    of the values, ``rows`` ``(blocks,)``; ``penalty`` ``(1 + p,)`` per row.
    """

    squares: Float64
    products: Float64
    values: Float64
    rows: Float64
    penalty: Float64

    @classmethod
    def of(cls, basis: Basis, values: Float64) -> _Sums:
        """Sum up a basis of ``r`` rows and values ``(r, n)``."""
        columns = np.column_stack([np.ones(len(values)), basis.design])
        blocks = np.array_split(np.arange(len(values)), BLOCKS)
        return cls(
            squares=np.stack([columns[block].T @ columns[block] for block in blocks]),
            products=np.stack([columns[block].T @ values[block] for block in blocks]),
            values=np.stack([np.sum(values[block] ** 2, axis=0) for block in blocks]),
            rows=np.array([float(len(block)) for block in blocks]),
            penalty=np.append(0.0, shrinkage(basis)),
        )

    def errors(self, columns: Columns, features: Int64) -> Float64:
        """Return the mean squared error of features on each block by a fit to the others: ``(blocks, features)``."""
        at = np.array([0, *(column + 1 for column in columns)])
        squares = self.squares[:, at[:, None], at]
        products = self.products[:, at[:, None], features]
        rest = self.rows.sum() - self.rows
        penalty = np.eye(len(at)) * self.penalty[at] * rest[:, None, None]
        found = np.linalg.solve(squares.sum(axis=0) - squares + penalty, products.sum(axis=0) - products)
        missed = self.values[:, features] - 2.0 * np.sum(found * products, axis=1)
        missed += np.sum(found * (squares @ found), axis=1)
        return np.asarray(np.maximum(missed, 0.0) / self.rows[:, None], dtype=np.float64)
