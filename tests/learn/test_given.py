from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from lineside.adapters.onnx_judge import OnnxJudge
from lineside.domain.predictions import JudgementState, Prediction
from lineside.domain.readings import Float64
from lineside.learn.export_normal import normal_graph
from lineside.learn.fit import FitRequest, FitResult, fit
from lineside.learn.normal import fit_normal, normal_scores
from lineside.learn.response import fit_response, unseen_deviations
from lineside.learn.runtime import ExportedModel, check_parity
from lineside.testing.modelling import CHARACTERISTIC, STATION, modelling_plan, part_record, part_table


def hall(rows: int, seed: int, warmer: float = 0.0) -> Float64:
    """Return the hall's temperature at parts one after another, in a cool or warmer period."""
    rng = np.random.default_rng(seed)
    day = 2 * np.pi * np.arange(rows) / 150
    return np.asarray(18.0 + warmer + 4.0 * np.sin(day) + np.sin(day / 2.7) + 0.2 * rng.normal(size=rows))


def parts(rows: int, seed: int, warmer: float = 0.0, fault: float = 0.0) -> Float64:
    """Return three features, two of which move with the hall, and the hall's temperature; a fault moves the first."""
    rng = np.random.default_rng(seed + 1000)
    air = hall(rows, seed, warmer)
    own = rng.normal(size=(rows, 3))
    return np.column_stack(
        [200.0 + 0.8 * air + own[:, 0] + fault, 60.0 + 0.3 * air + 0.01 * air**2 + 0.5 * own[:, 1], own[:, 2], air]
    )


def learned(model: dict[str, Any] | None = None, *, rows: int = 900) -> FitResult:
    plan = modelling_plan(3, 1, model={"family": "normal", **(model or {})})
    return fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=part_table(plan, parts(rows, 0))))


def judged(result: FitResult, features: Float64, model: dict[str, Any] | None = None) -> list[Prediction]:
    plan = modelling_plan(3, 1, model={"family": "normal", **(model or {})})
    judge = OnnxJudge(plan, STATION, [result.bundle]).open()
    return [judge.judge(part_record(plan, row, i), i).predictions[0] for i, row in enumerate(features)]


def scores(result: FitResult, features: Float64, model: dict[str, Any] | None = None) -> Float64:
    return np.array([item.score for item in judged(result, features, model)])


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from([1.0, 0.3]),
    st.integers(0, 2),
    st.sampled_from([0.0, 0.05]),
    st.sampled_from([1.0, 500.0]),
    st.integers(0, 2**31),
)
def test_the_graph_answers_as_the_model_does_with_conditions_missing_or_far_away(
    weight: float, lags: int, drift: float, size: float, seed: int
) -> None:
    rows = (size * parts(400, seed)).astype(np.float32).astype(np.float64)
    group = np.full(400, "", dtype=object)
    response = fit_response(rows[:, :3], rows[:, 3:])
    model = fit_normal(
        response.deviations(rows[:, :3], rows[:, 3:]), group, weight=weight, lags=lags, rate=0.05, drift=drift
    )
    later = size * parts(60, seed + 1, warmer=15.0)
    later[np.random.default_rng(seed).random(later.shape) < 0.1] = np.nan
    later = later.astype(np.float32).astype(np.float64)
    graph = normal_graph(model, response)
    outputs = ExportedModel(graph=graph, width=3, weight=weight, lags=lags, drift=drift).run(later, group)
    expected = normal_scores(model, response.deviations(later[:, :3], later[:, 3:]), group[:60])
    check_parity(expected, outputs["score"].ravel().astype(np.float64))
    usual = np.where(response.responds, response.centre + response.moved(later[:, 3:]), np.nan)
    assert np.allclose(outputs["usual"][lags:], usual[lags:], rtol=1e-5, equal_nan=True)
    assert not outputs["parts"][lags:, 3].any()


def test_warm_air_alone_raises_no_score_and_a_shift_at_given_conditions_does() -> None:
    given_conditions, ignored = learned(), {"conditions": "ignore"}
    limit = given_conditions.bundle.manifest.limit
    usual, warm = scores(given_conditions, parts(300, 4)), scores(given_conditions, parts(300, 5, warmer=4.0))
    assert ks_2samp(usual, warm).pvalue > 0.01
    assert np.mean(warm > limit) < 0.03
    assert np.mean(scores(given_conditions, parts(300, 6, warmer=4.0, fault=5.0)) > limit) > 0.9
    without = learned(ignored)
    usual, warm = scores(without, parts(300, 4), ignored), scores(without, parts(300, 5, warmer=4.0), ignored)
    assert ks_2samp(usual, warm).pvalue < 1e-6


def test_the_card_compares_with_what_is_usual_under_the_parts_conditions() -> None:
    result = learned()
    row = np.array([200.0 + 0.8 * 22.0 + 9.0, 60.0 + 0.3 * 22.0 + 0.01 * 22.0**2, 0.0, 22.0])
    (prediction,) = judged(result, row[None, :])
    first = prediction.contributions[0]
    assert prediction.state is JudgementState.ALARM
    assert (first.feature, first.conditional) == ("x0", True)
    assert first.usual == pytest.approx(217.6, abs=0.4)
    assert first.high - first.low == pytest.approx(3.92, abs=0.6)
    by_feature = {item.feature: item for item in prediction.contributions}
    assert not by_feature["x2"].conditional
    assert by_feature["e0"].share == 0.0


def test_without_the_condition_a_part_is_compared_with_what_is_usual_at_all() -> None:
    result = learned()
    row = np.array([200.0 + 0.8 * 22.0, 60.0 + 0.3 * 22.0 + 0.01 * 22.0**2, 0.0, np.nan])
    (prediction,) = judged(result, row[None, :])
    assert prediction.state is JudgementState.NORMAL
    fact = result.bundle.manifest.features[0]
    shown = next(item for item in prediction.contributions if item.feature == "x0")
    assert (shown.usual, shown.low, shown.high, shown.conditional) == (fact.usual, fact.low, fact.high, False)


def test_manifest_and_report_say_what_responds_to_what_and_by_how_much() -> None:
    result = learned()
    manifest = result.bundle.manifest
    assert (manifest.inputs, manifest.conditions) == ((0, 1, 2, 3), 1)
    assert {fact.feature for fact in manifest.responses} == {0, 1}
    first = next(fact for fact in manifest.responses if fact.feature == 0)
    assert first.effects[0].slope == pytest.approx(0.8, abs=0.05)
    assert 0.8 < first.explained < 0.95
    words = "\n".join(result.report.lines())
    assert "judged given their conditions" in words
    assert "x0: +0.79" in words
    assert "per degC of e0; explains 8" in words


@pytest.mark.parametrize("wish", [{}, {"conditions": "ignore"}])
def test_where_nothing_responds_the_model_is_the_one_without_conditions(wish: dict[str, Any]) -> None:
    plan = modelling_plan(3, 1, model={"family": "normal", **wish})
    features = parts(400, 0) if wish else np.random.default_rng(0).normal(size=(400, 4))
    bare = modelling_plan(3, 0, model={"family": "normal"})
    given_conditions = fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=part_table(plan, features)))
    without = fit(FitRequest(plan=bare, characteristic=CHARACTERISTIC, table=part_table(bare, features[:, :3])))
    assert given_conditions.bundle.files["model.onnx"] == without.bundle.files["model.onnx"]
    assert given_conditions.bundle.manifest.limit == without.bundle.manifest.limit
    assert given_conditions.bundle.manifest.responses == ()


def test_a_response_that_fails_on_unseen_conditions_is_left_out_and_the_report_says_so() -> None:
    features = parts(900, 0)
    air = features[:, 3] - 18.0
    features[:, 0] = 200.0 + 6.0 * np.tanh(2.0 * air) * np.cos(1.2 * air) + 0.1 * features[:, 2]
    plan = modelling_plan(3, 1, model={"family": "normal"})
    result = fit(
        FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=part_table(plan, features[:, [0, 2, 2, 3]]))
    )
    assert result.bundle.manifest.responses == ()
    assert "of simulated faults are found" in learned().report.conditions
    assert "conditions are considered" in learned().report.conditions


def test_deviations_from_a_response_that_had_not_seen_them_are_no_narrower() -> None:
    features = parts(900, 0)
    response = fit_response(features[:, :3], features[:, 3:])
    unseen = unseen_deviations(response, features[:, :3], features[:, 3:])
    assert np.all(unseen.std(axis=0) > 0.98 * response.deviations(features[:, :3], features[:, 3:]).std(axis=0))
    assert np.all(unseen.std(axis=0)[:2] < 0.5 * features[:, :2].std(axis=0))
