from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.adapters.onnx_judge import OnnxJudge
from lineside.domain.errors import ConfigurationError, IntegrityError
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import Plan
from lineside.domain.predictions import JudgementState
from lineside.learn.fit import FitRequest, fit
from lineside.testing.conformance.judge import NOW, JudgeConformance
from lineside.testing.modelling import CHARACTERISTIC, STATION, modelling_plan, part_record, part_table
from lineside.testing.networks import hostile_graph, learned_bundle, with_graph
from lineside.wire.bundle import GOLDEN_SCORES, MODEL_FILE, Bundle, array_bytes, pack_bundle, seal, unpack_bundle


def learned(plan: Plan, rows: int = 400) -> Bundle:
    rng = np.random.default_rng(3)
    width = len(plan.signals)
    features = 100.0 + rng.normal(size=(rows, width))
    return fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=part_table(plan, features))).bundle


PLAN = modelling_plan(4, 1)
BUNDLE = learned(PLAN)
USUAL = np.full(5, 100.0)


def with_value(position: int, value: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    row = USUAL.copy()
    row[position] = value
    return row


class TestOnnxJudgeOfNormal(JudgeConformance):
    @pytest.fixture
    def judge(self) -> OnnxJudge:
        return OnnxJudge(PLAN, STATION, [BUNDLE])

    @pytest.fixture
    def parts(self) -> Sequence[PartRecord]:
        rng = np.random.default_rng(5)
        rows = [100.0 + rng.normal(size=5) for _ in range(20)]
        rows[7][1] = 120.0
        rows[9][2] = np.nan
        return [part_record(PLAN, row, i) for i, row in enumerate(rows)]


def judge_rows(plan: Plan, bundle: Bundle, rows: Sequence[np.ndarray[tuple[int], np.dtype[np.float64]]]) -> list[float]:
    judge = OnnxJudge(plan, STATION, [bundle])
    return [judge.judge(part_record(plan, row, i), NOW).predictions[0].score for i, row in enumerate(rows)]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.permutations(range(12)))
def test_scores_are_equal_bit_for_bit_alone_or_in_any_company(seed: int, order: list[int]) -> None:
    rows = list(100.0 + 3.0 * np.random.default_rng(seed).normal(size=(12, 5)))
    together = judge_rows(PLAN, BUNDLE, [rows[i] for i in order])
    alone = [judge_rows(PLAN, BUNDLE, [rows[i]])[0] for i in order]
    assert together == alone


def test_the_signal_that_went_astray_carries_the_score_and_names_the_cause() -> None:
    found = OnnxJudge(PLAN, STATION, [BUNDLE]).judge(part_record(PLAN, with_value(0, 114.0)), NOW).predictions[0]
    assert found.state is JudgementState.ALARM
    first = found.contributions[0]
    assert (first.signal, first.unit, first.value) == ("x0", "degC", 114.0)
    assert first.low < first.usual < first.high
    assert found.cause == "cause_x0"
    assert OnnxJudge(PLAN, STATION, [BUNDLE]).judge(part_record(PLAN, with_value(2, 114.0)), NOW).predictions[
        0
    ].cause == ("other")


def test_most_of_the_score_would_vanish_if_the_signal_that_is_wrong_were_as_usual() -> None:
    found = OnnxJudge(PLAN, STATION, [BUNDLE]).judge(part_record(PLAN, with_value(3, 109.0)), NOW).predictions[0]
    first, second = found.contributions[:2]
    assert first.signal == "x3"
    assert 0.7 * found.score < first.share <= found.score
    assert second.share < 0.3 * found.score


def test_conditions_never_learned_from_are_outside_experience_and_no_alarm() -> None:
    found = OnnxJudge(PLAN, STATION, [BUNDLE]).judge(part_record(PLAN, with_value(4, 150.0)), NOW).predictions[0]
    assert found.state is JudgementState.OUTSIDE_EXPERIENCE
    assert found.reason.startswith("e0 150 degC: warmer than anything learned (up to ")
    assert "no sign of a defect" in found.reason
    assert found.contributions[-1].signal == "e0"


def test_a_part_of_another_recipe_or_without_an_end_is_bad_data() -> None:
    judge = OnnxJudge(PLAN, STATION, [BUNDLE])
    part = part_record(PLAN, USUAL)
    for wrong in (replace(part, recipe="other"), replace(part, incomplete=True)):
        assert judge.judge(wrong, NOW).predictions[0].state is JudgementState.BAD_DATA


def test_a_model_that_answers_ordinary_inputs_with_no_number_is_broken_and_a_strange_input_is_only_bad_data() -> None:
    plan = modelling_plan(8, classes=["good", "crack", "pore"], nonconforming=["crack", "pore"])
    judge = OnnxJudge(plan, STATION, [with_graph(plan, learned_bundle(plan), hostile_graph("nan_above_50"))])
    row = np.zeros(8)
    row[0] = 60.0
    with pytest.raises(IntegrityError, match="no number"):
        judge.judge(part_record(plan, row), NOW)
    for strange in (1e12, np.nan):
        row[0] = strange
        assert judge.judge(part_record(plan, row), NOW).predictions[0].state is JudgementState.BAD_DATA


def test_lags_warm_up_before_anything_is_said() -> None:
    plan = modelling_plan(3, model={"lags": 2})
    judge = OnnxJudge(plan, STATION, [learned(plan)])
    states = [judge.judge(part_record(plan, np.full(3, 100.0), i), NOW).predictions[0].state for i in range(4)]
    assert states == [JudgementState.WARMING_UP] * 2 + [JudgementState.NORMAL] * 2
    judge.reset()
    assert judge.judge(part_record(plan, np.full(3, 100.0), 9), NOW).predictions[0].state is JudgementState.WARMING_UP


@pytest.mark.parametrize("wish", [{"memory": 0.1}, {"cusum": 0.5}])
def test_a_small_lasting_shift_is_found_by_memory(wish: dict[str, float]) -> None:
    plan = modelling_plan(3, model=wish)
    scores = judge_rows(plan, learned(plan), [np.array([101.0, 100.0, 100.0])] * 60)
    assert scores[0] < scores[-1]
    assert scores[-1] > learned(plan).manifest.limit > scores[0]


@pytest.mark.parametrize("wish", [{"memory": 0.3, "lags": 1}, {"cusum": 0.5, "lags": 1, "family": "innovation"}])
def test_a_checkpoint_continues_bit_for_bit(wish: dict[str, Any]) -> None:
    plan = modelling_plan(3, model=wish)
    bundle = learned(plan)
    rows = list(100.0 + np.random.default_rng(1).normal(size=(20, 3)))
    whole = judge_rows(plan, bundle, rows)
    first, second = OnnxJudge(plan, STATION, [bundle]), OnnxJudge(plan, STATION, [bundle])
    parts = [part_record(plan, row, i) for i, row in enumerate(rows)]
    one = [first.judge(part, NOW).predictions[0].score for part in parts[:9]]
    second.restore(first.state())
    assert one + [second.judge(part, NOW).predictions[0].score for part in parts[9:]] == whole


def test_a_bundle_that_travelled_answers_the_same() -> None:
    rows = list(100.0 + np.random.default_rng(1).normal(size=(5, 5)))
    assert judge_rows(PLAN, unpack_bundle(pack_bundle(BUNDLE)), rows) == judge_rows(PLAN, BUNDLE, rows)


def test_a_bundle_for_another_plan_is_refused_with_the_next_step() -> None:
    other = modelling_plan(4, 1, model={"false_alarm_rate": 0.02})
    with pytest.raises(ConfigurationError, match="train it again"):
        OnnxJudge(other, STATION, [BUNDLE]).open()


def test_two_bundles_for_one_characteristic_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="two bundles"):
        OnnxJudge(PLAN, STATION, [BUNDLE, BUNDLE]).open()


def test_a_graph_that_is_none_and_a_golden_row_that_differs_are_refused() -> None:
    scores = BUNDLE.array(GOLDEN_SCORES)
    for files in ({MODEL_FILE: b"no graph"}, {GOLDEN_SCORES: array_bytes(scores + np.float32(0.1))}):
        wrong = seal(BUNDLE.manifest, {**BUNDLE.files, **files})
        with pytest.raises(IntegrityError):
            OnnxJudge(PLAN, STATION, [wrong]).open()
