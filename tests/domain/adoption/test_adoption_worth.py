"""A random split is called flattering only where chance does not explain it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.domain.adoption.worth import Truth, figure, gap, worth
from lineside.domain.metrics.ranking import roc_auc

COUNT = 600


def scores(seed: int, signal: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=COUNT) + signal * BAD


BAD = np.random.default_rng(9).random(COUNT) < 0.3
FOLD = np.arange(COUNT, dtype=np.int64) % 5
STRETCH = np.arange(COUNT, dtype=np.int64) // 15
TRUTH = Truth(bad=BAD)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.floats(0.0, 3.0))
def test_within_one_fold_the_figure_is_the_area_under_the_curve(seed: int, signal: float) -> None:
    given_ = scores(seed, signal)
    assert worth(TRUTH, given_, np.zeros(COUNT, dtype=np.int64)) == pytest.approx(roc_auc(BAD, given_))


def test_an_offset_between_folds_changes_nothing() -> None:
    given_ = scores(1, 1.0)
    assert worth(TRUTH, given_ + 100.0 * FOLD, FOLD) == worth(TRUTH, given_, FOLD)


def test_rows_that_were_not_judged_do_not_count() -> None:
    given_, fold = scores(1, 1.0), FOLD.copy()
    given_[:100], fold[:100] = np.nan, -1
    assert figure(TRUTH, given_, fold, ("a",) * 5, STRETCH, 0).parts == COUNT - 100


@pytest.mark.parametrize("seed", range(12))
def test_two_equally_good_sets_of_scores_accuse_nobody(seed: int) -> None:
    assert not gap(TRUTH, scores(seed, 1.5), scores(seed + 100, 1.5), FOLD, STRETCH, seed).inflated


@pytest.mark.parametrize("seed", range(4))
def test_scores_that_know_more_are_called_inflated_with_an_interval_around_the_gap(seed: int) -> None:
    found = gap(TRUTH, scores(seed, 3.0), scores(seed + 100, 0.5), FOLD, STRETCH, seed)
    assert found.inflated
    assert found.low < found.gap < found.high


def test_a_value_is_measured_by_the_variance_that_is_explained() -> None:
    value = np.random.default_rng(0).normal(size=COUNT)
    truth = Truth(bad=BAD, value=value)
    assert worth(truth, value, FOLD) == 1.0
    assert worth(truth, np.zeros(COUNT), np.zeros(COUNT, dtype=np.int64)) == pytest.approx(0.0, abs=0.01)
