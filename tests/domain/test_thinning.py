"""Thinning loses no peak, keeps both ends, and breaks the line where nothing came."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.readings import Float64, Int64
from lineside.domain.thinning import Columns, points_of, step_of, stretches_of


def thin(times: Int64, values: Float64, start: int, end: int, columns: int) -> Columns:
    """Thin in the plainest way, a column after the other."""
    step = step_of(start, end, columns)
    place = (times - start) // step
    numbers = np.unique(place)
    groups = [np.flatnonzero(place == number) for number in numbers]
    lows = [rows[np.argmin(values[rows])] for rows in groups]
    highs = [rows[np.argmax(values[rows])] for rows in groups]
    firsts, lasts = [rows[0] for rows in groups], [rows[-1] for rows in groups]
    return Columns(
        start=start, step=step, column=numbers, count=np.array([len(rows) for rows in groups], dtype=np.int64),
        total=np.array([values[rows].sum() for rows in groups], dtype=np.float64),
        first_time=times[firsts], first=values[firsts], low_time=times[lows], low=values[lows],
        high_time=times[highs], high=values[highs], last_time=times[lasts], last=values[lasts],
    )  # fmt: skip


SERIES = st.lists(
    st.tuples(st.integers(0, 9_999), st.floats(-1e6, 1e6)), min_size=1, max_size=200, unique_by=lambda pair: pair[0]
).map(sorted)


@given(SERIES, st.integers(1, 60))
def test_every_extreme_of_every_column_is_drawn_and_nothing_that_was_not_there(
    series: list[tuple[int, float]], columns: int
) -> None:
    times, values = np.array([t for t, _ in series]), np.array([v for _, v in series])
    found = thin(times, values, 0, 10_000, columns)
    drawn_times, drawn = points_of(found)
    real = ~np.isnan(drawn)
    assert set(zip(drawn_times[real].tolist(), drawn[real].tolist(), strict=True)) <= set(series)
    assert (np.diff(drawn_times) >= 0).all()
    assert real.sum() <= 4 * columns
    assert (drawn_times[0], drawn_times[-1]) == (times[0], times[-1])
    place = drawn_times[real] // found.step
    for number, low, high in zip(found.column, found.low, found.high, strict=True):
        assert (drawn[real][place == number].min(), drawn[real][place == number].max()) == (low, high)


def test_a_line_is_broken_where_nothing_came_for_long() -> None:
    times = np.concatenate([np.arange(0, 1000, 10), np.arange(5000, 6000, 10)])
    found = thin(times, np.ones(len(times)), 0, 6000, 60)
    drawn_times, drawn = points_of(found)
    assert np.isnan(drawn).sum() == 1
    assert 990 < drawn_times[np.isnan(drawn)][0] < 5000


def test_nothing_is_no_points_and_no_stretches() -> None:
    found = thin(np.empty(0, dtype=np.int64), np.empty(0), 0, 100, 10)
    assert (len(points_of(found)[0]), stretches_of(found, 100, 4), found.values) == (0, (), 0)


@given(SERIES)
def test_stretches_count_every_value_once(series: list[tuple[int, float]]) -> None:
    times, values = np.array([t for t, _ in series]), np.array([v for _, v in series])
    found = stretches_of(thin(times, values, 0, 10_000, 600), 10_000, 12)
    assert sum(item.count for item in found) == len(series)
    assert (min(item.least for item in found), max(item.greatest for item in found)) == (values.min(), values.max())
    assert all(item.least - 1e-6 <= item.mean <= item.greatest + 1e-6 for item in found)
