"""How far a covariance is shrunk: as far as rows that were left out ask for."""

from __future__ import annotations

import numpy as np
import pytest

from lineside.domain.plan.model import ModelFamily
from lineside.domain.readings import Float64
from lineside.learn.normal import fit_normal, normal_scores
from lineside.learn.principal import SHRINKAGES, fine_shrinkage, plain_shrinkage


def controlled(rows: int, seed: int, loops: int = 20) -> Float64:
    """Return signals of control loops: each valve is its measurement's mirror but for a little noise of its own."""
    rng = np.random.default_rng(seed)
    shared = np.random.default_rng(99).normal(size=(3, loops))
    measured = rng.normal(size=(rows, 3)) @ shared + 0.3 * rng.normal(size=(rows, loops))
    return np.hstack([measured, -measured + 0.1 * rng.normal(size=measured.shape)])


def test_relations_that_hardly_vary_are_kept() -> None:
    rows = controlled(400, seed=1)
    assert fine_shrinkage(rows) < 0.1 * plain_shrinkage(rows)


def test_few_rows_of_many_signals_that_have_nothing_in_common_are_shrunk_to_a_ball() -> None:
    assert fine_shrinkage(np.random.default_rng(0).normal(size=(60, 40))) >= 0.7


@pytest.mark.parametrize("rows", [30, 300, 3000])
def test_more_rows_are_shrunk_less_and_always_by_one_of_the_shares(rows: int) -> None:
    some = np.random.default_rng(2).normal(size=(rows, 20)) @ np.diag(np.linspace(0.2, 2.0, 20))
    assert fine_shrinkage(some) in SHRINKAGES
    assert fine_shrinkage(np.vstack([some] * 4)) <= fine_shrinkage(some)


def test_a_loop_that_no_longer_holds_is_far_from_normal_though_all_its_signals_are_usual() -> None:
    rows, calm, broken = controlled(400, seed=1), controlled(400, seed=2), controlled(400, seed=3)
    broken[:, 25] += 1.0  # ten deviations of the valve's own noise, and less than one of its signal's
    group = np.full(400, "", dtype=object)
    found = {}
    for family in (ModelFamily.ROBUST, ModelFamily.NORMAL):
        model = fit_normal(rows, group, weight=1.0, lags=0, rate=0.01, family=family)
        limit = np.quantile(normal_scores(model, calm, group), 0.99)
        found[family] = float((normal_scores(model, broken, group) > limit).mean())
    assert found[ModelFamily.ROBUST] > 0.9
    assert found[ModelFamily.NORMAL] < 0.1
    assert (np.abs(broken[:, 25] - rows[:, 25].mean()) < 4.0 * rows[:, 25].std()).all()
