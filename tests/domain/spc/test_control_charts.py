from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.errors import DataError
from lineside.domain.spc.charts import MEAN_RANGE, RANGE_SPREAD, average_and_range, ewma, individuals

# AIAG, Statistical Process Control, 2nd edition (2005), appendix E, for 2 to 10 values.
A2 = (1.880, 1.023, 0.729, 0.577, 0.483, 0.419, 0.373, 0.337, 0.308)
D4 = (3.267, 2.574, 2.282, 2.114, 2.004, 1.924, 1.864, 1.816, 1.777)


def test_the_factors_are_those_of_the_published_table() -> None:
    size = np.arange(2, 11)
    assert 3 / (np.array(MEAN_RANGE) * np.sqrt(size)) == pytest.approx(A2, abs=1.5e-3)
    assert 1 + 3 * np.array(RANGE_SPREAD) / np.array(MEAN_RANGE) == pytest.approx(D4, abs=3e-3)


def test_the_ewma_follows_the_example_of_the_nist_handbook() -> None:
    """NIST 6.3.2.4: history of mean 50, weight 0.3; the 20 values and their moving average."""
    values = [
        52.0,
        47.0,
        53.0,
        49.3,
        50.1,
        47.0,
        51.0,
        50.1,
        51.2,
        50.5,
        49.6,
        47.6,
        49.9,
        51.3,
        47.8,
        51.2,
        52.6,
        52.4,
    ]
    values += [53.6, 52.1]
    stated = [50.60, 49.52, 50.56, 50.18, 50.16, 49.21, 49.75, 49.85, 50.26, 50.33, 50.11, 49.36, 49.52, 50.05, 49.38]
    stated += [49.92, 50.73, 51.23, 51.94, 51.99]
    history = np.array([48.0, 52.0] * 10)
    chart = ewma(np.concatenate([history, values]), 20, 0.3)
    carried = chart.points[19] - 50.0
    found = chart.points[20:] - carried * 0.7 ** np.arange(1, 21)
    assert found == pytest.approx(stated, abs=0.011)


def test_limits_of_individuals_are_2_66_mean_moving_ranges_from_the_mean() -> None:
    values = np.tile([10.0, 12.0], 15)
    level, moving = individuals(values, 20)
    assert level.centre == 11.0
    assert level.upper[0] == pytest.approx(11 + 2.66 * 2, abs=2e-3)
    assert moving.upper[0] == pytest.approx(3.267 * 2, abs=5e-3)
    assert moving.lower[0] == 0.0


def test_groups_of_five_have_limits_by_a2_and_d4() -> None:
    values = np.tile([1.0, 2.0, 3.0, 4.0, 5.0], 20)
    averages, ranges = average_and_range(values, 5, 20)
    assert averages.upper[0] == pytest.approx(3 + 0.577 * 4, abs=1e-3)
    assert ranges.upper[0] == pytest.approx(2.114 * 4, abs=5e-3)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20))
def test_what_comes_after_the_baseline_does_not_move_its_limits(later: list[float]) -> None:
    stable = np.tile([1.0, 3.0, 2.0], 10)
    before, _ = individuals(stable, 30)
    after, _ = individuals(np.concatenate([stable, later]), 30)
    assert (after.centre, after.upper[0], after.sigma) == (before.centre, before.upper[0], before.sigma)


@pytest.mark.parametrize("values", [np.ones(30), np.arange(10.0), np.array([np.nan, *range(30)])])
def test_a_baseline_without_spread_too_short_or_with_holes_is_refused(values: np.ndarray) -> None:
    with pytest.raises(DataError):
        individuals(values, 20)
