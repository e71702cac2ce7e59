from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.effective import effective_rows
from lineside.domain.readings import Float64
from lineside.testing.series import autoregressive


def _high(scores: Float64) -> Float64:
    return (scores > np.quantile(scores, 0.9)).astype(np.float64)


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(0, 3))
def test_rows_are_worth_one_at_least_and_themselves_at_most(events: list[bool], groups: int) -> None:
    group = [str(i * groups // len(events)) for i in range(len(events))]
    assert 1.0 <= effective_rows(np.array(events, dtype=np.float64), group) <= len(events)


def test_independent_rows_are_worth_themselves() -> None:
    rng = np.random.default_rng(0)
    worth = [effective_rows(_high(rng.normal(size=2000))) / 2000 for _ in range(20)]
    assert 0.8 < np.median(worth) <= 1.0


def test_copies_of_neighbours_add_nothing() -> None:
    rows = np.repeat(np.random.default_rng(0).normal(size=1500), 8)
    assert effective_rows(_high(rows)) == pytest.approx(1500, rel=0.2)


def test_a_weak_difference_from_day_to_day_counts_though_no_single_lag_shows_it() -> None:
    rng = np.random.default_rng(2)
    share = np.repeat(rng.choice([0.005, 0.02], size=20), 500)
    assert effective_rows((rng.random(10_000) < share).astype(np.float64)) < 5000


def test_a_memory_of_neighbours_makes_rows_worth_less_the_longer_it_is() -> None:
    worth = [effective_rows(_high(autoregressive(20_000, memory, seed=3))) for memory in (0.0, 0.5, 0.9, 0.98)]
    assert worth == sorted(worth, reverse=True)
    assert worth[2] == pytest.approx(2000, rel=0.3)


def test_stretches_that_differ_as_a_whole_are_worth_little_more_than_their_number() -> None:
    rng = np.random.default_rng(1)
    level, noise = np.repeat(rng.normal(size=10), 200), rng.normal(size=2000)
    group = [str(i // 200) for i in range(2000)]
    assert effective_rows(_high(noise), group) > 1000
    assert effective_rows(_high(5.0 * level + noise), group) < 30


def test_stretches_do_not_speak_of_each_other() -> None:
    """Two stretches are as correlated as each of them, whatever stands where they meet."""
    one, two = autoregressive(4000, 0.9, seed=1), autoregressive(4000, 0.9, seed=2)
    together = effective_rows(_high(np.concatenate((one, two))), ["a"] * 4000 + ["b"] * 4000)
    assert together == pytest.approx(effective_rows(_high(one)) + effective_rows(_high(two)), rel=0.3)


def test_a_slow_rise_makes_a_whole_run_worth_a_few_rows() -> None:
    rise = np.linspace(0.0, 5.0, 1000) + np.random.default_rng(0).normal(size=1000)
    assert effective_rows(_high(rise)) < 50
