from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.judging.experience import strangeness

LOW, HIGH, CENTRE, SCALE = (np.array(v) for v in ([0.0, 0.0], [10.0, 100.0], [5.0, 50.0], [2.0, 20.0]))
PRECISION = np.linalg.inv(np.array([[1.0, 0.9], [0.9, 1.0]]))


def level(*values: float) -> tuple[float, int]:
    return strangeness(np.array(values), LOW, HIGH, CENTRE, SCALE, PRECISION, 9.0)


def test_the_centre_is_known() -> None:
    assert level(5.0, 50.0)[0] == 0.0


def test_beyond_a_range_is_outside_and_names_the_condition() -> None:
    strange, worst = level(5.0, 101.0)
    assert strange > 1.0
    assert worst == 1


def test_a_combination_never_seen_is_outside_though_each_is_within_its_range() -> None:
    assert level(9.0, 10.0)[0] > 1.0


def test_a_missing_condition_is_left_out() -> None:
    assert level(float("nan"), 50.0) == (0.0, 1)
    assert level(float("nan"), float("nan")) == (0.0, -1)
    assert level(float("inf"), float("-inf")) == (0.0, -1)


@given(st.floats(0, 10), st.floats(0, 100))
def test_the_distance_is_that_of_mahalanobis(one: float, other: float) -> None:
    z = np.array([(one - 5.0) / 2.0, (other - 50.0) / 20.0])
    assert np.isclose(level(one, other)[0], z @ PRECISION @ z / 9.0)
