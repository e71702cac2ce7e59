"""Ranking, calibration and regression against scikit-learn and values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from lineside.domain.metrics.calibration import brier_score, expected_calibration_error
from lineside.domain.metrics.ranking import above_each, average_precision, found_within, roc_auc
from lineside.domain.metrics.regression import interval_coverage, rmse

SCORED = st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=60).filter(
    lambda pairs: len({bad for bad, _ in pairs}) == 2
)


@given(SCORED)
def test_ranking_figures_equal_those_of_scikit_learn_ties_included(pairs: list[tuple[bool, int]]) -> None:
    bad = np.array([pair[0] for pair in pairs])
    score = np.array([pair[1] for pair in pairs], dtype=np.float64)
    assert average_precision(bad, score) == pytest.approx(reference.average_precision_score(bad, score))
    assert roc_auc(bad, score) == pytest.approx(reference.roc_auc_score(bad, score))


def test_average_precision_of_four_units_by_hand() -> None:
    bad = np.array([True, False, True, False])
    assert average_precision(bad, np.array([4.0, 3.0, 2.0, 1.0])) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_without_both_kinds_of_unit_there_is_no_ranking() -> None:
    assert math.isnan(average_precision(np.zeros(2, dtype=np.bool_), np.zeros(2)))
    assert math.isnan(roc_auc(np.ones(2, dtype=np.bool_), np.zeros(2)))


@given(SCORED)
def test_the_share_of_good_units_above_a_bad_one_is_what_its_part_of_the_area_lacks(
    pairs: list[tuple[bool, int]],
) -> None:
    bad = np.array([pair[0] for pair in pairs])
    score = np.array([pair[1] for pair in pairs], dtype=np.float64)
    above = above_each(bad, score)
    assert 1.0 - above.mean() == pytest.approx(roc_auc(bad, score))
    assert found_within(above, 1.0).mean() == pytest.approx(roc_auc(bad, score))


def test_what_is_found_within_a_rate_by_hand() -> None:
    bad = np.array([True, True, True, False, False, False, False, False])
    above = above_each(bad, np.array([9.0, 4.5, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0]))
    assert above.tolist() == pytest.approx([0.0, 0.2, 1.0])
    assert found_within(above, 0.4).tolist() == pytest.approx([1.0, 0.5, 0.0])


def test_calibration_error_by_hand_over_two_bins() -> None:
    hit = np.array([False, True, True, True])
    probability = np.array([0.2, 0.4, 0.6, 0.8])
    # bin (0, 0.5]: claimed 0.6 of 2, observed 1; bin (0.5, 1]: claimed 1.4, observed 2
    assert expected_calibration_error(hit, probability, bins=2) == pytest.approx((0.4 + 0.6) / 4)


def test_a_probability_on_the_edge_belongs_to_the_lower_bin_and_zero_to_the_first() -> None:
    assert expected_calibration_error(np.array([True, False]), np.array([0.5, 0.0]), bins=2) == pytest.approx(0.25)
    assert expected_calibration_error(np.array([True]), np.array([1.0])) == 0.0


def test_brier_score_equals_that_of_scikit_learn() -> None:
    bad, risk = np.array([True, False, True]), np.array([0.9, 0.3, 0.4])
    assert brier_score(bad, risk) == pytest.approx(reference.brier_score_loss(bad, risk))


def test_errors_of_values_by_hand() -> None:
    truth, predicted = np.array([1.0, 2.0, 3.0]), np.array([1.0, 4.0, 2.0])
    assert rmse(truth, predicted) == pytest.approx(math.sqrt(5 / 3))
    assert interval_coverage(truth, predicted - 1.0, predicted + 1.0) == pytest.approx(2 / 3)


def test_figures_of_no_units_are_not_numbers() -> None:
    none = np.empty(0)
    assert math.isnan(rmse(none, none))
    assert math.isnan(interval_coverage(none, none, none))
    assert math.isnan(brier_score(none.astype(np.bool_), none))
    assert math.isnan(expected_calibration_error(none.astype(np.bool_), none))
