"""A long series thinned for a screen: per pixel column its first, least, greatest and last value.

A line through these four points of each column lights the same pixels as a line through all points (M4: Jugel, Jerzak,
Hackenbroich and Markl, "M4: A Visualization-Oriented Time Series Data Aggregation", PVLDB 7(10), 2014), so that no peak
is lost, however many readings stand behind it. The columns carry counts and sums as well, which is what the picture
says in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from lineside.domain.readings import Float64, Int64

GAP: Final = 10.0
"""Where nothing came for this many times the mean distance of readings, the line is broken."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Columns:
    """The columns of a series that are not empty, in their order; times are UTC ns, all arrays of one length.

    ``start`` is the first instant of column 0 and ``step`` the length of a column; ``column`` are the columns' numbers,
    ``count`` and ``total`` the number of values and their sum.
    """

    start: int
    step: int
    column: Int64
    count: Int64
    total: Float64
    first_time: Int64
    first: Float64
    low_time: Int64
    low: Float64
    high_time: Int64
    high: Float64
    last_time: Int64
    last: Float64

    @property
    def values(self) -> int:
        """How many values stand behind the columns."""
        return int(self.count.sum())


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """What a series did from ``start`` to ``end`` (UTC ns): ``count`` values, their least, mean and greatest."""

    start: int
    end: int
    count: int
    least: float
    mean: float
    greatest: float


def step_of(start: int, end: int, columns: int) -> int:
    """Return the length (ns) of a column where so many stand between two times."""
    return max(1, -(-(end - start) // max(1, columns)))


def points_of(columns: Columns) -> tuple[Int64, Float64]:
    """Return the points of the line, in order of time; NaN breaks it where nothing came for long."""
    if not len(columns.column):
        return np.empty(0, dtype=np.int64), np.empty(0)
    times = np.stack([columns.first_time, columns.low_time, columns.high_time, columns.last_time], axis=1)
    values = np.stack([columns.first, columns.low, columns.high, columns.last], axis=1)
    order = np.argsort(times[:, 1:3], axis=1, kind="stable") + 1
    times[:, 1:3], values[:, 1:3] = np.take_along_axis(times, order, 1), np.take_along_axis(values, order, 1)
    flat_times, flat_values = times.ravel(), values.ravel()
    kept = np.concatenate([[True], (np.diff(flat_times) != 0) | (np.diff(flat_values) != 0)])
    flat_times, flat_values = flat_times[kept], flat_values[kept]
    breaks = np.flatnonzero(np.diff(flat_times) > _allowed(columns))
    between = flat_times[breaks] + np.diff(flat_times)[breaks] // 2
    return np.insert(flat_times, breaks + 1, between), np.insert(flat_values, breaks + 1, np.nan)


def stretches_of(columns: Columns, end: int, most: int) -> tuple[Stretch, ...]:
    """Return the series up to ``end`` in so many equal stretches, those without a value left out."""
    length = step_of(columns.start, end, most)
    place = (columns.column * columns.step) // length
    found = []
    for number in np.unique(place):
        rows = place == number
        count, start = int(columns.count[rows].sum()), columns.start + int(number) * length
        found.append(
            Stretch(
                start=start,
                end=min(start + length, end),
                count=count,
                least=float(columns.low[rows].min()),
                mean=float(columns.total[rows].sum()) / count,
                greatest=float(columns.high[rows].max()),
            )
        )
    return tuple(found)


def _allowed(columns: Columns) -> float:
    """Return the longest distance (ns) between two points that belong together."""
    length = int(columns.last_time[-1] - columns.first_time[0])
    return max(1.5 * columns.step, GAP * length / max(1, columns.values - 1))
