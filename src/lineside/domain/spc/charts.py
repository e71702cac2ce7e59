"""Shewhart and EWMA charts, whose limits come from a stated baseline and not from the values they judge.

Factors after AIAG, Statistical Process Control, 2nd edition (2005), appendix E. Individuals and moving range,
average and range, and EWMA after NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.2, 6.3.2.1 and 6.3.2.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np

from lineside.domain.errors import DataError
from lineside.domain.readings import Float64
from lineside.domain.said import say

MEAN_RANGE: Final = (1.128, 1.693, 2.059, 2.326, 2.534, 2.704, 2.847, 2.970, 3.078)
"""d2 of 2 to 10 values: the mean range of a normal sample, in standard deviations."""
RANGE_SPREAD: Final = (0.853, 0.888, 0.880, 0.864, 0.848, 0.833, 0.820, 0.808, 0.797)
"""d3 of 2 to 10 values: the standard deviation of that range."""
MOST_IN_GROUP: Final = len(MEAN_RANGE) + 1
FEWEST_POINTS: Final = 20
"""Fewest points of a baseline (AIAG 2005 asks for 25 groups; NIST for about 20)."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Chart:
    """Points against limits, in the unit of the values.

    Attributes:
        name: what the points are.
        points: one value per point ``(n,)``.
        centre: the centre line.
        lower: the lower limit of each point ``(n,)``.
        upper: the upper limit of each point ``(n,)``.
        sigma: standard deviation of the single values within the baseline.
        baseline: how many points, from the first, the limits come from.
    """

    name: str
    points: Float64
    centre: float
    lower: Float64
    upper: Float64
    sigma: float
    baseline: int

    @property
    def deviations(self) -> Float64:
        """Each point's distance from the centre in standard deviations of a point ``(n,)``; 0 where there is none."""
        spread = (self.upper - self.centre) / 3.0
        return np.divide(self.points - self.centre, spread, out=np.zeros_like(self.points), where=spread > 0.0)


def individuals(values: Float64, baseline: int) -> tuple[Chart, Chart]:
    """Return the charts of single values and of their moving ranges (from one value to the next).

    Args:
        values: finite values in order of production ``(n,)``.
        baseline: how many of them, from the first, the limits come from.

    Raises:
        DataError: a value is not finite, or the baseline is too short, too long or without any spread.
    """
    _check(values, baseline)
    moving = np.abs(np.diff(values))
    mean_range = _some_spread(float(moving[: baseline - 1].mean()))
    sigma = mean_range / MEAN_RANGE[0]
    return (
        _level("individuals", values, float(values[:baseline].mean()), 3.0 * sigma, sigma, baseline),
        _ranges("moving range", moving, mean_range, 2, baseline - 1),
    )


def average_and_range(values: Float64, size: int, baseline: int) -> tuple[Chart, Chart]:
    """Return the charts of the averages and of the ranges of groups of ``size`` values; an unfinished group waits.

    Args:
        values: finite values in order of production ``(n,)``.
        size: values in a group, 2 to `MOST_IN_GROUP`.
        baseline: how many groups, from the first, the limits come from.

    Raises:
        DataError: as for `individuals`, or the size is not within its bounds.
    """
    if not 2 <= size <= MOST_IN_GROUP:
        raise DataError("no such size of a group", field="size", value=size, choices=(f"2..{MOST_IN_GROUP}",))
    groups = values[: len(values) // size * size].reshape(-1, size)
    averages = groups.mean(axis=1)
    _check(averages, baseline)
    ranges = np.ptp(groups, axis=1)
    mean_range = _some_spread(float(ranges[:baseline].mean()))
    sigma = mean_range / MEAN_RANGE[size - 2]
    reach = 3.0 * sigma / sqrt(size)
    return (
        _level("averages", averages, float(averages[:baseline].mean()), reach, sigma, baseline),
        _ranges("ranges", ranges, mean_range, size, baseline),
    )


def ewma(values: Float64, baseline: int, weight: float = 0.2) -> Chart:
    """Return the chart of the exponentially weighted moving average, with limits that widen from the first point.

    Args:
        values: finite values in order of production ``(n,)``.
        baseline: how many of them, from the first, the limits come from.
        weight: of the newest value, above 0 to 1.

    Raises:
        DataError: as for `individuals`, or the weight is not within its bounds.
    """
    if not 0.0 < weight <= 1.0:
        raise DataError("no such weight", field="weight", value=weight, choices=("above 0 to 1",))
    level, _ = individuals(values, baseline)
    smoothed, last = np.empty_like(values), level.centre
    for place, value in enumerate(values):
        last += weight * (float(value) - last)
        smoothed[place] = last
    known = 1.0 - (1.0 - weight) ** (2.0 * np.arange(1, len(values) + 1))
    reach = 3.0 * level.sigma * np.sqrt(weight / (2.0 - weight) * known)
    return _level("ewma", smoothed, level.centre, reach, level.sigma, baseline)


def _level(name: str, points: Float64, centre: float, reach: float | Float64, sigma: float, baseline: int) -> Chart:
    reaches = np.broadcast_to(np.asarray(reach, dtype=np.float64), points.shape)
    return Chart(
        name=name,
        points=points,
        centre=centre,
        lower=centre - reaches,
        upper=centre + reaches,
        sigma=sigma,
        baseline=baseline,
    )


def _ranges(name: str, ranges: Float64, mean_range: float, size: int, baseline: int) -> Chart:
    """Return a chart of ranges with the factors D3 and D4, which are 1 -/+ 3 d3/d2 and at least 0."""
    sigma = mean_range / MEAN_RANGE[size - 2]
    reach = 3.0 * RANGE_SPREAD[size - 2] * sigma
    return Chart(
        name=name,
        points=ranges,
        centre=mean_range,
        lower=np.full(len(ranges), max(mean_range - reach, 0.0)),
        upper=np.full(len(ranges), mean_range + reach),
        sigma=sigma,
        baseline=baseline,
    )


def _check(points: Float64, baseline: int) -> None:
    if not np.isfinite(points).all():
        raise DataError("a value is not a finite number", next_step="leave out rows without a value, and say how many")
    if not FEWEST_POINTS <= baseline <= len(points):
        raise DataError(
            "limits cannot come from so many points",
            field="baseline",
            value=baseline,
            choices=(f"{FEWEST_POINTS} to the {len(points)} points there are",),
            next_step="gather more points from a time when the process was stable",
        )


def _some_spread(mean_range: float) -> float:
    if mean_range > 0.0:
        return mean_range
    raise DataError(say("the values of the baseline are all equal"), next_step=say("see whether the signal is stuck"))
