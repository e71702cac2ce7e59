"""The robust shape of normal: strange rows among those learned from do not bend it, and nothing is left to chance."""

from __future__ import annotations

import numpy as np
import pytest

from lineside.domain.plan.model import ModelFamily
from lineside.domain.readings import Float64
from lineside.learn.normal import NormalModel, fit_normal
from lineside.learn.robust import LEAST_PER_VALUE, MOST_ROWS, agreeing, carries_robust

WIDTH = 6
MIX = 0.3 * np.random.default_rng(7).normal(size=(WIDTH, WIDTH)) + np.eye(WIDTH)
SHAPE = MIX.T @ MIX


def usual(count: int, seed: int) -> Float64:
    rows: Float64 = np.random.default_rng(seed).normal(size=(count, WIDTH)) @ MIX
    return rows


def contaminated(count: int, share: float, seed: int) -> tuple[Float64, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Return rows of which a share, anywhere in time, lies off in one direction; and which."""
    chance = np.random.default_rng(seed)
    strange = chance.permutation(count) < share * count
    rows = usual(count, seed)
    rows[strange] += 7.0 * MIX[0] - 7.0 * MIX[1]
    return rows, strange


def learned(rows: Float64, family: ModelFamily, lags: int = 0) -> NormalModel:
    group = np.full(len(rows), "run", dtype=object)
    return fit_normal(rows, group, weight=1.0, lags=lags, rate=0.01, family=family)


def away(model: NormalModel) -> float:
    """Return how far a model's shape is from the true one, whatever their sizes: the spread of the log eigenvalues."""
    whitening = model.whitening / model.scale[:, None]
    ratio = np.log(np.linalg.eigvalsh(whitening.T @ SHAPE @ whitening))
    return float(np.ptp(ratio))


@pytest.mark.parametrize("share", [0.1, 0.2])
def test_strange_rows_among_those_learned_from_bend_the_plain_shape_and_not_the_robust_one(share: float) -> None:
    rows, _ = contaminated(800, share, 1)
    plain, robust = learned(rows, ModelFamily.NORMAL), learned(rows, ModelFamily.ROBUST)
    clean = away(learned(usual(800, 1), ModelFamily.NORMAL))
    assert away(plain) > 1.5
    assert away(robust) < clean + 0.3


def test_the_centre_is_that_of_the_rows_that_agree() -> None:
    rows, _ = contaminated(800, 0.2, 2)
    off = [
        float(np.abs(learned(rows, family).centre / np.sqrt(np.diag(SHAPE))).max())
        for family in (ModelFamily.NORMAL, ModelFamily.ROBUST)
    ]
    assert off[1] < 0.12 < off[0]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.2])
def test_strange_rows_are_set_aside_and_nearly_all_others_kept(share: float) -> None:
    rows, strange = contaminated(600, share, 3)
    kept = agreeing(rows)
    assert not kept[strange].any()
    assert kept[~strange].mean() > 0.95


def test_strange_rows_are_set_aside_too_where_not_all_rows_are_searched() -> None:
    rows, strange = contaminated(2 * MOST_ROWS + 1, 0.15, 4)
    kept = agreeing(rows)
    assert not kept[strange].any()
    assert kept[~strange].mean() > 0.95


def test_the_same_rows_give_the_same_bits_and_their_order_does_not_matter() -> None:
    rows, _ = contaminated(400, 0.15, 5)
    first, again = learned(rows, ModelFamily.ROBUST), learned(rows, ModelFamily.ROBUST)
    assert first.whitening.tobytes() == again.whitening.tobytes()
    assert first.centre.tobytes() == again.centre.tobytes()
    order = np.random.default_rng(6).permutation(len(rows))
    np.testing.assert_array_equal(agreeing(rows[order]), agreeing(rows)[order])


@pytest.mark.parametrize("lags", [0, 2])
def test_too_few_rows_are_learned_as_normal_and_the_model_says_so(lags: int) -> None:
    needed = LEAST_PER_VALUE * WIDTH * (lags + 1)
    few, enough = usual(needed + lags - 1, 8), usual(needed + lags, 8)
    fallen, plain = learned(few, ModelFamily.ROBUST, lags), learned(few, ModelFamily.NORMAL, lags)
    assert fallen.family is ModelFamily.NORMAL
    assert fallen.whitening.tobytes() == plain.whitening.tobytes()
    assert learned(enough, ModelFamily.ROBUST, lags).family is ModelFamily.ROBUST
    assert carries_robust(needed, WIDTH * (lags + 1))


def test_signals_that_stand_still_are_coarse_or_copies_do_no_harm() -> None:
    rows, strange = contaminated(400, 0.1, 9)
    still, coarse = np.full((400, 1), 3.0), (rows[:, :1] > 4.0).astype(np.float64)
    model = learned(np.hstack([rows, still, coarse, rows[:, :1]]), ModelFamily.ROBUST)
    assert model.family is ModelFamily.ROBUST
    assert np.isfinite(model.whitening).all()
    assert np.isfinite([model.t2_scale, model.residual_scale]).all()
    kept = agreeing(np.hstack([rows, rows[:, :1]]))
    assert not kept[strange].any()


def test_rows_that_are_all_alike_are_all_kept() -> None:
    assert agreeing(np.zeros((100, 3))).all()
