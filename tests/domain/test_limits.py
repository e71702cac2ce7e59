from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.errors import DataError
from lineside.domain.limits import conformal_limit, cost_limit


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


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=30), st.integers(0, 9))
def test_no_limit_costs_less_than_the_one_chosen(rows: list[tuple[int, bool]], least: int) -> None:
    scores = np.array([score for score, _ in rows], dtype=np.float64)
    bad = np.array([flag for _, flag in rows])

    def cost(limit: float) -> float:
        return 7.0 * float(np.sum(bad & (scores <= limit))) + 2.0 * float(np.sum(~bad & (scores > limit)))

    chosen = cost_limit(scores, bad, escape=7.0, false_alarm=2.0, least=float(least))
    assert chosen >= least
    assert cost(chosen) == min(cost(limit) for limit in np.arange(least, 11.0))
