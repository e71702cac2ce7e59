"""Each family of normal finds what it is for, and its graph is the model."""

from __future__ import annotations

import numpy as np
import pytest

from lineside.domain.judging.memory import Memory
from lineside.domain.plan.model import ModelFamily
from lineside.domain.readings import Float64
from lineside.learn import export_normal
from lineside.learn.export_normal import normal_graph
from lineside.learn.normal import NormalModel, fit_normal, normal_scores
from lineside.learn.normal_family import export
from lineside.learn.runtime import check_parity, open_session

FAMILIES = (ModelFamily.NORMAL, ModelFamily.ROBUST, ModelFamily.KNN, ModelFamily.CVA, ModelFamily.INNOVATION)


def slow_process(rows: int, seed: int, *, turned: bool = False) -> Float64:
    """Return four signals of a slow process with two states; ``turned``, the states follow each other otherwise."""
    rng = np.random.default_rng(seed)
    step = np.array([[0.9, 0.3], [-0.3, 0.9]] if not turned else [[0.9, -0.3], [0.3, 0.9]]) * 0.95
    mix = np.array([[1.0, 0.2], [0.3, 1.0], [1.0, 1.0], [0.5, -1.0]])
    state, out = np.zeros(2), np.empty((rows, 4))
    for row in range(rows):
        state = step @ state + rng.normal(0.0, 0.5, 2)
        out[row] = mix @ state + rng.normal(0.0, 0.3, 4)
    return out


def one_run(rows: Float64) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    return np.full(len(rows), "run", dtype=object)


def learned(
    family: ModelFamily, rows: Float64, *, weight: float = 1.0, lags: int = 0, drift: float = 0.0
) -> NormalModel:
    return fit_normal(rows, one_run(rows), weight=weight, lags=lags, drift=drift, rate=0.01, family=family)


def share(model: NormalModel, calm: Float64, rows: Float64) -> float:
    """Return the share of rows above the score that one in a hundred calm rows exceeds."""
    limit = np.nanquantile(normal_scores(model, calm, one_run(calm)), 0.99)
    score = normal_scores(model, rows, one_run(rows))
    return float(np.nanmean(score > limit))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_finds_a_mean_that_has_moved(family: ModelFamily) -> None:
    rng = np.random.default_rng(1)
    model = learned(family, rng.normal(size=(400, 4)))
    assert share(model, rng.normal(size=(400, 4)), rng.normal(size=(200, 4)) + np.array([6.0, 0.0, 0.0, 0.0])) > 0.9


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_finds_a_broken_correlation(family: ModelFamily) -> None:
    rng = np.random.default_rng(2)

    def pair(rows: int, sign: float) -> Float64:
        common = rng.normal(size=rows)
        return np.column_stack([common, sign * common]) + rng.normal(0.0, 0.1, (rows, 2))

    assert share(learned(family, pair(400, 1.0)), pair(400, 1.0), pair(200, -1.0)) > 0.7


@pytest.mark.parametrize("family", [ModelFamily.CVA, ModelFamily.INNOVATION])
def test_dynamics_that_have_changed_are_found_where_every_row_alone_is_usual(family: ModelFamily) -> None:
    train, calm, turned = slow_process(800, 1), slow_process(800, 2), slow_process(800, 3, turned=True)
    alone = share(learned(ModelFamily.NORMAL, train), calm, turned)
    assert share(learned(family, train, lags=2), calm, turned) > 3.0 * max(alone, 0.01)


def test_a_small_shift_that_lasts_is_found_by_memory() -> None:
    rng = np.random.default_rng(4)
    train, calm = rng.normal(size=(600, 4)), rng.normal(size=(600, 4))
    shifted = rng.normal(size=(300, 4)) + np.array([1.0, 0.0, 0.0, 0.0])
    at_once = share(learned(ModelFamily.NORMAL, train), calm, shifted)
    assert share(learned(ModelFamily.NORMAL, train, weight=0.1), calm, shifted) > 3.0 * at_once + 0.3


def test_the_gap_between_two_normal_states_is_found_by_the_nearest_parts_alone() -> None:
    rng = np.random.default_rng(5)

    def states(rows: int) -> Float64:
        side = np.where(rng.random(rows) < 0.5, -5.0, 5.0)
        return np.column_stack([side, -side]) + rng.normal(0.0, 0.3, (rows, 2))

    between = rng.normal(0.0, 0.3, (100, 2))
    train, calm = states(600), states(600)
    assert share(learned(ModelFamily.KNN, train), calm, between) > 0.95
    assert share(learned(ModelFamily.NORMAL, train), calm, between) < 0.05


def test_innovations_mind_a_slow_drift_far_less_than_the_distance_from_the_centre() -> None:
    def wandering(seed: int) -> Float64:
        rng = np.random.default_rng(seed)
        rows = np.zeros((800, 3))
        for row in range(1, 800):
            rows[row] = 0.98 * rows[row - 1] + rng.normal(0.0, 0.2, 3)
        return rows

    train, calm = wandering(6), wandering(7)
    drifting = wandering(8) + np.linspace(0.0, 8.0, 800)[:, None]
    assert share(learned(ModelFamily.NORMAL, train), calm, drifting) > 0.5
    assert share(learned(ModelFamily.INNOVATION, train, lags=2), calm, drifting) < 0.15


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("weight", "lags", "drift"), [(1.0, 0, 0.0), (0.3, 2, 0.01)])
def test_the_graph_is_the_model_with_and_without_missing_values(
    family: ModelFamily, weight: float, lags: int, drift: float
) -> None:
    model = learned(family, slow_process(400, 9), weight=weight, lags=lags, drift=drift)
    rows = slow_process(120, 10).astype(np.float32).astype(np.float64)
    rows[::5, 1] = np.nan
    outputs = export(model).run(rows, one_run(rows))
    score = outputs["score"].ravel().astype(np.float64)
    check_parity(normal_scores(model, rows, one_run(rows)), score)
    known = np.isfinite(score)
    assert np.array_equal(np.isfinite(outputs["parts"]).all(axis=1), known)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_form_that_is_read_in_blocks_is_the_same_form(family: ModelFamily, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_normal, "_LEAST_BLOCK", 5)
    rng = np.random.default_rng(13)
    rows = (rng.normal(size=(300, 40)) @ (np.eye(40) + 0.3 * rng.normal(size=(40, 40)))).astype(np.float32)
    model = learned(family, rows.astype(np.float64))
    in_blocks = export(model)
    monkeypatch.setattr(export_normal, "_MOST_BLOCKS", 1)
    whole = export(model)
    assert (len(in_blocks.graph) == len(whole.graph)) is (family is ModelFamily.KNN)  # which has no such form
    far = 2.0 * rows[:40].astype(np.float64)
    found, wanted = (item.run(far, one_run(far)) for item in (in_blocks, whole))
    check_parity(normal_scores(model, far, one_run(far)), found["score"].ravel().astype(np.float64))
    assert np.allclose(found["parts"], wanted["parts"], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_memory_stored_in_the_middle_goes_on_with_the_same_bits(family: ModelFamily) -> None:
    model = learned(family, slow_process(400, 11), weight=0.3, lags=2, drift=0.01)
    session = open_session(normal_graph(model))
    names = [item.name for item in session.get_outputs()]
    rows = slow_process(40, 12).astype(np.float32)

    def scores(*, interrupted: bool) -> list[bytes]:
        memory, found = Memory(width=4, weight=0.3, lags=2, drift=0.01), []
        for number, row in enumerate(rows):
            if interrupted and number == 20:
                state = memory.state()
                memory = Memory(width=4, weight=0.3, lags=2, drift=0.01)
                memory.restore(state)
            outputs = dict(zip(names, session.run(names, {"x": row[None, :], **memory.inputs()}), strict=True))
            memory.advance(outputs)
            found.append(outputs["score"].tobytes())
        return found

    assert scores(interrupted=True) == scores(interrupted=False)
