"""Principal components of rows in a row: the shape of a model of normal, and the tools of the other shapes."""

from __future__ import annotations

from typing import Final

import numpy as np
from sklearn.covariance import ledoit_wolf_shrinkage

from lineside.domain.readings import Float64

FLATTEST: Final = 1e-3
"""A direction's variance is taken as this share of the mean variance at least: float32 resolves no less."""


def principal_whitening(stacked: Float64, effective: float) -> tuple[Float64, int]:
    """Return the whitening matrix, greatest variances first, and how many stand out of noise (one at least)."""
    rows, width = stacked.shape
    values, vectors = np.linalg.eigh(stacked.T @ stacked / rows)
    mean = max(float(np.mean(values)), 1e-12)
    edge = mean * (1.0 + np.sqrt(width / effective)) ** 2
    shrunk = _shrunk(values, float(ledoit_wolf_shrinkage(stacked, assume_centered=True)))
    order = np.arange(width)[::-1]
    return vectors[:, order] / np.sqrt(shrunk[order]), max(int(np.sum(values > edge)), 1)


def inverse_root(rows: Float64) -> Float64:
    """Return the symmetric inverse root ``(m, m)`` of the shrunk second moment of rows ``(r, m)``."""
    values, vectors = np.linalg.eigh(rows.T @ rows / len(rows))
    shrunk = _shrunk(values, float(ledoit_wolf_shrinkage(rows, assume_centered=True)))
    root: Float64 = vectors / np.sqrt(shrunk) @ vectors.T
    return root


def _shrunk(values: Float64, shrinkage: float) -> Float64:
    """Return eigenvalues moved towards their mean (Ledoit and Wolf, J. Multivariate Analysis 88, 2004)."""
    mean = max(float(np.mean(values)), 1e-12)
    return np.maximum((1.0 - shrinkage) * values + shrinkage * mean, FLATTEST * mean)
