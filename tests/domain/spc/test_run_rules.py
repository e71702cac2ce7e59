from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.errors import DataError
from lineside.domain.spc.run_rules import RULES, count_signals, false_alarm_rate, find_signals

PATTERNS = {
    1: [0.0, 3.1],
    2: [0.5] * 9,
    3: [-0.5, -0.3, 0.1, 0.4, 0.9, 1.2],
    4: [0.1, -0.1] * 7,
    5: [2.1, 0.0, 2.2],
    6: [1.1, 1.2, 0.0, 1.1, 1.3],
    7: [0.2, -0.3, 0.4] * 5,
    8: [1.1, -1.1] * 4,
}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_met_at_the_last_point_of_its_pattern_and_not_before(rule: int) -> None:
    found = find_signals(np.array(PATTERNS[rule]), rule)
    assert found[-1]
    assert not found[:-1].any()


def test_the_first_rule_alone_is_wrong_once_in_370_points() -> None:
    assert 1 / false_alarm_rate((1,), 7) == pytest.approx(370.4, rel=0.1)


def test_rules_one_to_three_are_wrong_more_often_than_the_first_alone() -> None:
    assert false_alarm_rate((1, 2, 3), 7) > 2 * false_alarm_rate((1,), 7)


@given(st.lists(st.floats(-4, 4), max_size=40), st.sampled_from(sorted(RULES)))
def test_a_mirrored_series_meets_the_same_rules(points: list[float], rule: int) -> None:
    z = np.array(points)
    assert (find_signals(z, rule) == find_signals(-z, rule)).all()


def test_a_run_that_goes_on_counts_once() -> None:
    assert count_signals(np.full(30, 0.5), [2]) == 1


def test_a_rule_that_does_not_exist_is_refused() -> None:
    with pytest.raises(DataError, match="1, 2, 3"):
        find_signals(np.zeros(3), 9)
