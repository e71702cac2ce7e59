from __future__ import annotations

from dataclasses import replace

import lightgbm
import numpy as np
import pytest

from lineside.adapters.onnx_judge import OnnxJudge
from lineside.domain.errors import DataError
from lineside.domain.judging.trees import path_shares
from lineside.domain.outcomes import CONFORMING, NONCONFORMING
from lineside.domain.parts import PartTable
from lineside.domain.plan.model import Plan
from lineside.domain.predictions import JudgementState, Prediction
from lineside.domain.readings import Float64
from lineside.learn.boosting import boost_classes, tables
from lineside.learn.fit import FitRequest, FitResult, fit
from lineside.testing.modelling import CHARACTERISTIC, STATION, modelling_plan, part_record, part_table

NOW = 1


def defects(rows: int = 600, width: int = 5, seed: int = 0) -> tuple[Float64, list[str]]:
    """Return features with a few missing values, and outcomes that depend on the first two of them."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(rows, width))
    bad = 2.5 * features[:, 0] + features[:, 0] * features[:, 1] + rng.normal(size=rows) > 3.0
    features[rng.random(features.shape) < 0.03] = np.nan
    return features, ["nonconforming" if item else "conforming" for item in bad]


def learn(plan: Plan, table: PartTable, **more: object) -> FitResult:
    return fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=table, **more))  # type: ignore[arg-type]


def judge_all(plan: Plan, result: FitResult, features: Float64) -> list[Prediction]:
    judge = OnnxJudge(plan, STATION, [result.bundle]).open()
    return [judge.judge(part_record(plan, row, i), NOW).predictions[0] for i, row in enumerate(features)]


def test_clear_labels_are_learned_and_the_reason_is_told() -> None:
    plan = modelling_plan(5)
    features, outcome = defects()
    result = learn(plan, part_table(plan, features, outcome))
    assert result.report.family == "supervised"
    assert "held-out" in result.report.reason
    assert result.report.metrics["auc"] > 0.85
    assert result.report.scheme.startswith("later periods")
    later, truth = defects(300, seed=1)
    found = judge_all(plan, result, later)
    risk = np.array([item.risk for item in found])
    bad = np.array([name == "nonconforming" for name in truth])
    assert risk[bad].mean() > 3 * risk[~bad].mean()
    assert abs(risk.mean() - bad.mean()) < 0.06
    assert {item.predicted for item in found} == {"conforming", "nonconforming"}


def test_labels_that_carry_nothing_leave_the_model_of_normal() -> None:
    plan = modelling_plan(5)
    rng = np.random.default_rng(0)
    features = rng.normal(size=(400, 5))
    bad = rng.random(400) < 0.15
    features[bad] *= 2.0  # defects lie around normal on every side: a distance tells them, few trees do
    outcome = ["nonconforming" if item else "conforming" for item in bad]
    result = learn(plan, part_table(plan, features, outcome))
    assert result.report.family == "normal"
    assert "not clearly better" in result.report.reason


def test_few_nonconforming_parts_leave_the_model_of_normal() -> None:
    plan = modelling_plan(5)
    features, outcome = defects(200)
    few = [name if i < 60 else "conforming" for i, name in enumerate(outcome)]
    result = learn(plan, part_table(plan, features, few))
    assert result.report.family == "normal"
    assert "nonconforming among" in result.report.reason


@pytest.mark.parametrize("classes", [2, 3])
def test_the_export_answers_as_lightgbm_does_missing_values_included(classes: int) -> None:
    names = ("good", "short", "porous")[:classes]
    plan = modelling_plan(5, classes=names, nonconforming=names[1:], model={"family": "supervised"})
    features, _ = defects(500)
    level = np.nan_to_num(features[:, 0])
    outcome = [names[min(int(value > 0.5) + int(value > 1.2), classes - 1)] for value in level]
    result = learn(plan, part_table(plan, features, outcome))
    assert result.report.parity < 1e-5


@pytest.mark.parametrize("classes", [2, 3])
def test_path_shares_sum_to_the_raw_score_and_rank_as_shapley_values_do(classes: int) -> None:
    features, _ = defects(800, width=12)
    label = np.clip(
        (np.nan_to_num(features[:, 0]) > 0.3).astype(np.int64) + (np.nan_to_num(features[:, 3]) > 1), 0, classes - 1
    )
    boosted = boost_classes(features, label, classes, seed=0)
    table, _ = tables(boosted)
    raw = boosted.raw(features)
    exact = boosted.booster.predict(features.astype(np.float32), pred_contrib=True).reshape(len(features), -1, 13)
    same_first = []
    for i, row in enumerate(features.astype(np.float32)):
        for k in range(boosted.outputs):
            weights = np.zeros(boosted.outputs, dtype=np.float32)
            weights[k] = 1.0
            shares = path_shares(table, row, weights)
            assert shares.sum() + table.expected[k] == pytest.approx(raw[i, k], abs=1e-4)
            same_first.append(int(np.argmax(np.abs(shares))) in np.argsort(-np.abs(exact[i, k, :-1]))[:3])
    assert np.mean(same_first) > 0.9


def test_the_expectation_is_that_of_lightgbm_itself() -> None:
    features, outcome = defects()
    boosted = boost_classes(features, np.array([int(name == "nonconforming") for name in outcome]), 2, seed=0)
    table, _ = tables(boosted)
    base = boosted.booster.predict(features[:1].astype(np.float32), pred_contrib=True)[0, -1]
    assert table.expected[0] == pytest.approx(base, abs=1e-6)
    assert isinstance(boosted.booster, lightgbm.Booster)


def test_shares_of_two_classes_sum_to_the_score_less_a_constant() -> None:
    plan = modelling_plan(5, model={"family": "supervised"})
    features, outcome = defects()
    found = judge_all(plan, learn(plan, part_table(plan, features, outcome)), features[:50])
    rest = [item.score - sum(c.share for c in item.contributions) for item in found]
    assert np.ptp(rest) < 1e-4


def test_the_limit_keeps_the_false_alarm_rate_whatever_an_escape_costs() -> None:
    plan = modelling_plan(
        5, model={"family": "supervised", "false_alarm_rate": 0.02}, cost={"escape": 1e6, "false_alarm": 1}
    )
    features, outcome = defects(1500)
    result = learn(plan, part_table(plan, features, outcome))
    later, truth = defects(3000, seed=5)
    alarms = [item.state is JudgementState.ALARM for item in judge_all(plan, result, later)]
    good = [alarm for alarm, name in zip(alarms, truth, strict=True) if name == "conforming"]
    assert np.mean(good) < 0.04
    assert result.report.guaranteed_rate <= 0.02


def test_dear_false_alarms_raise_the_limit() -> None:
    features, outcome = defects(800)
    limits = []
    for false_alarm in (1.0, 10_000.0):
        plan = modelling_plan(
            5, model={"family": "supervised", "false_alarm_rate": 0.1}, cost={"escape": 100, "false_alarm": false_alarm}
        )
        limits.append(learn(plan, part_table(plan, features, outcome)).bundle.manifest.limit)
    assert limits[1] > limits[0]


def test_the_report_says_what_the_chosen_limit_costs_and_what_the_budget_does() -> None:
    plan = modelling_plan(
        5, model={"family": "supervised", "false_alarm_rate": 0.01}, cost={"escape": 1000, "false_alarm": 1}
    )
    features, outcome = defects(800)
    result = learn(plan, part_table(plan, features, outcome))
    costs = result.report.costs
    assert costs is not None
    assert costs.chosen.limit == result.bundle.manifest.limit
    within = costs.curve.limit >= costs.budget
    assert costs.chosen.per_thousand == pytest.approx(costs.curve.per_thousand[within].min())
    assert costs.budget_costs > 0
    text = "\n".join(result.report.lines())
    assert "  cost         at " in text
    assert "the budget costs" in text
    assert "never alarm: " in text


def test_the_same_seed_gives_the_same_bundle() -> None:
    plan = modelling_plan(5)
    features, outcome = defects(300)
    table = part_table(plan, features, outcome)
    assert learn(plan, table, seed=4).bundle == learn(plan, table, seed=4).bundle


def test_row_order_does_not_reach_a_model_of_parts_without_time() -> None:
    """Sorted by class, as some tables are: nothing is learned where the features carry nothing."""
    plan = modelling_plan(3, timed=False, model={"family": "supervised"})
    features = np.random.default_rng(0).normal(size=(400, 3))
    outcome = ["conforming"] * 300 + ["nonconforming"] * 100
    result = learn(plan, part_table(plan, features, outcome))
    assert result.report.metrics["auc"] == pytest.approx(0.5, abs=0.08)
    assert "random" in result.report.scheme


def test_outcomes_of_one_kind_cannot_be_learned_from_and_the_message_says_so() -> None:
    plan = modelling_plan(3, model={"family": "supervised"})
    table = part_table(plan, np.random.default_rng(0).normal(size=(100, 3)), ["conforming"] * 100)
    with pytest.raises(DataError, match="conforming and nonconforming"):
        learn(plan, table)


def test_an_outcome_that_the_plan_does_not_know_is_named() -> None:
    plan = modelling_plan(3, model={"family": "supervised"})
    table = part_table(plan, np.random.default_rng(0).normal(size=(100, 3)), ["nonconforming", "hmm"] * 50)
    with pytest.raises(DataError, match="hmm"):
        learn(plan, table)


def test_an_unknown_characteristic_is_refused_with_the_valid_ones() -> None:
    plan = modelling_plan(3)
    table = part_table(plan, np.zeros((100, 3)))
    with pytest.raises(DataError, match=CHARACTERISTIC):
        fit(FitRequest(plan=plan, characteristic="colour", table=table))


def test_alarms_amid_faults_of_another_kind_do_not_decide_between_families() -> None:
    plan = modelling_plan(3)
    features = np.random.default_rng(4).normal(size=(4000, 3))
    place = np.arange(4000)
    bad, elsewhere = place % 67 == 50, (place % 400 < 20) & (place > 2000)
    features[bad, 0] += 4.0
    features[elsewhere, 1] += 15.0
    outcome = [NONCONFORMING if item else CONFORMING for item in bad]
    table = part_table(plan, features, outcome)
    request = FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=table, timed=True)
    unaware = fit(request).report.reason
    aware = fit(replace(request, table=replace(table, other_defects=tuple(elsewhere.tolist())))).report.reason
    found = [int(reason.partition("the model of normal ")[2].partition("%")[0]) for reason in (unaware, aware)]
    assert found[0] < 50 < found[1]
