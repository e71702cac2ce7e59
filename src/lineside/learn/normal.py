"""A model of normal: how far a part is from the conforming ones, in two charts.

1. *Standardise* robustly: ``z = (x - median) / (1.4826 MAD)``, the scale not below the resolution of the data, so
   that a signal with few distinct values does not explode (Rousseeuw and Croux, JASA 88, 1993). A missing value
   counts as usual (``z = 0``).
2. *Follow* slow drift, where the plan asks: the centre moves towards each part by ``drift`` times the distance,
   counted as 1 at most: ``b_t = b_(t-1) + drift clip(z_t - b_(t-1), -1, 1)``. So the centre can follow what is slower
   than ``drift`` deviations a part (a rig that warms up, a season), while a jump of 10 deviations needs ``9 / drift``
   parts to be taken for usual: a Huber-weighted moving average (Croux, Gelper and Mahieu, Comput. Stat. Data Anal. 54,
   2010, for the robust form of exponential smoothing).
3. *Remember*, where the plan asks: ``w_t = weight z_t + (1 - weight) w_(t-1)`` (multivariate EWMA: Lowry et al.,
   Technometrics 34, 1992), and put ``lags`` earlier rows beside each (dynamic PCA: Ku et al., 1995).
4. *Principal components* of the covariance, shrunk after Ledoit and Wolf (J. Multivariate Analysis 88, 2004). As many
   are kept as have eigenvalues above what pure noise would give (upper edge of Marchenko and Pastur, 1967).
5. *Two charts*: Hotelling's ``T2`` within the components, and the same distance within what is left beside them.
   The residual is weighed by its own variances, unlike the plain squared error of Jackson and Mudholkar
   (Technometrics 21, 1979): where two signals always move together, a part in which they do not is far from
   normal however small the difference, and the plain sum would drown it in the noise of the other signals. The
   shrinkage, and a floor, keep directions that hardly vary from deciding alone. Each chart is divided by its own
   high quantile on rows it was not learned from (contiguous blocks left out in turn); the score is the greater.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf_shrinkage

from lineside.domain.errors import DataError
from lineside.domain.readings import Float64, Int64

LEAST_ROWS: Final = 20
"""Fewest conforming parts from which normal is learned."""
FARTHEST: Final = 1000.0
"""A standardised value is clipped here: far beyond any limit, and its square still a good float32."""
_BLOCKS: Final = 5
_NOISE: Final = 1e-6
_FLATTEST: Final = 1e-3
"""A direction's variance is taken as this share of the mean variance at least: float32 resolves no less."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class NormalModel:
    """What normal looks like: ``n`` inputs, ``m = n (lags + 1)`` stacked values, ``k`` components.

    ``centre`` and ``scale`` have shape ``(n,)``. ``whitening`` ``(m, m)`` turns a stacked row into uncorrelated values
    of variance 1, components first: the squares of the first ``kept`` sum to T2, of the others to the residual.
    The charts are divided by ``t2_scale`` and ``residual_scale``.
    """

    centre: Float64
    scale: Float64
    weight: float
    lags: int
    drift: float
    whitening: Float64
    kept: int
    t2_scale: float
    residual_scale: float


def fit_normal(
    rows: Float64, group: NDArray[np.object_], *, weight: float, lags: int, rate: float, drift: float = 0.0
) -> NormalModel:
    """Learn normal from conforming rows ``(r, n)`` in time order; memory, lags and drift start anew in each group.

    ``rate`` sets the quantile (``1 - rate``) by which the two charts are made comparable.

    Raises:
        DataError: fewer than `LEAST_ROWS` rows, or no inputs.
    """
    if len(rows) < LEAST_ROWS or rows.shape[1] == 0:
        raise DataError(
            f"normal is learned from {LEAST_ROWS} conforming parts and one feature at least",
            value=rows.shape,
            next_step="collect more parts, or check the plan's features and exclusions",
        )
    centre, scale = robust_scale(rows)
    stacked, settled = _stacked(_distances(rows, group, centre, scale, drift), group, weight, lags)
    usable = stacked[settled]
    if len(usable) < LEAST_ROWS:
        raise DataError("too few rows are left behind the lags", value=len(usable), next_step="use fewer lags")
    effective = len(usable) * weight / (2.0 - weight)
    whitening, kept = _whitening(usable, effective)
    t2_scale, residual_scale = _chart_scales(usable, effective, rate)
    return NormalModel(
        centre=centre, scale=scale, weight=weight, lags=lags, drift=drift, whitening=whitening, kept=kept,
        t2_scale=t2_scale, residual_scale=residual_scale,
    )  # fmt: skip


def robust_scale(rows: Float64) -> tuple[Float64, Float64]:
    """Return centre and scale of each column: median and MAD, with floors for coarse and constant ones."""
    centre = np.zeros(rows.shape[1])
    scale = np.ones(rows.shape[1])
    for j, column in enumerate(rows.T):
        present = column[~np.isnan(column)]
        if len(present):
            centre[j] = np.float32(np.median(present))
            scale[j] = max(1.4826 * float(np.median(np.abs(present - centre[j]))), _least_scale(present, centre[j]))
    return centre, scale


def _least_scale(values: Float64, centre: float) -> float:
    """Return the least believable scale of a column: its resolution if coarse, a hundredth of it if constant."""
    distinct = np.unique(values)
    if len(distinct) == 1:
        return max(0.01 * abs(centre), _NOISE)
    coarse = float(np.median(np.diff(distinct))) if len(distinct) <= max(10, len(values) // 20) else 0.0
    return max(coarse, float(np.std(values)) * 0.1, _NOISE * abs(centre), 1e-12)


def standardise(rows: Float64, centre: Float64, scale: Float64) -> Float64:
    """Return the rows in units of scale from the centre, clipped; missing values as 0."""
    z: Float64 = np.clip((rows - centre) / scale, -FARTHEST, FARTHEST)
    z[np.isnan(z)] = 0.0
    return z


def charts(model: NormalModel, stacked: Float64) -> tuple[Float64, Float64]:
    """Return T2 and residual of stacked rows ``(r, m)``, each divided by its scale."""
    t2, residual = _statistics(stacked, model.whitening, model.kept)
    return t2 / model.t2_scale, residual / model.residual_scale


def normal_scores(model: NormalModel, rows: Float64, group: NDArray[np.object_]) -> Float64:
    """Return the score of each row, as the exported graph gives it; NaN where lags are not yet filled."""
    distances = _distances(rows, group, model.centre, model.scale, model.drift)
    stacked, _ = _stacked(distances, group, model.weight, model.lags)
    result = np.maximum(*charts(model, stacked))
    for first in _starts(group):
        result[first : first + model.lags] = np.nan
    return result


def _distances(rows: Float64, group: NDArray[np.object_], centre: Float64, scale: Float64, drift: float) -> Float64:
    """Return the standardised distance of each row from the centre, or from where drift has taken it."""
    z = standardise(rows, centre, scale)
    if drift <= 0.0:
        return z
    missing = np.isnan(rows)
    starts = set(_starts(group).tolist())
    shift = np.zeros(z.shape[1])
    for i in range(len(z)):
        if i in starts:
            shift = np.zeros(z.shape[1])
        z[i] = np.where(missing[i], 0.0, z[i] - shift)
        shift = shift + drift * np.clip(z[i], -1.0, 1.0)
    return z


def _starts(group: NDArray[np.object_]) -> Int64:
    change = np.ones(len(group), dtype=np.bool_)
    change[1:] = group[1:] != group[:-1]
    return np.flatnonzero(change)


def _stacked(z: Float64, group: NDArray[np.object_], weight: float, lags: int) -> tuple[Float64, NDArray[np.bool_]]:
    """Return rows with memory and lags, and which of them have both filled.

    A moving average fills in 3 / weight rows; at most a fifth of a group is spent on it.
    """
    starts = _starts(group)
    ends = np.append(starts[1:], len(z))
    smooth = z.copy()
    settled = np.ones(len(z), dtype=np.bool_)
    columns = np.zeros((len(z), z.shape[1] * (lags + 1)))
    for first, end in zip(starts, ends, strict=True):
        if weight < 1.0:
            _average(smooth[first:end], weight)
        for lag in range(min(lags + 1, end - first)):
            columns[first + lag : end, lag * z.shape[1] : (lag + 1) * z.shape[1]] = smooth[first : end - lag]
        burn = 0 if weight >= 1.0 else min(int(3.0 / weight), (end - first) // 5)
        settled[first : first + max(lags, burn)] = False
    return columns, settled


def _average(z: Float64, weight: float) -> None:
    last = np.zeros(z.shape[1])
    for i in range(len(z)):
        z[i] = last = weight * z[i] + (1.0 - weight) * last


def _whitening(stacked: Float64, effective: float) -> tuple[Float64, int]:
    """Return the whitening matrix, greatest variances first, and how many stand out of noise (one at least)."""
    rows, width = stacked.shape
    second_moment = stacked.T @ stacked / rows
    shrinkage = float(ledoit_wolf_shrinkage(stacked, assume_centered=True))
    mean = max(float(np.trace(second_moment)) / width, 1e-12)
    values, vectors = np.linalg.eigh(second_moment)
    values, vectors = values[::-1], vectors[:, ::-1]
    edge = mean * (1.0 + np.sqrt(width / effective)) ** 2
    shrunk = np.maximum((1.0 - shrinkage) * values + shrinkage * mean, _FLATTEST * mean)
    return vectors / np.sqrt(shrunk), max(int(np.sum(values > edge)), 1)


def _statistics(stacked: Float64, whitening: Float64, kept: int) -> tuple[Float64, Float64]:
    squares = (stacked @ whitening) ** 2
    return np.sum(squares[:, :kept], axis=1), np.sum(squares[:, kept:], axis=1)


def _chart_scales(stacked: Float64, effective: float, rate: float) -> tuple[float, float]:
    """Return the ``1 - rate`` quantiles of both charts over contiguous blocks, each left out of the learning."""
    t2 = np.empty(len(stacked))
    residual = np.empty(len(stacked))
    for block in np.array_split(np.arange(len(stacked)), _BLOCKS):
        rest = np.delete(stacked, block, axis=0)
        t2[block], residual[block] = _statistics(
            stacked[block], *_whitening(rest, effective * len(rest) / len(stacked))
        )
    greatest = float(np.quantile(residual, 1.0 - rate))
    return max(float(np.quantile(t2, 1.0 - rate)), 1e-9), greatest if greatest > 1e-9 else 1.0
