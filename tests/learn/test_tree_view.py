from __future__ import annotations

import numpy as np
import pytest

from lineside.adapters.onnx_judge import OnnxJudge
from lineside.adapters.onnx_judge.exact import ExactShares
from lineside.domain.plan.model import Plan
from lineside.domain.readings import Float64
from lineside.learn import supervised_family
from lineside.learn.fit import FitRequest, FitResult, fit
from lineside.learn.learned import TreeView
from lineside.learn.rows import choose_columns, prepare
from lineside.learn.tree_view import choose_view, tree_inputs
from lineside.learn.variants import variants_of
from lineside.testing.modelling import CHARACTERISTIC, STATION, modelling_plan, part_record, part_table

ROWS = 2500


def parts(seed: int, *, warmer: float = 0.0, by_level: bool = False) -> tuple[Float64, list[str]]:
    """Return two features that move with the hall, one of their own and the hall's temperature; and outcomes.

    A part is bad where the first is far above what is usual under its conditions or, ``by_level``, above a level.
    """
    rng = np.random.default_rng(seed)
    day = 2 * np.pi * np.arange(ROWS) / 300
    hall = 18.0 + warmer + 5.0 * np.sin(day) + 2.0 * np.sin(day / 2.7) + 0.2 * rng.normal(size=ROWS)
    own = rng.normal(size=(ROWS, 3))
    first = 200.0 + 2.0 * hall + own[:, 0]
    above = (first - 236.0) / 6.0 if by_level else own[:, 0]
    bad = above + 0.3 * rng.normal(size=ROWS) > 1.6
    return np.column_stack([first, 60.0 - hall + own[:, 1], own[:, 2], hall]), [
        "nonconforming" if item else "conforming" for item in bad
    ]


def plan() -> Plan:
    return modelling_plan(3, 1, model={"family": "supervised"})


@pytest.fixture(scope="module")
def result() -> FitResult:
    features, outcome = parts(1)
    return fit(FitRequest(plan=plan(), characteristic=CHARACTERISTIC, table=part_table(plan(), features, outcome)))


@pytest.mark.parametrize("by_level", [False, True])
def test_trees_see_deviations_where_these_foresee_unseen_conditions_better(*, by_level: bool) -> None:
    features, outcome = parts(1, by_level=by_level)
    characteristic = plan().characteristic(CHARACTERISTIC)
    table = part_table(plan(), features, outcome)
    columns = choose_columns(table.recipe, characteristic, with_environment=True)
    rows = prepare(table, columns.inputs, remembers=False, setup=())
    label = (rows.outcome == "nonconforming").astype(np.int64)
    view, words = choose_view(characteristic, columns, rows, label, 2, 0)
    assert (view is TreeView.AS_THEY_ARE) == by_level
    assert ("too few parts to tell" if by_level else f"trees see {view}") in words


@pytest.mark.parametrize("view", list(TreeView))
def test_trees_learn_from_the_very_bits_that_the_graph_gives_them(view: TreeView) -> None:
    features, outcome = parts(2)
    characteristic = plan().characteristic(CHARACTERISTIC)
    table = part_table(plan(), features, outcome)
    columns = choose_columns(table.recipe, characteristic, with_environment=True)
    rows = prepare(table, columns.inputs, remembers=False, setup=())
    seen = tree_inputs(view, characteristic, columns, rows)
    exact, approximate = seen.exact(rows.features), seen.rows(rows.features)
    assert exact.shape == approximate.shape
    assert np.allclose(exact, approximate, atol=1e-4)
    assert np.array_equal(exact, exact.astype(np.float32))


def test_a_warmer_season_changes_neither_false_alarms_nor_what_is_named(result: FitResult) -> None:
    assert "trees see deviations" in result.report.reason
    features, outcome = parts(5, warmer=5.0)
    judge = OnnxJudge(plan(), STATION, [result.bundle]).open()
    some = slice(0, 500)
    judged = [judge.judge(part_record(plan(), row, i), i).predictions[0] for i, row in enumerate(features[some])]
    bad = np.array(outcome[some]) == "nonconforming"
    alarm = np.array([item.score > result.bundle.manifest.limit for item in judged])
    assert alarm[~bad].mean() < 0.03
    assert alarm[bad].mean() > 0.5
    named = [item.contributions[0] for item, is_alarm in zip(judged, alarm, strict=True) if is_alarm]
    assert np.mean([item.feature == "x0" for item in named]) > 0.95
    assert all(item.conditional for item in named if item.feature == "x0")


def test_conditions_that_trees_see_beside_deviations_are_shown_against_what_is_usual_at_any_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervised_family, "choose_view", lambda *_: (TreeView.DEVIATIONS_AND_CONDITIONS, "as told"))
    features, outcome = parts(1)
    for row in np.flatnonzero(features[:, 3] > 23.0).tolist():
        outcome[row] = "nonconforming"
    table = part_table(plan(), features, outcome)
    judge = OnnxJudge(
        plan(), STATION, [fit(FitRequest(plan=plan(), characteristic=CHARACTERISTIC, table=table)).bundle]
    ).open()
    hottest = part_record(plan(), features[int(np.argmax(features[:, 3]))])
    shown = {item.feature: item for item in judge.judge(hottest, 0).predictions[0].contributions if item.share}
    assert not shown["e0"].conditional
    assert shown["e0"].low < shown["e0"].usual < shown["e0"].high
    assert shown["x0"].conditional


def test_exact_shares_are_those_of_what_the_trees_saw(result: FitResult) -> None:
    features, outcome = parts(5, warmer=5.0)
    worst = features[outcome.index("nonconforming")]
    explained = ExactShares().explain(result.bundle, part_record(plan(), worst))
    assert explained.contributions[0].feature == "x0"


def test_the_compiled_variant_says_why_it_does_not_suit(result: FitResult) -> None:
    inputs = parts(1)[0][:200, list(result.bundle.manifest.inputs)]
    compiled = next(item for item in variants_of(result.bundle, inputs, 0.01) if item.name == "compiled")
    assert compiled.files is None
    assert "of the conditions" in compiled.how
