from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.tails import tail_limit

_LISTS = st.lists(st.integers(-1000, 1000), min_size=1, max_size=80)


@pytest.mark.parametrize("rows", [30, 100, 400])
def test_an_exponential_tail_is_exceeded_at_the_rate_on_average_though_it_is_estimated(rows: int) -> None:
    rng = np.random.default_rng(rows)
    beyond = [np.exp(-tail_limit(rng.exponential(size=rows), 0.001, rows)) for _ in range(2000)]
    assert np.mean(beyond) == pytest.approx(0.001, rel=0.35)


def test_a_light_tail_is_exceeded_less_often_than_asked_and_a_heavy_one_not_much_more() -> None:
    rng = np.random.default_rng(0)
    light = [tail_limit(rng.random(400), 0.001, 400) for _ in range(50)]
    heavy = [tail_limit(rng.pareto(4.0, size=400), 0.001, 400) for _ in range(400)]
    assert min(light) > 0.99
    assert np.mean((1.0 + np.array(heavy)) ** -4.0) < 0.002


@given(_LISTS, st.floats(1e-5, 0.01), st.floats(0.1, 10.0), st.floats(-100.0, 100.0))
def test_the_tail_follows_scale_and_place_of_the_scores(
    values: list[int], rate: float, scale: float, move: float
) -> None:
    scores = np.array(values, dtype=np.float64)
    there = tail_limit(scale * scores + move, rate, len(values))
    assert there == pytest.approx(scale * tail_limit(scores, rate, len(values)) + move, rel=1e-3, abs=1e-3 * scale)


@given(_LISTS, st.floats(1e-5, 0.01))
def test_fewer_effective_rows_never_bring_the_tail_closer(values: list[int], rate: float) -> None:
    scores = np.array(values, dtype=np.float64)
    few, many = tail_limit(scores, rate, 1.0 + len(values) / 10), tail_limit(scores, rate, 1.0 + len(values))
    assert few >= many - 1e-6 * (1.0 + abs(many))
