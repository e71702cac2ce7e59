from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.domain.readings import Float64
from lineside.learn.response import Response, fit_response


def climate(rows: int, seed: int, *, warmer: float = 0.0) -> Float64:
    """Return hall temperature and humidity of parts one after another, over some days."""
    rng = np.random.default_rng(seed)
    day = 2 * np.pi * np.arange(rows) / 400
    hall = 20.0 + warmer + 5.0 * np.sin(day) + 2.0 * np.sin(day / 3.3) + 0.2 * rng.normal(size=rows)
    return np.column_stack([hall, 50.0 + 15.0 * np.sin(day / 1.7) + rng.normal(size=rows)])


@settings(max_examples=15, deadline=None)
@given(st.floats(-3.0, 3.0), st.floats(0.0, 0.15), st.integers(0, 2**31))
def test_a_known_response_is_recovered_whatever_strangers_are_among_the_parts(
    slope: float, strangers: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    conditions = climate(1200, seed)
    clean = 200.0 + slope * (conditions[:, :1] - 20.0) + 0.5 * rng.normal(size=(1200, 1))
    strange = rng.random(clean.shape) < strangers
    response = fit_response(np.where(strange, clean + 40.0, clean), conditions)
    wanted = 200.0 + slope * (conditions[:, :1] - 20.0)
    assert np.abs(response.expected(conditions) - wanted).mean() < 0.25
    assert (abs(slope) < 0.3) or [(item.feature, item.condition) for item in response.effects] == [(0, 0)]


def test_a_bend_and_a_product_are_followed_and_a_feature_of_its_own_is_left_alone() -> None:
    rng = np.random.default_rng(3)
    conditions = climate(3000, 3)
    hall, humidity = conditions[:, 0] - 20.0, (conditions[:, 1] - 50.0) / 15.0
    features = np.column_stack([5.0 + 0.03 * hall**2, 3.0 + 0.2 * hall + 0.9 * humidity + 0.1 * hall * humidity])
    features = np.column_stack([features + 0.1 * rng.normal(size=features.shape), rng.normal(size=3000)])
    response = fit_response(features, conditions)
    later = climate(1000, 4)
    hall, humidity = later[:, 0] - 20.0, (later[:, 1] - 50.0) / 15.0
    expected = response.expected(later)
    assert np.abs(expected[:, 0] - 5.0 - 0.03 * hall**2).mean() < 0.1
    assert np.abs(expected[:, 1] - (3.0 + 0.2 * hall + 0.9 * humidity + 0.1 * hall * humidity)).mean() < 0.15
    assert response.responds.tolist() == [True, True, False]
    assert np.all(expected[:, 2] == response.centre[2])
    assert response.terms.pairs == ((0, 1),)
    assert [item.bends for item in response.effects if item.feature == 0] == [True]


def test_what_only_drifts_along_for_a_while_is_no_response() -> None:
    rng = np.random.default_rng(0)
    found = [
        fit_response(np.cumsum(rng.normal(size=(2000, 1)), axis=0), climate(2000, seed)).responds[0]
        for seed in range(10)
    ]
    assert sum(found) <= 2


def test_beyond_what_was_seen_the_response_goes_straight_on_and_then_stays() -> None:
    response = learned(1)
    steps = np.column_stack([np.arange(20.0, 70.0, 5.0), np.full(10, 50.0)])
    rises = np.diff(response.expected(steps)[:, 0])
    assert rises[0] == pytest.approx(4.0, abs=0.4)
    assert np.all(rises >= -1e-9)
    assert rises[-1] == 0.0


def test_a_missing_condition_moves_nothing_and_the_distance_counts_in_the_whole_spread() -> None:
    response = learned(2)
    conditions = np.array([[30.0, 50.0], [np.nan, 50.0], [30.0, np.nan]])
    features = np.full((3, 1), 208.0)
    centre = response.centre[0]
    assert response.expected(conditions)[1, 0] == centre
    assert response.expected(conditions)[0, 0] == response.expected(conditions)[2, 0]
    deviations = response.deviations(features, conditions)
    assert abs(deviations[0, 0]) < 1.0
    assert deviations[1, 0] == pytest.approx(response.narrow[0] * (208.0 - centre))
    assert np.isnan(response.deviations(np.full((1, 1), np.nan), conditions[:1])[0, 0])


@pytest.mark.parametrize(
    "conditions",
    [
        np.empty((300, 0)),
        np.full((300, 2), 20.0),
        np.full((300, 2), np.nan),
        np.where(np.arange(600).reshape(300, 2) % 3 == 0, np.nan, 20.0 + np.arange(600).reshape(300, 2)),
    ],
)
def test_without_conditions_that_vary_nothing_is_moved(conditions: Float64) -> None:
    features = 100.0 + np.random.default_rng(0).normal(size=(300, 3))
    response = fit_response(features, conditions)
    assert not response.responds.any()
    assert np.array_equal(response.deviations(features, conditions), features - response.centre)


def learned(seed: int) -> Response:
    """Return the response of one feature that rises by 0.8 for each degree of the hall."""
    conditions = climate(1500, seed)
    noise = 0.4 * np.random.default_rng(seed).normal(size=1500)
    return fit_response((200.0 + 0.8 * (conditions[:, 0] - 20.0) + noise)[:, None], conditions)
