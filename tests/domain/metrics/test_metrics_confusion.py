"""Counts and shares against hand-counted tables and scikit-learn."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from lineside.domain.metrics.confusion import accuracy_per_class, class_accuracy, confusion

BAD = np.array([1, 1, 1, 0, 0, 0, 0, 0, 0, 0], dtype=np.bool_)
ALARM = np.array([1, 1, 0, 1, 0, 0, 0, 0, 0, 0], dtype=np.bool_)


def test_the_four_counts_are_those_counted_by_hand() -> None:
    counts = confusion(BAD, ALARM)
    assert (counts.tp, counts.fp, counts.tn, counts.fn) == (2, 1, 6, 1)
    assert counts.recall == 2 / 3
    assert counts.precision == 2 / 3
    assert counts.f1 == 2 / 3
    assert counts.false_alarm_rate == 1 / 7
    assert counts.missed_alarm_rate == 1 / 3
    assert counts.accuracy == 0.8


def test_a_share_of_nothing_is_not_a_number() -> None:
    counts = confusion(np.zeros(3, dtype=np.bool_), np.zeros(3, dtype=np.bool_))
    assert math.isnan(counts.recall)
    assert math.isnan(counts.precision)
    assert math.isnan(counts.f1)
    assert counts.false_alarm_rate == 0.0


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_shares_equal_those_of_scikit_learn(pairs: list[tuple[bool, bool]]) -> None:
    bad, alarm = (np.array(column, dtype=np.bool_) for column in zip(*pairs, strict=True))
    counts = confusion(bad, alarm)
    for ours, theirs in (
        (counts.recall, reference.recall_score(bad, alarm, zero_division=np.nan)),
        (counts.precision, reference.precision_score(bad, alarm, zero_division=np.nan)),
        (counts.f1, reference.f1_score(bad, alarm, zero_division=np.nan)),
        (counts.accuracy, reference.accuracy_score(bad, alarm)),
    ):
        assert ours == theirs or math.isclose(ours, theirs) or (math.isnan(ours) and math.isnan(theirs))


def test_accuracy_per_class_is_the_recall_of_each_class() -> None:
    truth, predicted = ["a", "a", "b", "b", "b", "c"], ["a", "b", "b", "b", "a", "c"]
    assert class_accuracy(truth, predicted) == 4 / 6
    assert accuracy_per_class(truth, predicted) == {"a": 1 / 2, "b": 2 / 3, "c": 1.0}
