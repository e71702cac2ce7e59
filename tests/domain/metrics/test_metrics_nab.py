"""The NAB score against values worked out from its definition."""

from __future__ import annotations

import math

import pytest

from lineside.domain.metrics.nab import NabSeries, Window, nab_score, raw_score, scaled_sigmoid

WINDOW = Window(20, 29)


def test_the_sigmoid_is_zero_at_the_right_edge_and_minus_one_far_behind() -> None:
    assert scaled_sigmoid(0.0) == 0.0
    assert scaled_sigmoid(3.1) == -1.0
    assert scaled_sigmoid(-1.0) == pytest.approx(0.98661, abs=1e-5)


def test_a_detection_on_the_first_row_of_every_window_scores_a_hundred() -> None:
    assert nab_score([NabSeries((WINDOW, Window(50, 59)), (20, 50), 5)]) == pytest.approx(100.0)


def test_silence_scores_zero() -> None:
    assert nab_score([NabSeries((WINDOW,), (), 5)]) == 0.0


def test_only_the_earliest_detection_of_a_window_counts() -> None:
    once, often = (raw_score(NabSeries((WINDOW,), rows, 0)) for rows in ((25,), (25, 26, 29)))
    assert once == often == pytest.approx(scaled_sigmoid(-0.5) / scaled_sigmoid(-1.0))


def test_a_false_detection_before_any_window_costs_its_full_weight() -> None:
    assert raw_score(NabSeries((WINDOW,), (10, 20), 0)) == pytest.approx(1.0 - 0.11)


def test_a_false_detection_shortly_behind_a_window_costs_less() -> None:
    behind = raw_score(NabSeries((WINDOW,), (20, 30), 0)) - 1.0
    assert behind == pytest.approx(0.11 * scaled_sigmoid(1 / 9))
    assert -0.11 < behind < 0


def test_rows_of_the_probation_do_not_count() -> None:
    assert nab_score([NabSeries((WINDOW,), (1, 2, 3, 20), 5)]) == pytest.approx(100.0)


def test_series_are_summed_before_normalising() -> None:
    found = NabSeries((WINDOW,), (20,), 0)
    missed = NabSeries((WINDOW,), (), 0)
    assert nab_score([found, missed]) == pytest.approx(50.0)


def test_without_a_window_there_is_no_score() -> None:
    assert math.isnan(nab_score([NabSeries((), (3,), 0)]))
