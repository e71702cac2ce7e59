"""Protocols never let a judged row be learned from."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.errors import DataError
from lineside.domain.splits import (
    Amount,
    Fold,
    GivenSplit,
    duplicate_rows,
    fit_then_run,
    leave_one_group_out,
    parse_amount,
    repeated_stratified_kfold,
    walk_forward,
)

GROUPS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=6, max_size=40).map(sorted)


def assert_disjoint(fold: Fold) -> None:
    everything = [*fold.train, *fold.calibrate, *fold.test]
    assert len(everything) == len(set(everything))


# -- amounts --


@pytest.mark.parametrize(
    ("text", "available", "rows"), [("400", 1000, 400), ("400", 100, 100), ("15%", 200, 30), ("0.15", 200, 30)]
)
def test_an_amount_is_rows_or_a_share(text: str, available: int, rows: int) -> None:
    assert parse_amount(text, "train").of(available) == rows


def test_a_share_can_be_capped() -> None:
    assert parse_amount("15%", "train", most=750).of(22695) == 750


@pytest.mark.parametrize("text", ["", "many", "0", "-3", "1.5", "100%", "nan"])
def test_what_is_no_amount_is_refused_with_the_two_forms(text: str) -> None:
    with pytest.raises(DataError, match=r"train: not an amount of rows .* 15%"):
        parse_amount(text, "train")


# -- duplicates --


def test_a_row_equal_to_an_earlier_one_is_a_duplicate_nan_included() -> None:
    features = np.array([[1.0, np.nan], [2.0, 3.0], [1.0, np.nan], [1.0, np.nan]])
    assert duplicate_rows(features).tolist() == [2, 3]


def test_minus_zero_equals_zero() -> None:
    assert duplicate_rows(np.array([[0.0], [-0.0]])).tolist() == [1]


def test_equal_values_at_another_time_are_no_duplicates_when_time_stands_beside() -> None:
    features = np.array([[1.0], [1.0], [1.0]])
    assert duplicate_rows(features, [("a", 1), ("a", 2), ("a", 1)]).tolist() == [2]


# -- fit then run --


def test_the_first_rows_are_learned_and_the_rest_judged() -> None:
    (fold,) = fit_then_run(["a"] * 10, GivenSplit(train=Amount(rows=4), calibrate=Amount(rows=2)))
    assert fold.train.tolist() == [0, 1, 2, 3]
    assert fold.calibrate.tolist() == [4, 5]
    assert fold.test.tolist() == [6, 7, 8, 9]


def test_each_group_can_have_a_model_of_its_own() -> None:
    first, second = fit_then_run(["a"] * 3 + ["b"] * 3, GivenSplit(train=Amount(rows=2), per_group=True))
    assert (first.name, first.train.tolist(), first.test.tolist()) == ("a", [0, 1], [2])
    assert (second.name, second.train.tolist(), second.test.tolist()) == ("b", [3, 4], [5])


def test_named_groups_teach_and_set_the_limit() -> None:
    group = ["d00"] * 3 + ["d00_te"] * 4 + ["d01"] * 2
    split = GivenSplit(train_groups=("d00",), calibrate_groups=("d00_te",), calibrate=Amount(share=0.5))
    (fold,) = fit_then_run(group, split)
    assert fold.train.tolist() == [0, 1, 2]
    assert fold.calibrate.tolist() == [3, 4]
    assert fold.test.tolist() == [5, 6, 7, 8]


def test_a_group_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(DataError, match=r"no such group .*'d99'.*valid: a, b"):
        fit_then_run(["a", "b"], GivenSplit(train_groups=("d99",)))


def test_a_split_that_leaves_nothing_to_judge_or_to_learn_is_refused() -> None:
    with pytest.raises(DataError, match="test segment"):
        fit_then_run(["a"] * 3, GivenSplit(train=Amount(rows=3)))
    with pytest.raises(DataError, match="train segment"):
        fit_then_run(["a"] * 3, GivenSplit())


@given(group=GROUPS, train=st.integers(1, 30), calibrate=st.integers(0, 10), per_group=st.booleans())
def test_no_judged_row_is_learned_from_and_all_learning_comes_first(
    *, group: list[str], train: int, calibrate: int, per_group: bool
) -> None:
    amount = Amount(rows=calibrate) if calibrate else None
    split = GivenSplit(train=Amount(rows=train), calibrate=amount, per_group=per_group)
    try:
        folds = fit_then_run(group, split)
    except DataError:
        return
    for fold in folds:
        assert_disjoint(fold)
        assert max([*fold.train, *fold.calibrate]) < min(fold.test)
        if per_group:
            assert {group[row] for row in [*fold.train, *fold.test]} == {fold.name}


# -- walk forward --


@given(st.integers(2, 200), st.integers(1, 8), st.integers(1, 50))
def test_walking_forward_judges_every_later_row_once_by_what_came_before(rows: int, folds: int, start: int) -> None:
    if rows - min(start, rows) < folds:
        with pytest.raises(DataError):
            walk_forward(rows, folds, Amount(rows=start))
        return
    blocks = walk_forward(rows, folds, Amount(rows=start))
    assert [row for fold in blocks for row in fold.test] == list(range(start, rows))
    for fold in blocks:
        assert_disjoint(fold)
        assert max(fold.train) < min(fold.test)


# -- leave one group out --


@given(GROUPS.filter(lambda group: len(set(group)) > 1))
def test_the_group_left_out_teaches_nothing(group: list[str]) -> None:
    folds = leave_one_group_out(group)
    assert sorted(row for fold in folds for row in fold.test) == list(range(len(group)))
    for fold in folds:
        assert {group[row] for row in fold.test} == {fold.name}
        assert fold.name not in {group[row] for row in fold.train}


def test_one_group_alone_cannot_be_left_out() -> None:
    with pytest.raises(DataError, match="one group"):
        leave_one_group_out(["a", "a"])


# -- repeated stratified k-fold --


@given(st.lists(st.sampled_from("xyz"), min_size=5, max_size=60), st.integers(2, 5), st.integers(0, 3))
def test_each_repeat_judges_every_row_once_with_nearly_equal_shares(labels: list[str], k: int, seed: int) -> None:
    unit = [str(row) for row in range(len(labels))]
    folds = repeated_stratified_kfold(unit, labels, k, 2, seed)
    for repeat in range(2):
        mine = [fold for fold in folds if fold.repeat == repeat]
        assert sorted(row for fold in mine for row in fold.test) == list(range(len(labels)))
        for name in set(labels):
            counts = [sum(labels[row] == name for row in fold.test) for fold in mine]
            assert max(counts) - min(counts) <= 1
    for fold in folds:
        assert_disjoint(fold)


def test_rows_of_one_unit_stay_together() -> None:
    unit = ["u1", "u2", "u1", "u3", "u4", "u2"]
    for fold in repeated_stratified_kfold(unit, ["x"] * 6, 2, 3, 0):
        assert not {unit[row] for row in fold.train} & {unit[row] for row in fold.test}


def test_the_seed_alone_decides_the_shuffle() -> None:
    unit, label = [str(row) for row in range(20)], ["x", "y"] * 10
    first, again, other = (repeated_stratified_kfold(unit, label, 4, 1, seed) for seed in (1, 1, 2))
    assert [fold.test.tolist() for fold in first] == [fold.test.tolist() for fold in again]
    assert [fold.test.tolist() for fold in first] != [fold.test.tolist() for fold in other]


def test_more_folds_than_units_are_refused() -> None:
    with pytest.raises(DataError, match="folds"):
        repeated_stratified_kfold(["a", "a", "b"], ["x"] * 3, 3, 1, 0)


def test_sorted_rows_are_shuffled_before_they_are_dealt() -> None:
    labels = ["x"] * 30 + ["y"] * 30
    fold = repeated_stratified_kfold([str(row) for row in range(60)], labels, 5, 1, 7)[0]
    assert Counter(labels[row] for row in fold.test) == {"x": 6, "y": 6}
    assert fold.test.tolist() != list(range(0, 60, 5))
