"""Cumulative sums: run lengths against theory and the textbook, the way back, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from lineside.domain.errors import DataError
from lineside.domain.readings import Float64
from lineside.learn.cumulated import cumulated
from lineside.learn.normal import NormalModel, check_reach, fit_normal, normal_scores

SHIFTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
TABULAR = (168.0, 74.2, 26.6, 13.3, 8.38, 4.75, 3.34)
"""Run lengths of the tabular CUSUM of two sides with allowance 0.5 and interval 4, of a Shewhart chart it is said to
correspond to three sigma (Montgomery, Introduction to Statistical Quality Control, section 9.1)."""
SHEWHART_168 = 2.753
"""Width of a Shewhart chart of single values with the same run length of 168 where nothing has moved."""


def in_chain(shift: float, allowance: float, interval: float, states: int = 401) -> float:
    """Return the run length of Crosier's two-sided CUSUM of one value, by a Markov chain (Brook and Evans 1972)."""
    edges = np.linspace(-interval, interval, states + 1)
    middle = (edges[1:] + edges[:-1]) / 2.0

    def before(border: Float64, side: float) -> Float64:
        return border + allowance * np.where(border > 0, 1.0, np.where(border < 0, -1.0, side))

    low, high = before(edges[:-1], -1.0), before(edges[1:], 1.0)
    stays = norm.cdf(high - middle[:, None] - shift) - norm.cdf(low - middle[:, None] - shift)
    return float(np.linalg.solve(np.eye(states) - stays, np.ones(states))[states // 2])


def run_length(shift: float, interval: float, *, width: int = 1, runs: int = 3000, longest: int = 3000) -> float:
    """Return the mean number of rows until the sum is longer than the interval, by simulation."""
    rng = np.random.default_rng(int(1000 * shift) + width)
    rows = rng.normal(size=(runs, longest if shift < 0.3 else 400, width))
    rows[:, :, 0] += shift
    each = rows.shape[1]
    first = np.arange(runs * each) % each == 0
    length = np.linalg.norm(cumulated(rows.reshape(-1, width), first, 0.5), axis=1).reshape(runs, each)
    beyond = length > interval
    assert beyond.any(axis=1).mean() > 0.999
    return float(np.where(beyond.any(axis=1), np.argmax(beyond, axis=1) + 1, each).mean())


@pytest.mark.parametrize("shift", SHIFTS)
def test_run_lengths_are_those_of_theory(shift: float) -> None:
    assert run_length(shift, 4.0) == pytest.approx(in_chain(shift, 0.5, 4.0), rel=0.06)


def test_at_the_run_length_of_the_textbooks_cusum_shifts_are_found_as_soon_as_by_it() -> None:
    found = [in_chain(shift, 0.5, 3.73) for shift in SHIFTS]
    assert found[0] == pytest.approx(TABULAR[0], rel=0.01)
    for length, tabular in zip(found[1:], TABULAR[1:], strict=True):
        assert length < 1.01 * tabular


def test_a_shift_of_half_a_deviation_is_found_in_a_third_of_the_time_that_single_values_take() -> None:
    found = in_chain(0.5, 0.5, 3.73)
    outside = norm.sf(SHEWHART_168 - 0.5) + norm.sf(SHEWHART_168 + 0.5)
    assert 1.0 / (norm.sf(SHEWHART_168) * 2.0) == pytest.approx(168.0, rel=0.01)
    assert found < 0.36 / outside


def test_in_ten_signals_a_shift_of_one_deviation_is_found_in_a_tenth_of_the_time_to_a_false_alarm() -> None:
    assert run_length(0.0, 14.9, width=10, runs=300) == pytest.approx(200.0, rel=0.15)
    assert run_length(1.0, 14.9, width=10, runs=300) < 20.0


def model_of(seed: int = 0, *, rows: int = 2000, allowance: float = 0.5) -> tuple[NormalModel, Float64]:
    calm = np.random.default_rng(seed).normal(size=(rows, 4))
    return fit_normal(calm, one_run(calm), weight=1.0, lags=0, rate=0.01, allowance=allowance), calm


def one_run(rows: Float64) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    return np.full(len(rows), "", dtype=object)


def test_the_sum_begins_anew_in_each_group() -> None:
    model, calm = model_of()
    group = np.repeat(np.array(["a", "b"], dtype=object), 1000)
    assert np.array_equal(normal_scores(model, calm, group)[1000:], normal_scores(model, calm[1000:], group[1000:]))


def test_after_the_greatest_fault_the_sum_is_back_within_its_greatest_length_over_the_allowance() -> None:
    model, _ = model_of()
    rows = np.random.default_rng(9).normal(size=(600, 4))
    rows[100:200] = 1e9
    scores = normal_scores(model, rows, one_run(rows))
    assert scores[199] >= model.reach
    back = 200 + int(np.ceil(2.0 * model.most / 0.5))
    assert (scores[back:] < 1.0).mean() > 0.9


def test_rows_for_the_limit_that_wander_out_of_its_reach_are_refused_with_a_way_out() -> None:
    model, _ = model_of()
    check_reach(model, 0.9 * model.reach)
    with pytest.raises(DataError, match="drift"):
        check_reach(model, model.reach)
