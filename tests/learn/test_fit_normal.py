from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.domain.errors import DataError
from lineside.learn.export_normal import normal_graph
from lineside.learn.fit import FitRequest, fit
from lineside.learn.normal import charts, fit_normal, normal_scores, robust_scale
from lineside.learn.runtime import ExportedModel, check_parity
from lineside.testing.modelling import CHARACTERISTIC, modelling_plan, part_table


@settings(max_examples=20, deadline=None)
@given(
    st.integers(1, 6),
    st.sampled_from([1.0, 0.3]),
    st.integers(0, 2),
    st.integers(0, 2**31),
    st.sampled_from([1.0, 1e4]),
    st.sampled_from([0.0, 0.05]),
    st.sampled_from([0.0, 0.5]),
)
def test_the_graph_answers_as_the_model_does_missing_values_included(
    width: int, weight: float, lags: int, seed: int, offset: float, drift: float, allowance: float
) -> None:
    rng = np.random.default_rng(seed)
    rows = (offset + rng.normal(size=(80, width))).astype(np.float32).astype(np.float64)
    group = np.repeat(np.array(["a", "b"], dtype=object), 40)
    model = fit_normal(rows, group, weight=weight, lags=lags, rate=0.05, drift=drift, allowance=allowance)
    later = rows + 4.0 * rng.normal(size=rows.shape).astype(np.float32)
    later[rng.random(later.shape) < 0.1] = np.nan
    later = later.astype(np.float32).astype(np.float64)
    exported = ExportedModel(
        graph=normal_graph(model), width=width, weight=weight, lags=lags, drift=drift, allowance=allowance
    )
    outputs = exported.run(later, group)
    expected = normal_scores(model, later, group)
    check_parity(expected, outputs["score"].ravel().astype(np.float64))
    assert np.array_equal(np.isfinite(outputs["parts"]).all(axis=1), np.isfinite(outputs["score"].ravel()))


def test_a_relation_that_breaks_is_far_from_normal_though_each_value_is_usual() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(500, 6))
    rows[:, 1] = rows[:, 0] + 0.1 * rng.normal(size=500)
    group = np.full(500, "", dtype=object)
    model = fit_normal(rows, group, weight=1.0, lags=0, rate=0.01)
    broken = np.zeros((1, 6))
    broken[0, :2] = 1.0, -1.0
    assert normal_scores(model, broken, group[:1])[0] > 2.0


def test_outliers_among_the_rows_do_not_hide_others() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, 1))
    rows[:40] += 100.0
    centre, scale = robust_scale(rows)
    assert abs(centre[0]) < 0.3
    assert scale[0] < 12.0


def test_a_constant_signal_that_moves_is_noticed_and_does_not_explode() -> None:
    rows = np.column_stack([np.random.default_rng(0).normal(size=200), np.full(200, 32.0)])
    group = np.full(200, "", dtype=object)
    model = fit_normal(rows, group, weight=1.0, lags=0, rate=0.01)
    moved = normal_scores(model, np.array([[0.0, 33.0], [0.0, 40.0]]), group[:2])
    assert np.all(np.isfinite(moved))
    assert moved[1] > 1.0


def test_memory_and_lags_start_anew_in_each_group() -> None:
    rows = np.random.default_rng(0).normal(size=(120, 2))
    group = np.repeat(np.array(["a", "b"], dtype=object), 60)
    model = fit_normal(rows, group, weight=0.2, lags=2, rate=0.05)
    scores = normal_scores(model, rows, group)
    assert np.flatnonzero(np.isnan(scores)).tolist() == [0, 1, 60, 61]
    assert np.array_equal(scores[60:], normal_scores(model, rows[60:], group[60:]), equal_nan=True)


def test_every_chart_alone_would_keep_about_the_rate() -> None:
    rng = np.random.default_rng(0)
    rows, later = rng.normal(size=(2000, 8)), rng.normal(size=(4000, 8))
    model = fit_normal(rows, np.full(2000, "", dtype=object), weight=1.0, lags=0, rate=0.02)
    for chart in charts(model, (later - model.centre) / model.scale):
        assert np.mean(chart > 1.0) == pytest.approx(0.02, abs=0.012)


def test_the_false_alarm_rate_holds_on_later_exchangeable_parts() -> None:
    """Averaged over lines: a single limit may be above or below the rate, the promise is for the mean."""
    plan = modelling_plan(5, model={"false_alarm_rate": 0.05})
    rates = []
    for seed in range(12):
        features = np.random.default_rng(seed).normal(size=(1400, 5))
        manifest = fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=part_table(plan, features[:400])))
        scores = _scores(manifest.bundle.files["model.onnx"], features[400:])
        rates.append(np.mean(scores > manifest.bundle.manifest.limit))
    assert np.mean(rates) == pytest.approx(0.05, abs=3 * float(np.std(rates)) / np.sqrt(len(rates)) + 0.004)


def test_a_calibration_segment_sets_the_limit_and_is_not_learned_from() -> None:
    plan = modelling_plan(3)
    features = np.random.default_rng(0).normal(size=(300, 3))
    wide = 3.0 * np.random.default_rng(1).normal(size=(200, 3))
    request = FitRequest(
        plan=plan,
        characteristic=CHARACTERISTIC,
        table=part_table(plan, features),
        calibration=part_table(plan, wide, first=300),
    )
    result = fit(request)
    assert result.report.limit_rows == 200
    assert "calibration segment" in result.report.limit_from
    assert (
        result.report.limit
        > fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=request.table)).report.limit
    )


def test_duplicates_and_empty_parts_are_dropped_and_counted() -> None:
    plan = modelling_plan(3)
    features = np.random.default_rng(0).normal(size=(300, 3))
    features[10] = features[9]
    features[20, :2] = np.nan
    report = fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=part_table(plan, features))).report
    assert report.dropped == {"duplicate": 1, "lacks most inputs": 1}
    assert report.rows == 298
    assert "1 duplicate" in "\n".join(report.lines())


def test_too_few_rows_to_promise_the_rate_are_told() -> None:
    plan = modelling_plan(3)
    features = np.random.default_rng(0).normal(size=(60, 3))
    report = fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=part_table(plan, features))).report
    assert report.guaranteed_rate > report.nominal_rate
    assert "too few parts to promise" in "\n".join(report.lines())


def test_far_too_few_parts_are_refused_with_the_number_needed() -> None:
    plan = modelling_plan(3)
    with pytest.raises(DataError, match="collect"):
        fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=part_table(plan, np.zeros((25, 3)))))


def _scores(
    graph: bytes, rows: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    exported = ExportedModel(graph=graph, width=rows.shape[1])
    return exported.run(rows, np.full(len(rows), "", dtype=object))["score"].ravel()


def test_a_centre_that_follows_keeps_quiet_over_slow_drift_and_still_sees_a_jump() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(1600, 3))
    rows[400:] += np.linspace(0.0, 6.0, 1200)[:, None]
    rows[1500:, 0] += 12.0
    group = np.full(1600, "", dtype=object)
    fixed, following = (
        normal_scores(fit_normal(rows[:400], group[:400], weight=1.0, lags=0, rate=0.01, drift=drift), rows, group)
        for drift in (0.0, 0.02)
    )
    assert np.mean(fixed[1200:1500] > 2.0) > 0.9
    assert np.mean(following[1200:1500] > 2.0) < 0.05
    assert np.all(following[1500:1520] > 2.0)


def test_a_missing_value_neither_counts_nor_moves_the_centre() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 2))
    group = np.full(200, "", dtype=object)
    model = fit_normal(rows, group, weight=1.0, lags=0, rate=0.05, drift=0.1)
    without = rows[:3].copy()
    without[1] = np.nan
    scores = normal_scores(model, without, group[:3])
    assert scores[1] == 0.0
    assert scores[2] == normal_scores(model, rows[[0, 2]], group[:2])[1]


def test_the_margin_widens_the_limit_and_keeps_the_promise() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 3))
    limits = []
    for margin in (1.0, 2.0):
        plan = modelling_plan(3, model={"family": "normal", "margin": margin})
        report = fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=part_table(plan, rows))).report
        limits.append(report.limit)
    assert limits[1] == 2.0 * limits[0]
    assert "times the plan's margin of 2" in report.limit_from


@pytest.mark.parametrize(("parts", "family"), [(60, "normal"), (200, "robust")])
def test_a_robust_shape_that_too_few_parts_carry_is_learned_as_normal_and_the_report_says_why(
    parts: int, family: str
) -> None:
    plan = modelling_plan(signals=10, model={"family": "robust", "false_alarm_rate": 0.1})
    features = np.random.default_rng(1).normal(size=(parts, 10))
    result = fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=part_table(plan, features)))
    assert result.bundle.manifest.family == result.report.family == family
    assert ("the shrunk shape instead" in result.report.reason) == (family == "normal")


def test_a_fault_that_makes_other_defects_does_not_set_the_limit() -> None:
    plan = modelling_plan(3)
    features = np.random.default_rng(3).normal(size=(3000, 3))
    features[2600:2640] += 9.0
    other = np.zeros(3000, dtype=np.bool_)
    other[2600:2640:2] = True
    table = part_table(plan, features, ["conforming"] * 3000)
    request = FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=table)
    unaware = fit(request).report
    aware = fit(replace(request, table=replace(table, other_defects=tuple(other.tolist())))).report
    assert aware.limit < unaware.limit / 2
    assert "0 nonconforming, 20 in another characteristic; dropped: none" in aware.lines()[2]
    most = replace(table, other_defects=(True,) * 2000 + (False,) * 1000)
    assert "2000 in another characteristic, which is most of them and counts as usual" in "".join(
        fit(replace(request, table=most)).report.lines()
    )
