"""Robust estimation of a response: Huber's loss for hundreds of features at once, and strangers drawn in.

The method of modified residuals (Huber and Ronchetti, *Robust Statistics*, 2nd ed., section 7.8): fit by least squares,
draw in what is further from the fit than a corner, fit again. Its matrix is the same in each round and for all
features.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from lineside.domain.readings import Float64
from lineside.learn.response_terms import SPLINE, Basis, Columns

LEAST_PRESENT: Final = 0.8
"""Least share of rows that must have a condition, and a feature, for a response to be learned."""
LINE_SHRINK: Final = 0.001
BEND_SHRINK: Final = 0.01
"""Ridge on lines, and on bends and products: per row, for columns of variance 1."""
_ROUNDS: Final = 12
_RESCALED: Final = 4
"""Rounds of a fit, and every how many the scale is taken anew."""
_CORNER: Final = 1.345
"""Huber's corner in scales: 95 % efficient where the errors are normal."""
_STRANGE: Final = 3.0
"""Scales from a fit beyond which a value is drawn in before terms are chosen."""


def middle(values: Float64) -> tuple[Float64, Float64]:
    """Return median and scale (1.4826 MAD) of each column; the scale of one that mostly stands still is 0."""
    centre, scale = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    for j, column in enumerate(values.T):
        present = column[~np.isnan(column)]
        if len(present):
            centre[j] = np.float32(np.median(present))
            scale[j] = 1.4826 * float(np.median(np.abs(present - centre[j])))
    return centre, scale


def cleaned(basis: Basis, values: Float64) -> Float64:
    """Return features in scales from their middles, strangers drawn in towards a fit with all splines.

    What is missing is put in the middle, so that it speaks for no response. A feature that mostly stands still, or that
    too many rows lack, is all zeros.
    """
    centre, scale = middle(values)
    z = (values - centre) / np.where(scale > 0.0, scale, np.inf)
    missing = np.isnan(z)
    z[:, missing.mean(axis=0) > 1.0 - LEAST_PRESENT] = 0.0
    z[missing] = 0.0
    splines = tuple(range(SPLINE * basis.terms.count))
    found = huber_fit(basis, z, splines)
    fit = found[0] + basis.design[:, splines] @ found[1:]
    spread = 1.4826 * np.median(np.abs(z - fit), axis=0)
    drawn_in: Float64 = fit + np.clip(z - fit, -_STRANGE * spread, _STRANGE * spread)
    return np.where(missing, 0.0, drawn_in)


def huber_fit(basis: Basis, values: Float64, columns: Columns) -> Float64:
    """Return the coefficients ``(1 + columns, n)`` of values ``(r, n)`` by some columns of a basis, the constant first.

    A missing value counts as expected.
    """
    x = np.column_stack([np.ones(len(values)), basis.design[:, columns]])
    penalty = np.append(0.0, shrinkage(basis)[list(columns)]) * len(x)
    solve = np.linalg.solve(x.T @ x + np.diag(penalty), x.T)
    missing = np.isnan(values)
    coefficients = solve @ np.where(missing, np.nanmedian(values, axis=0), values)
    corner = np.zeros(values.shape[1])
    for number in range(_ROUNDS):
        fit = x @ coefficients
        residual = np.where(missing, 0.0, values - fit)
        if number % _RESCALED == 0:
            corner = _CORNER * 1.4826 * np.median(np.abs(residual), axis=0)
        coefficients = solve @ (fit + np.clip(residual, -corner, corner))
    return np.asarray(coefficients, dtype=np.float64)


def shrinkage(basis: Basis) -> Float64:
    """Return the ridge penalty per row of each column of a basis."""
    columns = np.arange(basis.design.shape[1])
    lines = (columns < SPLINE * basis.terms.count) & (columns % SPLINE == 0)
    variance = np.maximum(basis.design.var(axis=0), 1e-12)
    penalty: Float64 = np.where(lines, LINE_SHRINK, BEND_SHRINK) * variance
    return penalty
