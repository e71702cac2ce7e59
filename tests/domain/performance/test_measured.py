"""What late truth says of judged parts, and what their risks say without it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.performance.estimated import estimate
from lineside.domain.performance.measured import measure
from lineside.domain.units import HOUR
from lineside.testing.judged_parts import made_of


def test_only_parts_whose_truth_has_come_are_counted_and_coverage_says_how_many() -> None:
    found = measure(made_of(alarm=[1, 1, 0, 0, 1, 0], bad=[1, 0, 1, 0, 0, 0], known=[1, 1, 1, 1, 0, 0]))
    assert (found.recall.hits, found.recall.of) == (1, 2)
    assert (found.precision.hits, found.precision.of) == (1, 2)
    assert (found.false_alarms.hits, found.false_alarms.of) == (1, 2)
    assert (found.covered.hits, found.covered.of) == (4, 6)
    assert (found.covered_alarm.hits, found.covered_alarm.of) == (2, 3)
    assert found.lag == 2 * HOUR


def test_without_truth_there_is_no_figure_and_no_lag() -> None:
    found = measure(made_of(alarm=[1, 0], bad=[0, 0], known=[0, 0]))
    assert found.recall.value is None
    assert found.recall.interval == (0.0, 1.0)
    assert found.lag is None


@given(st.integers(0, 10_000))
def test_the_estimate_meets_the_truth_where_risks_are_true(seed: int) -> None:
    random = np.random.default_rng(seed)
    risk = random.beta(0.4, 2.0, 4_000)
    bad = random.random(4_000) < risk
    parts = made_of(alarm=list(risk > 0.4), bad=list(bad), known=[1] * 4_000, risk=list(risk))
    found, truth = estimate(parts), measure(parts)
    assert found is not None
    for expected, share in (
        (found.recall, truth.recall),
        (found.precision, truth.precision),
        (found.false_alarms, truth.false_alarms),
    ):
        assert expected is not None
        wide = 3 * max(expected.high - expected.value, expected.value - expected.low, 0.003)
        assert share.value == pytest.approx(expected.value, abs=wide)


def test_no_risks_no_estimate_and_no_alarm_no_precision() -> None:
    assert estimate(made_of([0] * 100, [0] * 100, [0] * 100)) is None
    found = estimate(made_of([0] * 100, [0] * 100, [0] * 100, risk=[0.1] * 100))
    assert found is not None
    assert found.precision is None
    assert found.recall is not None
    assert found.recall.value == 0.0
    assert found.bad == pytest.approx(10.0)
