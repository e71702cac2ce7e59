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
   With an ``allowance``, rows are summed up instead, after step 4 (`lineside.learn.cumulated`).
4. *Principal components* of the covariance, shrunk after Ledoit and Wolf (J. Multivariate Analysis 88, 2004). As many
   are kept as have eigenvalues above what pure noise would give (upper edge of Marchenko and Pastur, 1967).
5. *Two charts*: Hotelling's ``T2`` within the components, and the same distance within what is left beside them.
   The residual is weighed by its own variances, unlike the plain squared error of Jackson and Mudholkar
   (Technometrics 21, 1979): where two signals always move together, a part in which they do not is far from
   normal however small the difference, and the plain sum would drown it in the noise of the other signals. The
   shrinkage, and a floor, keep directions that hardly vary from deciding alone. Each chart is divided by its own
   limit on rows it was not learned from (contiguous blocks left out in turn); the score is the greater.

Steps 4 and 5 are those of the family `normal`. The family `robust` takes them from the rows alone that agree with the
densest of them, and its centre from these as well (`lineside.learn.robust`), is shrunk only as far as rows left out
ask, which keeps relations that hardly vary (`lineside.learn.principal`), and has one chart, the whole distance. The
others put something else in their place: `canonical` (what foresees the future), `innovations` (what was not foreseen)
and `nearest` (how far the nearest conforming parts are).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from lineside.domain.errors import DataError
from lineside.domain.limits import serial_limit
from lineside.domain.plan.model import ModelFamily
from lineside.domain.readings import Float64, Int64
from lineside.learn.canonical import canonical_whitening
from lineside.learn.cumulated import cumulated
from lineside.learn.innovations import innovation_whitening
from lineside.learn.nearest import nearest_distance, references
from lineside.learn.principal import fine_shrinkage, principal_whitening
from lineside.learn.robust import agreeing, carries_robust

LEAST_ROWS: Final = 20
"""Fewest conforming parts from which normal is learned."""
FARTHEST: Final = 1000.0
"""A standardised value is clipped here: far beyond any limit, and its square still a good float32."""
_BLOCKS: Final = 5
_REACH: Final = 3.0
"""How far a cumulative sum can rise, over what it is within for all but the chart rate of rows not learned from."""
_NOISE: Final = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class NormalModel:
    """What normal looks like: ``n`` inputs, ``m = n (lags + 1)`` stacked values, ``k`` components.

    ``centre`` and ``scale`` have shape ``(n,)``. ``whitening`` ``(m, q)`` turns a stacked row into uncorrelated values
    of variance 1, components first: the squares of the first ``kept`` sum to T2, of the others to the residual.
    The charts are divided by ``t2_scale`` and ``residual_scale``. With ``known`` stacked rows ``(k, m)`` there is one
    chart instead: the distance to the nearest of them. ``family`` is the one learned: `normal` where `robust` was asked
    for and the rows are too few for it. With an ``allowance`` the charts are of cumulative sums, ``most`` long at most.
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
    known: Float64 | None = None
    family: ModelFamily = ModelFamily.NORMAL
    allowance: float = 0.0
    most: float = np.inf

    @property
    def reach(self) -> float:
        """The greatest score that every long deviation comes to: no limit may stand above it."""
        return self.most**2 / (self.t2_scale + self.residual_scale)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Shape:
    """What charts are made of: see `NormalModel`."""

    whitening: Float64
    kept: int
    known: Float64 | None


def fit_normal(  # noqa: PLR0913 - what a plan can wish for, each by its name
    rows: Float64,
    group: NDArray[np.object_],
    *,
    weight: float,
    lags: int,
    rate: float,
    drift: float = 0.0,
    family: ModelFamily = ModelFamily.NORMAL,
    scales: tuple[Float64, Float64] | None = None,
    allowance: float = 0.0,
) -> NormalModel:
    """Learn normal from conforming rows ``(r, n)`` in time order; memory, lags and drift start anew in each group.

    ``rate`` sets the quantile (``1 - rate``) by which the two charts are made comparable; ``family`` says of what the
    charts are made; too few rows for `robust` are learned as `normal`. ``scales`` are centre and scale of each input
    (None: those of the rows). ``allowance`` is that of a cumulative sum (0: none), which `knn` has not.

    Raises:
        DataError: fewer than `LEAST_ROWS` rows, or no inputs.
    """
    _check(rows)
    centre, scale = scales or robust_scale(rows)
    stacked, used = _stacked(_distances(rows, group, centre, scale, drift), group, weight, lags)
    if (count := int(np.sum(used))) < LEAST_ROWS:
        raise DataError("too few rows are left behind the lags", value=count, next_step="use fewer lags")
    if family is ModelFamily.ROBUST and not carries_robust(count, stacked.shape[1]):
        family = ModelFamily.NORMAL
    if family is ModelFamily.ROBUST:
        used[used] = agreeing(stacked[used])
        centre = _moved(centre, scale, stacked[used])
        stacked, _ = _stacked(_distances(rows, group, centre, scale, drift), group, weight, lags)
    usable, run = stacked[used], np.cumsum(_first_of_group(group), dtype=np.int64)[used]
    width = rows.shape[1]
    shape = _shape(family, usable, run, width, _effective(len(usable), weight))
    t2, residual = _held_out(family, usable, run, width, weight, allowance)

    def comparable(chart: Float64) -> float:
        return serial_limit(chart, rate, run.astype(object)).value

    first, second = comparable(t2), comparable(residual)
    return NormalModel(
        centre=centre, scale=scale, weight=weight, lags=lags, drift=drift, whitening=shape.whitening, kept=shape.kept,
        t2_scale=max(first, 1e-9), residual_scale=second if second > 1e-9 else 1.0, known=shape.known, family=family,
        allowance=allowance, most=_REACH * float(np.sqrt(comparable(t2 + residual))) if allowance else np.inf,
    )  # fmt: skip


def _check(rows: Float64) -> None:
    if len(rows) < LEAST_ROWS or rows.shape[1] == 0:
        raise DataError(
            f"normal is learned from {LEAST_ROWS} conforming parts and one feature at least",
            value=rows.shape,
            next_step="collect more parts, or check the plan's features and exclusions",
        )


def _moved(centre: Float64, scale: Float64, stacked: Float64) -> Float64:
    """Return the centre moved to the mean of some stacked rows, of which the first values are the newest."""
    moved: Float64 = (centre + scale * stacked[:, : len(centre)].mean(axis=0)).astype(np.float32).astype(np.float64)
    return moved


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
    return max(_step(distinct, len(values)), float(np.std(values)) * 0.1, _NOISE * abs(centre), 1e-12)


def resolution(values: Float64) -> float:
    """Return the step between the values of a coarse column; 0 where it is fine, or stands still."""
    present = values[~np.isnan(values)]
    return _step(np.unique(present), len(present))


def _step(distinct: Float64, count: int) -> float:
    few = 1 < len(distinct) <= max(10, count // 20)
    return float(np.median(np.diff(distinct))) if few else 0.0


def standardise(rows: Float64, centre: Float64, scale: Float64) -> Float64:
    """Return the rows in units of scale from the centre, clipped; missing values as 0."""
    z: Float64 = np.clip((rows - centre) / scale, -FARTHEST, FARTHEST)
    z[np.isnan(z)] = 0.0
    return z


def charts(model: NormalModel, stacked: Float64) -> tuple[Float64, Float64]:
    """Return T2 and residual of stacked rows ``(r, m)``, each divided by its scale."""
    t2, residual = _statistics(_Shape(whitening=model.whitening, kept=model.kept, known=model.known), stacked)
    return t2 / model.t2_scale, residual / model.residual_scale


def _summed_charts(model: NormalModel, stacked: Float64, first: NDArray[np.bool_]) -> tuple[Float64, Float64]:
    """Return what `charts` does, of the cumulative sums of rows in order."""
    sums = cumulated(stacked @ model.whitening, first, model.allowance, model.most)
    t2, residual = _squares(sums, model.kept)
    return t2 / model.t2_scale, residual / model.residual_scale


def normal_scores(model: NormalModel, rows: Float64, group: NDArray[np.object_]) -> Float64:
    """Return the score of each row, as the exported graph gives it; NaN where lags are not yet filled."""
    distances = _distances(rows, group, model.centre, model.scale, model.drift)
    stacked, _ = _stacked(distances, group, model.weight, model.lags)
    both = _summed_charts(model, stacked, _first_of_group(group)) if model.allowance else charts(model, stacked)
    result = np.maximum(*both)
    for first in _starts(group):
        result[first : first + model.lags] = np.nan
    return result


def check_reach(model: NormalModel, limit: float) -> None:
    """Refuse a limit that a cumulative sum of deviations cannot rise above.

    Raises:
        DataError: the rows for the limit wander too far from those learned from.
    """
    if limit >= model.reach:
        raise DataError(
            "rows for the limit wander as far as a cumulative sum can rise, so that nothing would alarm",
            field="cusum",
            value=model.allowance,
            next_step="let the centre follow ('drift'), take another 'family' or 'memory', or learn from more parts",
        )


def _distances(rows: Float64, group: NDArray[np.object_], centre: Float64, scale: Float64, drift: float) -> Float64:
    """Return the standardised distance of each row from the centre, or from where drift has taken it."""
    z = standardise(rows, centre, scale)
    if drift <= 0.0:
        return z
    _follow(z, np.isnan(rows), _first_of_group(group), drift)
    return z


@numba.njit(cache=True)
def _follow(  # pragma: no cover - compiled
    z: Float64, missing: NDArray[np.bool_], first: NDArray[np.bool_], drift: float
) -> None:
    """Turn distances into those from where drift has taken the centre, row after row."""
    shift = np.zeros(z.shape[1])
    for row in range(len(z)):
        for column in range(z.shape[1]):
            if first[row]:
                shift[column] = 0.0
            away = 0.0 if missing[row, column] else z[row, column] - shift[column]
            shift[column] += drift * min(max(away, -1.0), 1.0)
            z[row, column] = away


def _starts(group: NDArray[np.object_]) -> Int64:
    return np.flatnonzero(_first_of_group(group))


def _first_of_group(group: NDArray[np.object_]) -> NDArray[np.bool_]:
    change = np.ones(len(group), dtype=np.bool_)
    change[1:] = group[1:] != group[:-1]
    return change


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


@numba.njit(cache=True)
def _average(z: Float64, weight: float) -> None:  # pragma: no cover - compiled
    last = np.zeros(z.shape[1])
    for row in range(len(z)):
        for column in range(z.shape[1]):
            last[column] = weight * z[row, column] + (1.0 - weight) * last[column]
            z[row, column] = last[column]


def _whitening(family: ModelFamily, stacked: Float64, run: Int64, width: int, effective: float) -> tuple[Float64, int]:
    """Return the matrix of a family's charts ``(m, q)``, and how many of its columns belong to the first chart."""
    if family is ModelFamily.CVA:
        return canonical_whitening(stacked, run, width)
    if family is ModelFamily.INNOVATION:
        return innovation_whitening(stacked, width, effective)
    if family is ModelFamily.ROBUST:
        whitening, _ = principal_whitening(stacked, effective, fine_shrinkage(stacked))
        return whitening, whitening.shape[1]  # one distance, as robust distances are
    return principal_whitening(stacked, effective)


def _statistics(model: _Shape, stacked: Float64) -> tuple[Float64, Float64]:
    """Return both charts; where there are known parts to be near to, the first is the distance to the nearest."""
    white = stacked @ model.whitening
    if model.known is not None:
        return nearest_distance(white, model.known @ model.whitening), np.zeros(len(white))
    return _squares(white, model.kept)


def _squares(white: Float64, kept: int) -> tuple[Float64, Float64]:
    squares = white**2
    return np.sum(squares[:, :kept], axis=1), np.sum(squares[:, kept:], axis=1)


def _shape(family: ModelFamily, stacked: Float64, run: Int64, width: int, effective: float) -> _Shape:
    whitening, kept = _whitening(family, stacked, run, width, effective)
    known = references(stacked) if family is ModelFamily.KNN else None
    return _Shape(whitening=whitening, kept=kept, known=known)


def _held_out(
    family: ModelFamily, stacked: Float64, run: Int64, width: int, weight: float, allowance: float
) -> Float64:
    """Return both charts ``(2, r)`` over contiguous blocks, each left out of the learning.

    A chart whose values follow one another closely has few independent rows behind its limit, and is moved out by it.
    """
    charts = np.empty((2, len(stacked)))
    for block in np.array_split(np.arange(len(stacked)), _BLOCKS):
        rest = np.delete(np.arange(len(stacked)), block)
        pieces = 2 * run[rest] + (rest > block[-1])
        shape = _shape(family, stacked[rest], pieces, width, _effective(len(rest), weight))
        if allowance:
            sums = cumulated(stacked[block] @ shape.whitening, _first_of_group(run[block].astype(object)), allowance)
            charts[:, block] = _squares(sums, shape.kept)
        else:
            charts[:, block] = _statistics(shape, stacked[block])
    return charts


def _effective(rows: int, weight: float) -> float:
    """Return how many independent rows a moving average leaves."""
    return rows * weight / (2.0 - weight)
