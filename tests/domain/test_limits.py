from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.errors import DataError
from lineside.domain.limits import conformal_limit, likely_share, serial_limit
from lineside.domain.metrics.episodes import episodes_of
from lineside.testing.series import above_normal, autoregressive


def test_the_limit_is_valid_at_every_size_on_exchangeable_parts() -> None:
    """The mean over many draws of P(score > limit) is the promise itself for continuous scores."""
    rng = np.random.default_rng(7)
    for rows, rate in ((19, 0.05), (30, 0.1), (99, 0.01), (250, 0.01)):
        beyond = []
        for _ in range(4000):
            limit = conformal_limit(rng.random(rows), rate)
            beyond.append(1.0 - limit.value)  # of a uniform score
        promise = limit.guaranteed
        assert promise <= rate + 1e-12
        assert np.mean(beyond) == pytest.approx(promise, abs=4 * np.std(beyond) / np.sqrt(len(beyond)))


@given(st.integers(1, 400), st.floats(0.001, 0.4))
def test_the_promise_is_kept_whenever_there_are_enough_rows_and_honest_when_not(rows: int, rate: float) -> None:
    limit = conformal_limit(np.arange(rows, dtype=np.float64), rate)
    assert limit.keeps_its_rate == (rows >= limit.enough)
    above = np.sum(np.arange(rows) > limit.value)
    assert limit.guaranteed == pytest.approx((above + 1) / (rows + 1))


def test_too_few_rows_give_the_greatest_score_and_say_what_that_promises() -> None:
    limit = conformal_limit(np.array([3.0, 1.0, 2.0]), 0.01)
    assert (limit.value, limit.guaranteed, limit.enough) == (3.0, 0.25, 99)
    assert not limit.keeps_its_rate


def test_no_rows_or_no_numbers_are_refused() -> None:
    for scores in (np.array([]), np.array([1.0, np.nan])):
        with pytest.raises(DataError, match="conforming"):
            conformal_limit(scores, 0.01)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.floats(0.001, 0.4), st.integers(0, 3))
def test_the_limit_of_rows_in_order_is_never_below_the_exact_one(values: list[int], rate: float, groups: int) -> None:
    """So nothing of the exact promise on exchangeable parts is lost."""
    scores = np.array(values, dtype=np.float64)
    group = [str(i * groups // len(values)) for i in range(len(values))]
    exact, limit = conformal_limit(scores, rate), serial_limit(scores, rate, group)
    assert limit.value >= exact.value
    assert limit.keeps_its_rate or limit.modelled


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.floats(0.001, 0.4), st.integers(1, 3))
def test_above_the_limit_no_more_episodes_begin_than_it_promises(values: list[int], rate: float, groups: int) -> None:
    """Episodes are those of the alert engine: they end after three good parts in a row."""
    scores = np.array(values, dtype=np.float64)
    group = [str(i * groups // len(values)) for i in range(len(values))]
    limit = serial_limit(scores, rate, group, fold=3)
    for level in np.arange(limit.value, 11.0):
        share = len(episodes_of(scores > level, group, 3)) / len(values)
        assert (limit.effective * share + 1.0) / (limit.effective + 1.0) <= max(limit.guaranteed, rate) + 1e-9


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.floats(0.001, 0.4), st.integers(2, 4))
def test_a_limit_for_alerts_of_several_parts_in_a_row_keeps_its_promise(
    values: list[int], rate: float, raise_after: int
) -> None:
    scores = np.array(values, dtype=np.float64)
    limit = serial_limit(scores, rate, fold=3, raise_after=raise_after)
    for level in np.arange(limit.value, 11.0):
        share = len(episodes_of(scores > level, [""] * len(values), 3, raise_after)) / len(values)
        assert (limit.effective * share + 1.0) / (limit.effective + 1.0) <= max(limit.guaranteed, rate) + 1e-9


@pytest.mark.parametrize(("rows", "memory"), [(240, 0.0), (240, 0.9), (1000, 0.9), (2000, 0.95)])
def test_on_rows_that_depend_on_each_other_the_rate_holds_on_average(rows: int, memory: float) -> None:
    """Where one for exchangeable parts gives up to twice the nominal rate and more."""
    limits = [serial_limit(autoregressive(rows, memory, seed=seed), 0.01) for seed in range(60)]
    rates = np.array([above_normal(limit.value) for limit in limits])
    assert rates.mean() < 0.01 + 2.0 * rates.std() / np.sqrt(len(rates))
    assert np.mean([rate <= limit.likely_at_most for rate, limit in zip(rates, limits, strict=True)]) > 0.8


def test_stretches_of_different_level_make_the_limit_hold_on_another_stretch() -> None:
    rng = np.random.default_rng(5)
    group = [str(i // 200) for i in range(4000)]
    beyond, naive = [], []
    for _ in range(60):
        scores = np.repeat(rng.normal(size=20), 200) + rng.normal(size=4000)
        beyond.append(above_normal(serial_limit(scores, 0.01, group).value / np.sqrt(2.0)))
        naive.append(above_normal(conformal_limit(scores, 0.01).value / np.sqrt(2.0)))
    assert np.mean(beyond) < 0.01 < np.mean(naive)


@pytest.mark.parametrize(("rows", "rate"), [(300, 0.01), (1000, 0.005), (3000, 0.01)])
def test_nine_of_ten_limits_that_are_to_be_certain_keep_their_rate(rows: int, rate: float) -> None:
    """Where the average kept it before, and nearly half of the limits did not."""
    rng = np.random.default_rng(11)
    draws = [rng.random(rows) for _ in range(2000)]
    certain = np.array([1.0 - conformal_limit(scores, rate, certain=True).value for scores in draws])
    average = np.array([1.0 - conformal_limit(scores, rate).value for scores in draws])
    assert np.mean(certain <= rate) > 0.885
    assert np.mean(average <= rate) < 0.75


@given(st.lists(st.integers(0, 9), min_size=1, max_size=400), st.floats(0.001, 0.4), st.integers(0, 3))
def test_a_certain_limit_is_never_below_an_average_one_and_says_what_it_can_be_certain_of(
    values: list[int], rate: float, fold: int
) -> None:
    scores = np.array(values, dtype=np.float64)
    average, certain = (serial_limit(scores, rate, fold=fold, certain=certain) for certain in (False, True))
    assert certain.value >= average.value
    surest = likely_share(0.0, certain.effective)
    assert certain.likely_at_most <= max(rate, 1.1 * surest) + 1e-6 or certain.value >= scores.max()


@pytest.mark.parametrize("memory", [0.0, 0.9])
def test_certainty_holds_on_rows_that_depend_on_each_other_too(memory: float) -> None:
    limits = [serial_limit(autoregressive(4000, memory, seed=seed), 0.01, certain=True) for seed in range(200)]
    assert np.mean([above_normal(limit.value) <= 0.01 for limit in limits]) > 0.85


def test_a_single_score_does_not_set_a_limit_where_many_rows_are_worth_one() -> None:
    scores = autoregressive(8000, 0.99, seed=3)
    highest = scores.max()
    scores[2000] = 10.0 * highest
    assert serial_limit(scores, 0.003, certain=True).value <= highest
