from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.judging.rows import greatest_shares, take_inputs


def test_inputs_are_taken_in_the_models_order_and_what_is_no_float32_is_missing() -> None:
    features = np.array([1.5, np.nan, np.inf, 1e300, -2.0])
    features.flags.writeable = False
    row = np.zeros(5, dtype=np.float32)
    assert take_inputs(features, np.array([4, 0, 1, 2, 3]), row) == 2
    assert row[:2].tolist() == [-2.0, 1.5]
    assert np.isnan(row[2:]).all()


@given(st.lists(st.integers(-5, 5), max_size=30), st.integers(0, 12))
def test_the_greatest_shares_are_those_a_sort_would_find(values: list[int], most: int) -> None:
    shares = np.array(values, dtype=np.float64)
    found = greatest_shares(shares, most)
    kept = sorted(range(len(values)), key=lambda i: (-abs(values[i]), i))[:most]
    assert sorted(found.tolist()) == sorted(kept)
    assert shares[found].tolist() == sorted((values[i] for i in kept), reverse=True)
