"""Shares by reconstruction: what they are by definition, and that they do not smear."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.domain.plan.model import ModelFamily
from lineside.domain.readings import Float64, Int64
from lineside.learn.normal import NormalModel, charts, fit_normal, standardise
from lineside.learn.normal_family import export

FAMILIES = [ModelFamily.NORMAL, ModelFamily.ROBUST, ModelFamily.CVA, ModelFamily.INNOVATION, ModelFamily.KNN]


def one_run(rows: Float64) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    return np.full(len(rows), "", dtype=object)


def moving_together(count: int, seed: int, width: int = 9) -> Float64:
    """Return rows in which one cause moves everything a little, and neighbours move with each other."""
    chance = np.random.default_rng(seed)
    mixed = np.random.default_rng(7).normal(size=(width, width)) * 0.5 + np.eye(width)
    rows: Float64 = chance.normal(size=(count, width)) @ mixed + chance.normal(size=(count, 1))
    return rows.astype(np.float32).astype(np.float64)


def learned(rows: Float64, lags: int = 0, family: ModelFamily = ModelFamily.NORMAL) -> NormalModel:
    return fit_normal(rows, one_run(rows), weight=1.0, lags=lags, rate=0.01, family=family)


def shares_of(model: NormalModel, rows: Float64, signal: Int64) -> tuple[Float64, Float64]:
    outputs = export(model, signal=signal).run(rows, one_run(rows))
    shares = outputs["parts"].astype(np.float64)
    by_signal = np.stack([shares[:, signal == k].sum(axis=1) for k in np.unique(signal)], axis=1)
    return outputs["score"].ravel().astype(np.float64), by_signal


def score_of(model: NormalModel, stacked: Float64) -> Float64:
    return np.maximum(*charts(model, stacked[None, :]))


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2), st.integers(0, 100))
def test_a_share_is_what_vanishes_if_the_signal_were_as_the_others_let_expect(lags: int, seed: int) -> None:
    model = learned(moving_together(400, seed), lags)
    signal = np.array([0, 0, 0, 1, 1, 2, 3, 3, 4])
    rows = moving_together(lags + 1, seed + 1) + 3.0
    score, found = shares_of(model, rows, signal)
    z = standardise(rows, model.centre, model.scale)
    stacked = z[::-1].ravel()
    precision = model.whitening @ model.whitening.T
    assert score[-1] == pytest.approx(score_of(model, stacked)[0], rel=1e-3)
    for k in range(5):
        places = np.flatnonzero(np.tile(signal, lags + 1) == k)
        expected = stacked.copy()
        expected[places] -= np.linalg.solve(precision[np.ix_(places, places)], precision[places] @ stacked)
        vanished = score_of(model, stacked)[0] - score_of(model, expected)[0]
        assert found[-1, k] == pytest.approx(vanished, abs=2e-3 * (1.0 + score[-1]))


@pytest.mark.parametrize("family", [ModelFamily.NORMAL, ModelFamily.KNN])
@pytest.mark.parametrize("lags", [0, 1])
def test_the_signal_that_is_wrong_is_named_first_however_all_move_together(family: ModelFamily, lags: int) -> None:
    model, right = learned(moving_together(600, 1), lags, family), 0
    signal = np.array([0, 0, 0, 1, 1, 2, 3, 3, 4])
    for trial in range(60):
        rows, wrong = moving_together(lags + 1, 100 + trial), trial % 5
        rows[-1, signal == wrong] += 10.0
        _, shares = shares_of(model, rows, signal)
        right += int(np.argmax(shares[-1])) == wrong
    assert right >= 57


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_gives_shares_in_which_a_gross_fault_stands_out(family: ModelFamily) -> None:
    model = learned(moving_together(600, 2), 1, family)
    rows = moving_together(2, 3)
    rows[-1, 5] += 25.0
    _, shares = shares_of(model, rows, np.arange(9))
    assert int(np.argmax(shares[-1])) == 5
