"""Principal components of rows in a row: the shape of a model of normal, and the tools of the other shapes."""

from __future__ import annotations

from typing import Final

import numpy as np
from sklearn.covariance import ledoit_wolf_shrinkage

from lineside.domain.readings import Float64

FLATTEST: Final = 1e-3
"""A direction's variance is taken as this share of the mean variance at least: float32 resolves no less."""

SHRINKAGES: Final = (0.0, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.2, 0.4, 0.7, 0.95)
_BLOCKS: Final = 5


def principal_whitening(stacked: Float64, effective: float, share: float | None = None) -> tuple[Float64, int]:
    """Return the whitening matrix, greatest variances first, and how many stand out of noise (one at least).

    ``share`` is how far eigenvalues are moved towards their mean (None: `plain_shrinkage`).
    """
    rows, width = stacked.shape
    values, vectors = np.linalg.eigh(stacked.T @ stacked / rows)
    mean = max(float(np.mean(values)), 1e-12)
    edge = mean * (1.0 + np.sqrt(width / effective)) ** 2
    shrunk = _shrunk(values, plain_shrinkage(stacked) if share is None else share)
    order = np.arange(width)[::-1]
    return vectors[:, order] / np.sqrt(shrunk[order]), max(int(np.sum(values > edge)), 1)


def fine_shrinkage(rows: Float64) -> float:
    """Return the share of `SHRINKAGES` that keeps relations between columns ``(r, m)``, as far as rows left out ask.

    It is the one under which contiguous blocks, each left out in turn, are the most likely by a normal distribution (a
    ridge by cross-validated likelihood: Warton, JASA 103, 2008). That judges inverse variances, by which a distance
    weighs directions. What is nearest to the covariance itself (`plain_shrinkage`) takes every direction that hardly
    varies for noise, and with it relations that a fault may break.
    """
    blocks = np.array_split(np.arange(len(rows)), _BLOCKS)
    moments = [rows[block].T @ rows[block] for block in blocks]
    whole = np.sum(moments, axis=0)
    unlikely = np.zeros(len(SHRINKAGES))
    for block, own in zip(blocks, moments, strict=True):
        values, vectors = np.linalg.eigh((whole - own) / max(len(rows) - len(block), 1))
        held = np.einsum("ij,ij->j", vectors, own @ vectors)
        for place, share in enumerate(SHRINKAGES):
            shrunk = _shrunk(values, share)
            unlikely[place] += len(block) * np.log(shrunk).sum() + (held / shrunk).sum()
    return SHRINKAGES[int(np.argmin(unlikely))]


def plain_shrinkage(rows: Float64) -> float:
    """Return the share under which the second moment of rows is nearest to the true one (Ledoit and Wolf, 2004)."""
    return float(ledoit_wolf_shrinkage(rows, assume_centered=True))


def inverse_root(rows: Float64) -> Float64:
    """Return the symmetric inverse root ``(m, m)`` of the shrunk second moment of rows ``(r, m)``."""
    values, vectors = np.linalg.eigh(rows.T @ rows / len(rows))
    shrunk = _shrunk(values, plain_shrinkage(rows))
    root: Float64 = vectors / np.sqrt(shrunk) @ vectors.T
    return root


def _shrunk(values: Float64, share: float) -> Float64:
    """Return eigenvalues moved towards their mean, but none below `FLATTEST` of it."""
    mean = max(float(np.mean(values)), 1e-12)
    return np.maximum((1.0 - share) * values + share * mean, FLATTEST * mean)
