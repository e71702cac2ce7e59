"""Predictors that know nothing, and intervals over groups."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lineside.domain.metrics.bootstrap import group_interval
from lineside.domain.metrics.trivial import alarm_after, always_alarm, class_prior, last_value, never_alarm

GROUP = ["a", "a", "a", "b", "b"]


def test_the_clock_starts_anew_in_every_group() -> None:
    assert alarm_after(GROUP, 1).tolist() == [False, True, True, False, True]
    assert always_alarm(GROUP).all()
    assert not never_alarm(GROUP).any()


def test_the_prior_is_the_most_frequent_class_and_ties_go_by_name() -> None:
    assert class_prior(["b", "a", "b"]) == ("b", {"a": 1 / 3, "b": 2 / 3})
    assert class_prior(["b", "a"])[0] == "a"
    with pytest.raises(ValueError, match="no class"):
        class_prior([])


def test_the_last_value_predicts_the_next() -> None:
    assert last_value(np.array([1.0, 2.0, 3.0]), 9.0).tolist() == [9.0, 1.0, 2.0]
    assert last_value(np.empty(0), 9.0).tolist() == []


def test_the_last_value_is_that_of_the_last_measured_unit() -> None:
    truth = np.array([np.nan, 2.0, np.nan, np.nan, 5.0, np.nan])
    assert last_value(truth, 9.0).tolist() == [9.0, 9.0, 2.0, 2.0, 2.0, 5.0]


def test_the_interval_resamples_whole_groups_and_depends_on_the_seed_alone() -> None:
    value = np.array([0.0, 0.0, 0.0, 1.0, 1.0])
    seen: list[int] = []

    def mean(rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
        seen.append(len(rows))
        return float(value[rows].mean())

    assert group_interval(mean, GROUP, seed=3) == group_interval(mean, GROUP, seed=3) == (0.0, 1.0)
    assert set(seen) == {4, 5, 6}


def test_one_group_gives_no_interval() -> None:
    low, high = group_interval(lambda rows: float(len(rows)), ["a", "a"], seed=0)
    assert math.isnan(low)
    assert math.isnan(high)


def test_draws_without_a_value_are_left_out() -> None:
    low, _ = group_interval(lambda _: math.nan, GROUP, seed=0)
    assert math.isnan(low)
