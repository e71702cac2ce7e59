"""What is kept of the parts that others are held against."""

from __future__ import annotations

import numpy as np

from lineside.domain.drift.reference import explain, summarise


def test_bins_hold_equal_shares_and_few_values_make_few_of_them() -> None:
    features = np.column_stack([np.arange(2_560.0), np.arange(2_560) % 3])
    reference = summarise(("many", "three"), features)
    assert np.allclose(reference.below[0], np.arange(1, 256) / 256)
    assert np.isfinite(reference.edges[1]).sum() == 3
    assert np.isclose(reference.below[1][:3], [1 / 3, 2 / 3, 1.0], atol=1e-3).all()


def test_conditions_explain_a_bent_response_and_nothing_beyond_what_was_seen() -> None:
    random = np.random.default_rng(1)
    hall = random.uniform(10.0, 30.0, 2_000)
    features = np.column_stack([hall, 0.1 * (hall - 20.0) ** 2 + random.normal(0.0, 0.1, 2_000)])
    given = explain(features, [0])
    assert given is not None
    assert given.rest(features)[:, 1].std() < 0.15
    far = given.rest(np.array([[30.0, 10.0], [90.0, 10.0]]))
    assert abs(far[0, 1] - far[1, 1]) < 0.5


def test_gaps_of_a_feature_do_not_spoil_the_others() -> None:
    random = np.random.default_rng(2)
    features = random.normal(size=(500, 3))
    features[::2, 2] = np.nan
    given = explain(features, [0])
    assert given is not None
    assert np.isfinite(given.coefficients).all()
    assert explain(features[:40], [0]) is None
