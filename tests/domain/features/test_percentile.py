from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.features.kernels import SAMPLED, percentile
from lineside.domain.readings import Float64

SHARES = st.sampled_from([0.0, 0.1, 5.0, 25.0, 50.0, 90.0, 95.0, 99.0, 100.0])
FEW = st.lists(st.sampled_from([0.0, 1.0, 1.5, -2.0]), min_size=1, max_size=8 * SAMPLED)
MANY = st.lists(st.floats(-1e6, 1e6), min_size=4 * SAMPLED, max_size=8 * SAMPLED)


def by_sorting(values: Float64, share: float) -> float:
    """Return the percentile of type 7 of Hyndman and Fan (1996)."""
    exact = (len(values) - 1) * share / 100.0
    rank, ordered = math.floor(exact), np.sort(values)
    if rank + 1 == len(values):
        return float(ordered[rank])
    return float(ordered[rank] + (ordered[rank + 1] - ordered[rank]) * (exact - rank))


@given(st.one_of(FEW, MANY), SHARES)
def test_a_percentile_is_bit_for_bit_that_of_the_sorted_values(found: list[float], share: float) -> None:
    values = np.array(found)
    assert percentile(values, len(values), share) == by_sorting(values, share)


@pytest.mark.parametrize("period", [1, 2, 7, 8])
@given(share=SHARES)
def test_a_sample_that_shows_nothing_of_the_rest_misleads_no_percentile(period: int, share: float) -> None:
    values = np.where(np.arange(8 * SAMPLED) % period == period // 2, 100.0, np.arange(8 * SAMPLED) * 1.0)
    assert percentile(values, len(values), share) == by_sorting(values, share)
