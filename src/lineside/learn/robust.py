"""The rows from which a robust shape of normal is taken: the densest three in four, and what agrees with these.

The minimum covariance determinant (Rousseeuw and Van Driessen, Technometrics 41, 1999): of all subsets of a share
``SHARE`` of the rows the one whose covariance has the least determinant. It is sought from deterministic starts, hence
without a seed (Hubert, Rousseeuw and Verdonck, J. Computational and Graphical Statistics 21, 2012; of their six: the
hyperbolic tangent and the spatial sign; and all directions alike), each improved by concentration steps until the
subset stays. A small ridge keeps directions that stand still from deciding (Boudt, Rousseeuw, Vanduffel and Verdonck,
Statistics and Computing 30, 2020). Then every row is kept that is no farther from the subset than 39 in 40 normally
distributed rows would be. Up to a quarter of the rows may be strange; what is common is taken for normal.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from lineside.domain.readings import Float64, Int64
from lineside.learn.principal import FLATTEST
from lineside.learn.rows import thinned

SHARE: Final = 0.75
"""Share of the rows that the densest subset has: a quarter may be strange, and little is lost where none is."""
LEAST_PER_VALUE: Final = 5
"""Rows for each stacked value, at least: with fewer, a subset is dense by chance (Rousseeuw and Van Zomeren, 1990)."""
MOST_ROWS: Final = 4_000
"""Rows among which the subset is sought at most, evenly spaced; all are held against it."""
_KEPT: Final = 0.975
_MOST_STEPS: Final = 50

Bools = NDArray[np.bool_]


def carries_robust(rows: int, width: int) -> bool:
    """Return whether so many rows of so many stacked values carry a robust shape."""
    return rows >= LEAST_PER_VALUE * width


def agreeing(rows: Float64) -> Bools:
    """Return which of some rows ``(r, m)``, standardised and without missing values, agree with the densest of them."""
    sample = rows[thinned(len(rows), MOST_ROWS)]
    tried = [_concentrated(sample, start) for start in _starts(sample)]
    densest = sample[min(tried, key=lambda item: item[0])[1]]
    distance, freedom = _distances(rows, densest)
    usual = float(np.median(distance)) / float(chi2.ppf(0.5, freedom))
    return np.asarray(distance <= usual * float(chi2.ppf(_KEPT, freedom)), dtype=np.bool_)


def _starts(rows: Float64) -> list[Int64]:
    """Return the subsets from which the search begins: the nearest rows by shapes that far rows hardly bend."""
    centred = rows - np.median(rows, axis=0)
    deviation = 1.4826 * np.median(np.abs(centred), axis=0)
    z = centred / np.where(deviation > 0.0, deviation, 1.0)
    length = np.linalg.norm(z, axis=1, keepdims=True)
    bent = (np.tanh(z), z / np.where(length > 0.0, length, 1.0))
    return [_nearest(np.sum(z**2, axis=1)), *(_nearest(_along(z, item.T @ item)) for item in bent)]


def _along(z: Float64, shape: Float64) -> Float64:
    """Return squared distances by robust deviations along the axes of a shape."""
    turned = z @ np.linalg.eigh(shape)[1]
    turned -= np.median(turned, axis=0)
    deviation = np.median(np.abs(turned), axis=0)
    least = np.sqrt(FLATTEST) * max(float(np.mean(deviation)), 1e-12)
    return np.asarray(np.sum((turned / np.maximum(deviation, least)) ** 2, axis=1), dtype=np.float64)


def _nearest(distance: Float64) -> Int64:
    count = round(SHARE * len(distance))
    return np.sort(np.argsort(distance, kind="stable")[:count])


def _concentrated(rows: Float64, start: Int64) -> tuple[float, Int64]:
    """Return the log determinant and the subset at which concentration ends; a step never raises the former."""
    subset = start
    for _ in range(_MOST_STEPS):
        following = _nearest(_distances(rows, rows[subset])[0])
        if np.array_equal(following, subset):
            break
        subset = following
    return float(np.sum(np.log(_spectrum(rows[subset])[0]))), subset


def _distances(rows: Float64, subset: Float64) -> tuple[Float64, float]:
    """Return squared Mahalanobis distances of rows from a subset, and their degrees of freedom under the ridge."""
    values, vectors, ridge = _spectrum(subset)
    white = (rows - subset.mean(axis=0)) @ (vectors / np.sqrt(values))
    return np.sum(white**2, axis=1), max(float(np.sum(1.0 - ridge / values)), 1.0)


def _spectrum(subset: Float64) -> tuple[Float64, Float64, float]:
    """Return eigenvalues (with the ridge), eigenvectors, and the ridge of a subset's covariance."""
    centred = subset - subset.mean(axis=0)
    covariance = centred.T @ centred / len(subset)
    ridge = FLATTEST * max(float(np.mean(np.diag(covariance))), 1e-12)
    values, vectors = np.linalg.eigh(covariance)
    return np.maximum(values, 0.0) + ridge, vectors, ridge
