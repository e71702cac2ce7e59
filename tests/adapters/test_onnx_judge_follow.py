from __future__ import annotations

import numpy as np

from lineside.adapters.onnx_judge import OnnxJudge
from lineside.domain.plan.model import Plan
from lineside.domain.predictions import JudgementState, Prediction
from lineside.domain.readings import Float64
from lineside.learn.fit import FitRequest, fit
from lineside.testing.conformance.judge import NOW
from lineside.testing.modelling import CHARACTERISTIC, STATION, modelling_plan, part_record, part_table

PLAN = modelling_plan(4, model={"family": "normal", "follow": 0.5, "false_alarm_rate": 0.01})
RESULT = fit(
    FitRequest(
        plan=PLAN,
        characteristic=CHARACTERISTIC,
        table=part_table(PLAN, np.random.default_rng(3).normal(size=(1500, 4))),
    )
)


def _parts(count: int, move: float, seed: int) -> Float64:
    return np.random.default_rng(seed).normal(size=(count, 4)) * (1.0 + move)


def _judged(judge: OnnxJudge, plan: Plan, features: Float64, first: int) -> list[Prediction]:
    parts = [part_record(plan, row, number=first + i) for i, row in enumerate(features)]
    return [judge.judge(part, NOW).predictions[0] for part in parts]


def test_the_limit_of_the_judge_follows_slow_change_within_what_the_report_says() -> None:
    judge = OnnxJudge(PLAN, STATION, [RESULT.bundle])
    said = _judged(judge, PLAN, _parts(2500, 0.12, 1), 2000)
    follow = RESULT.bundle.manifest.follow
    assert follow is not None
    assert said[0].limit == RESULT.bundle.manifest.limit
    assert said[0].limit < said[-1].limit <= said[0].limit + follow.reach
    assert all((item.state is JudgementState.ALARM) == (item.score > item.limit) for item in said)
    assert any("follows slow change" in line for line in RESULT.report.lines())


def test_a_fault_that_lasts_stays_in_alarm_and_moves_nothing() -> None:
    judge = OnnxJudge(PLAN, STATION, [RESULT.bundle])
    before = _judged(judge, PLAN, _parts(100, 0.0, 1), 2000)[-1].limit
    said = _judged(judge, PLAN, 9.0 + _parts(800, 0.0, 2), 3000)
    assert {item.state for item in said} == {JudgementState.ALARM}
    assert said[-1].limit == said[1].limit
    assert abs(said[-1].limit - before) < 0.05


def test_a_judge_that_was_restored_follows_on_as_if_nothing_had_been() -> None:
    features = _parts(400, 0.3, 4)
    whole, first, second = (OnnxJudge(PLAN, STATION, [RESULT.bundle]) for _ in range(3))
    expected = _judged(whole, PLAN, features, 2000)
    _judged(first, PLAN, features[:250], 2000)
    second.restore(first.state())
    again = _judged(second, PLAN, features[200:], 2200)  # fifty parts come twice
    assert [item.limit for item in again[51:]] == [item.limit for item in expected[251:]]


def test_a_plan_that_does_not_ask_for_it_has_a_limit_that_stays() -> None:
    plan = modelling_plan(4, model={"family": "normal", "false_alarm_rate": 0.01})
    table = part_table(plan, np.random.default_rng(3).normal(size=(300, 4)))
    assert fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=table)).bundle.manifest.follow is None
