from __future__ import annotations

import numpy as np
import pytest

from lineside.adapters.onnx_judge import OnnxJudge
from lineside.domain.errors import DataError
from lineside.domain.judging.risk import logistic, risk_outside
from lineside.domain.plan.model import Plan
from lineside.domain.predictions import JudgementState, Prediction
from lineside.domain.readings import Float64
from lineside.learn.fit import FitRequest, FitResult, fit
from lineside.testing.modelling import CHARACTERISTIC, STATION, modelling_plan, part_record, part_table

NOW = 1


def variable_plan(**more: object) -> Plan:
    return modelling_plan(4, kind="variable", specification={"lsl": 95.0, "usl": 105.0, "unit": "mm"}, **more)  # type: ignore[arg-type]


def parts(rows: int, seed: int, *, bent: bool = False) -> tuple[Float64, Float64]:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(rows, 4))
    shape = np.abs(features[:, 0]) * 3.0 if bent else features[:, 0] * 2.0
    return features, 100.0 + shape + 0.5 * rng.normal(size=rows)


def learn(plan: Plan, features: Float64, values: Float64) -> FitResult:
    table = part_table(plan, features, [f"{value}" for value in values])
    return fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=table))


def judge_all(plan: Plan, result: FitResult, features: Float64) -> list[Prediction]:
    judge = OnnxJudge(plan, STATION, [result.bundle]).open()
    return [judge.judge(part_record(plan, row, i), NOW).predictions[0] for i, row in enumerate(features)]


def test_a_line_stays_a_line_and_its_interval_covers_later_parts() -> None:
    plan = variable_plan()
    result = learn(plan, *parts(500, 0))
    assert result.report.family == "regression"
    assert result.report.metrics["rmse"] < 0.6 < result.report.metrics["trivial_rmse_mean"]
    assert "tree_nodes.npy" not in result.bundle.files
    later, truth = parts(1000, 1)
    found = judge_all(plan, result, later)
    covered = [item.low <= value <= item.high for item, value in zip(found, truth, strict=True)]
    assert np.mean(covered) == pytest.approx(0.9, abs=0.04)
    assert np.mean([float(item.predicted) - value for item, value in zip(found, truth, strict=True)]) < 0.1


def test_trees_are_taken_where_the_line_cannot_follow() -> None:
    plan = variable_plan()
    result = learn(plan, *parts(600, 0, bent=True))
    assert "tree_nodes.npy" in result.bundle.files
    assert result.report.parity < 1e-5
    later, truth = parts(300, 1, bent=True)
    found = judge_all(plan, result, later)
    assert np.sqrt(np.mean([(float(item.predicted) - v) ** 2 for item, v in zip(found, truth, strict=True)])) < 1.0


@pytest.mark.parametrize("bent", [False, True])
def test_the_risk_is_the_chance_of_being_outside_the_specification(bent: bool) -> None:  # noqa: FBT001 - a parameter
    plan = variable_plan()
    result = learn(plan, *parts(800, 0, bent=bent))
    later, truth = parts(2000, 1, bent=bent)
    risk = np.array([item.risk for item in judge_all(plan, result, later)])
    outside = (truth < 95.0) | (truth > 105.0)
    assert risk.mean() == pytest.approx(outside.mean(), abs=0.02)
    assert risk[outside].mean() > 10 * risk[~outside].mean()


def test_the_nearer_limit_decides_and_the_shares_point_towards_it() -> None:
    plan = variable_plan()
    result = learn(plan, *parts(500, 0))
    high, low = judge_all(plan, result, np.array([[4.0, 0, 0, 0], [-4.0, 0, 0, 0]]))
    for found in (high, low):
        assert found.state is JudgementState.ALARM
        assert found.contributions[0].signal == "x0"
        assert found.contributions[0].share > 0
        assert found.cause == "cause_x0"


def test_without_a_specification_the_unusual_is_an_alarm_and_there_is_no_risk() -> None:
    plan = modelling_plan(4, kind="variable")
    result = learn(plan, *parts(500, 0))
    usual, odd = judge_all(plan, result, np.array([[0.0, 0, 0, 0], [6.0, 0, 0, 0]]))
    assert usual.state is JudgementState.NORMAL
    assert odd.state is JudgementState.ALARM
    assert odd.risk is None


def test_few_measured_parts_leave_the_model_of_normal() -> None:
    plan = variable_plan()
    features, values = parts(100, 0)
    table = part_table(plan, features, [f"{v}" if i < 20 else "" for i, v in enumerate(values)])
    report = fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=table)).report
    assert report.family == "normal"
    assert "only 20 parts are measured" in report.reason


def test_a_regression_without_measured_parts_is_refused() -> None:
    plan = variable_plan(model={"family": "regression"})
    with pytest.raises(DataError, match="measured value"):
        fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=part_table(plan, parts(100, 0)[0])))


def test_risk_outside_counts_residuals_beyond_either_limit() -> None:
    residuals = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    assert risk_outside(10.0, residuals, 8.5, 11.5) == pytest.approx(2.5 / 6)
    assert risk_outside(10.0, residuals, 8.0, 12.0) == pytest.approx(0.5 / 6)
    assert risk_outside(10.0, residuals, None, None) is None
    assert risk_outside(100.0, residuals, None, 12.0) == pytest.approx(5.5 / 6)


def test_the_logistic_function_never_overflows() -> None:
    assert (logistic(-2000.0), logistic(0.0), logistic(2000.0)) == (0.0, 0.5, 1.0)
