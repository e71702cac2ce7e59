"""The search for a model of normal: the same for the same rows, bounded, and no more complicated than it pays."""

from __future__ import annotations

import numpy as np

from lineside.domain.plan.budget import FalseAlarms
from lineside.domain.plan.model import ModelFamily, Plan
from lineside.domain.readings import Float64
from lineside.learn.fit import FitRequest, fit
from lineside.learn.search import Found, Setting, Stage, Tried, candidates, choose, search, stages_of
from lineside.testing.modelling import CHARACTERISTIC, modelling_plan, part_table

ALARMS = FalseAlarms(rate=0.02, shift_parts=None, why="asked for")
PLAIN = Setting(family=ModelFamily.NORMAL)
AVERAGED = Setting(family=ModelFamily.NORMAL, memory=0.1)
CANONICAL = Setting(family=ModelFamily.CVA, lags=1)


def rows(count: int, seed: int) -> Float64:
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(count, 1))
    return common @ np.ones((1, 3)) + rng.normal(0.0, 0.5, (count, 3))


def stages() -> tuple[Stage, ...]:
    given = (rows(300, 1), rows(300, 2))
    return stages_of(given[0], np.full(300, "a", dtype=object), given[1], np.full(300, "b", dtype=object))


def tried(setting: Setting, detected: list[float], false_alarms: float = 0.0, promised: float = 0.0) -> Tried:
    return Tried(setting=setting, false_alarms=false_alarms, promised=promised, detected=np.array(detected))


def found(budget: float = 1e12, seed: int = 3) -> Found:
    return search(stages(), (PLAIN, AVERAGED, CANONICAL), ALARMS, seed=seed, budget=budget)


def test_the_same_rows_and_seed_give_the_same_trail() -> None:
    assert found().lines() == found().lines()
    assert found().setting == found().setting


def test_what_exceeds_the_budget_is_left_out_and_said_to_be() -> None:
    trail = found(budget=1.0).trail
    assert [bool(len(item.detected)) for item in trail] == [True, False, False]
    assert {item.why_not for item in trail[1:]} == {"left out: the budget of the search is spent"}


def test_a_robust_shape_that_the_rows_do_not_carry_is_left_out_and_said_to_be() -> None:
    wide = tuple(
        Stage(
            learn=np.tile(stage.learn, 25) + np.random.default_rng(4).normal(size=(len(stage.learn), 75)),
            learn_group=stage.learn_group,
            later=np.tile(stage.later, 25) + np.random.default_rng(5).normal(size=(len(stage.later), 75)),
            later_group=stage.later_group,
            limit=stage.limit,
            onset=stage.onset,
        )
        for stage in stages()
    )
    robust = Setting(family=ModelFamily.ROBUST)
    assert [bool(len(item.detected)) for item in search(stages(), (PLAIN, robust), ALARMS, seed=3).trail] == [True] * 2
    trail = search(wide, (PLAIN, robust), ALARMS, seed=3).trail
    assert [bool(len(item.detected)) for item in trail] == [True, False]
    assert "too few rows" in trail[1].why_not


def test_the_simplest_candidate_within_a_standard_error_of_the_best_is_taken() -> None:
    best = tried(CANONICAL, [0.5, 0.7, 0.9, 0.5])
    near = tried(PLAIN, [0.6, 0.5, 0.9, 0.5])
    assert choose((near, best), 0.01).setting == PLAIN
    behind = tried(PLAIN, [0.4, 0.6, 0.8, 0.4])
    assert choose((behind, best), 0.01).setting == CANONICAL


def test_a_candidate_that_gives_more_false_alarms_than_asked_for_is_not_taken() -> None:
    eager = tried(AVERAGED, [0.9, 0.9], false_alarms=0.05)
    calm = tried(PLAIN, [0.3, 0.4], false_alarms=0.01)
    outcome = choose((eager, calm), 0.01)
    assert outcome.setting == PLAIN
    assert "more false alarms than asked for" in outcome.lines()[0]


def test_a_limit_that_cannot_promise_the_rate_is_no_candidate_while_another_can() -> None:
    slow = tried(AVERAGED, [0.9, 0.9], promised=0.05)
    assert choose((slow, tried(PLAIN, [0.3, 0.4])), 0.01).setting == PLAIN


def test_where_no_limit_can_promise_the_rate_those_are_compared_that_come_nearest() -> None:
    plain = tried(PLAIN, [0.3, 0.4], promised=0.02)
    assert choose((tried(AVERAGED, [0.9, 0.9], promised=0.05), plain), 0.01).setting == PLAIN
    assert choose((tried(AVERAGED, [0.9, 0.9], promised=0.03), plain), 0.01).setting == AVERAGED


def test_each_half_of_the_rows_for_the_limit_is_judged_once() -> None:
    first, second = stages()
    np.testing.assert_array_equal(first.later[first.limit :], second.later[: second.limit])
    np.testing.assert_array_equal(first.later[: first.limit], second.later[second.limit :])


def test_parts_that_do_not_follow_one_another_have_no_memory() -> None:
    assert {(item.memory, item.lags, item.drift) for item in candidates(continuous=False)} == {(1.0, 0, 0.0)}
    assert [item.complexity for item in candidates(continuous=True)] == sorted(
        item.complexity for item in candidates(continuous=True)
    )


def test_a_continuous_process_left_to_auto_is_searched_and_the_report_has_the_trail() -> None:
    plan = modelling_plan(signals=3, model={"false_alarm_rate": 0.05})
    dump = plan.model_dump(mode="json")
    dump["stations"][0]["cycle"] = {"by": "window", "length": "1 s"}
    for signal in dump["signals"]:
        signal["features"] = ["mean"]
    continuous = Plan.model_validate(dump)
    result = fit(FitRequest(plan=continuous, characteristic=CHARACTERISTIC, table=part_table(continuous, rows(240, 5))))
    tried_lines = [line for line in result.report.lines() if line.startswith("  tried")]
    assert len(tried_lines) == len(candidates(continuous=True))
    assert sum("taken" in line for line in tried_lines) == 1
    assert result.report.reason.startswith((f"{result.report.family}, memory", f"{result.report.family}, cusum"))
    assert result.bundle.manifest.family == result.report.family
