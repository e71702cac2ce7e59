"""A backtest from units to figures, with the learning and the judge of production."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backtest_plans import make_plan, make_table
from lineside.adapters.onnx_judge import OnnxJudge
from lineside.domain.backtests.report import overview
from lineside.domain.backtests.result import json_object
from lineside.domain.backtests.units import Units, units_from_tables
from lineside.domain.errors import DataError
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import Plan
from lineside.domain.predictions import JudgementState, Prediction
from lineside.domain.splits import Amount, GivenSplit, Protocol
from lineside.flows.backtest import BacktestRequest, cut, find_duplicates, run_backtest
from lineside.ports import Judge, Judgement
from lineside.wire.bundle import Bundle

PLAN = make_plan(time_column="time", characteristic={"model": {"family": "normal"}})


def open_judge(plan: Plan, bundle: Bundle) -> Judge:
    return OnnxJudge(plan, "press", (bundle,)).open()


def make_units(plan: Plan = PLAN, groups: int = 1, *, timed: bool = True) -> Units:
    """Return 200 parts a group; the last ten are bad and plainly so."""
    tables = []
    for number in range(groups):
        rng = np.random.default_rng(number)
        force = rng.normal(100.0, 1.0, 200)
        force[190:] += 30.0
        label = ["0"] * 190 + ["1"] * 10
        times = [1000 * number + i for i in range(200)] if timed else None
        tables.append((f"g{number}", make_table(force.tolist(), list(label), times=times)))
    return units_from_tables(plan, plan.characteristics[0], tables)


def make_request(protocol: Protocol = Protocol.FIT_THEN_RUN, plan: Plan = PLAN, **changes: Any) -> BacktestRequest:
    split = GivenSplit(train=Amount(rows=120))
    request = BacktestRequest(plan=plan, characteristic="defect", protocol=protocol, split=split)
    return replace(request, **changes)


def test_a_plain_defect_is_found_by_a_model_that_has_never_seen_one() -> None:
    said: list[str] = []
    result = run_backtest(make_request(), make_units(), open_judge, said.append)
    assert len(result.judged) == 80
    assert result.metrics["recall"] == 1.0
    assert result.metrics["false_alarm_rate"] < 0.1
    assert result.metrics["events_found"] == 1
    assert result.metrics["alerts"] >= 1
    assert result.trivial["never_alarm"]["recall"] == 0.0
    assert result.costs is not None
    assert result.costs.chosen.escapes == 0
    assert json_object(result)["costs"]["points"][0]["name"] == "limits in force"
    assert said == ["fold 1 of 1 (all): 120 to learn, 80 to judge"]


def test_the_same_seed_gives_the_same_scores() -> None:
    first, again = (run_backtest(make_request(), make_units(), open_judge) for _ in range(2))
    assert first.judged.score.tolist() == again.judged.score.tolist()


def test_copies_are_dropped_before_the_split_and_counted() -> None:
    units = make_units()
    doubled = units.take(np.concatenate([np.arange(200), np.arange(150, 170)]))
    result = run_backtest(make_request(), doubled, open_judge)
    assert result.duplicates == 20
    assert len(result.judged) == 80
    kept = run_backtest(make_request(keep_duplicates=True), doubled, open_judge)
    assert (kept.duplicates, len(kept.judged)) == (20, 100)


def test_windows_of_a_continuous_process_may_repeat_a_value() -> None:
    plan = make_plan(
        {"by": "window", "length": "1 s"},
        time_column="time",
        signals=[],
    )
    table = make_table([5.0] * 10, ["0"] * 10, times=list(range(10)))
    table = replace(table, columns={**table.columns, "Heat 1": np.zeros(10)})
    units = units_from_tables(plan, plan.characteristics[0], [("a", table)])
    assert len(find_duplicates(units)) == 0
    assert find_duplicates(units.take(np.array([0, 0, 1]))).tolist() == [1]


def test_each_group_can_be_learned_and_judged_by_itself() -> None:
    split = GivenSplit(train=Amount(rows=120), per_group=True)
    result = run_backtest(make_request(split=split), make_units(groups=3), open_judge)
    assert result.groups == ("g0", "g1", "g2")
    assert [name for name, _ in result.fits] == ["g0", "g1", "g2"]
    assert len(result.judged) == 240


def test_the_limit_comes_from_the_calibration_segment_when_there_is_one() -> None:
    split = GivenSplit(train=Amount(rows=100), calibrate=Amount(rows=50))
    result = run_backtest(make_request(split=split), make_units(), open_judge)
    assert any("calibration segment" in line for line in result.fits[0][1])


def test_walking_forward_judges_later_blocks_across_groups() -> None:
    request = make_request(Protocol.WALK_FORWARD, start=Amount(rows=100), folds=2)
    result = run_backtest(request, make_units(groups=2), open_judge)
    assert len(result.judged) == 300
    assert len(result.fits) == 2


def test_a_group_left_out_is_judged_by_a_model_of_the_others() -> None:
    result = run_backtest(make_request(Protocol.LEAVE_ONE_GROUP_OUT), make_units(groups=2), open_judge)
    assert [name for name, _ in result.fits] == ["g0", "g1"]
    assert len(result.judged) == 400


def test_stratified_folds_are_refused_for_data_with_time_and_name_what_is_left() -> None:
    with pytest.raises(DataError, match=r"only for data without time.*valid: fit-then-run, walk-forward"):
        run_backtest(make_request(Protocol.REPEATED_STRATIFIED_KFOLD), make_units(), open_judge)


def test_walking_forward_is_refused_for_data_without_time() -> None:
    plan = make_plan()
    with pytest.raises(DataError, match="needs data with time"):
        cut(make_request(Protocol.WALK_FORWARD, plan), make_units(plan, timed=False))


def test_stratified_folds_judge_every_part_once_per_repeat() -> None:
    plan = make_plan(characteristic={"model": {"family": "normal"}})
    request = make_request(Protocol.REPEATED_STRATIFIED_KFOLD, plan, folds=2, repeats=2)
    result = run_backtest(request, make_units(plan, timed=False), open_judge)
    assert len(result.judged) == 400
    assert result.judged.time is None
    assert len(set(result.groups)) == 4


class Listener:
    """A judge that remembers what it was shown."""

    def __init__(self) -> None:
        self.seen: list[PartRecord] = []

    def judge(self, part: PartRecord, now: int) -> Judgement:
        self.seen.append(part)
        answer = Prediction(
            cycle_id=part.cycle_id, unit=part.unit, station=part.station, characteristic="defect", model="m", plan="p",
            started=part.started, ended=part.ended, received=part.received, judged=now,
            state=JudgementState.NORMAL, score=0.0, limit=1.0,
        )  # fmt: skip
        return Judgement(part=part, predictions=(answer,))


def test_every_group_meets_a_judge_without_memory_and_in_time_order() -> None:
    judges: list[Listener] = []

    def open_listener(plan: Plan, bundle: Bundle) -> Judge:
        del plan, bundle
        judges.append(Listener())
        return judges[-1]

    split = GivenSplit(train_groups=("g0",))
    run_backtest(make_request(split=split), make_units(groups=3), open_listener)
    assert [len(judge.seen) for judge in judges] == [200, 200]
    for judge in judges:
        started = [part.started for part in judge.seen]
        assert started == sorted(started)
    assert len({judge.seen[0].cycle_id[:8] for judge in judges}) == 2


def test_rows_before_the_judged_ones_fill_the_memory_and_are_not_counted() -> None:
    judges: list[Listener] = []

    def open_listener(plan: Plan, bundle: Bundle) -> Judge:
        del plan, bundle
        judges.append(Listener())
        return judges[-1]

    split = GivenSplit(train=Amount(rows=100), calibrate=Amount(rows=50))
    result = run_backtest(make_request(split=split), make_units(), open_listener)
    assert len(judges[0].seen) == 200
    assert len(result.judged) == 50
    assert judges[0].seen[149].started < judges[0].seen[150].started


def test_hidden_outcomes_change_what_is_learned_from() -> None:
    units = make_units()
    outcome = ("nonconforming",) * 60 + units.outcome[60:]
    labelled = Units(**{name: getattr(units, name) for name in Units.__slots__ if name != "outcome"}, outcome=outcome)
    seen = run_backtest(make_request(), labelled, open_judge)
    hidden = run_backtest(make_request(labelled=False), labelled, open_judge)
    assert any("60 nonconforming" in line for line in seen.fits[0][1])
    assert any("(0 with known outcome" in line for line in hidden.fits[0][1])


def test_a_regime_that_was_never_shown_is_reported_by_name_as_the_worst() -> None:
    rng = np.random.default_rng(3)
    hall = {"id": "hall", "station": "press", "unit": "degC", "source": "files", "role": "environment"}
    lot = {"id": "lot", "station": "press", "source": "files", "role": "context", "type": "text"}
    plan = make_plan(time_column="time", signals=[hall, lot], characteristic={"model": {"family": "normal"}})
    force = rng.normal(100.0, 1.0, 400)
    force[300:] += 8.0
    more: dict[str, Any] = {
        "hall": rng.normal(20.0, 1.0, 400),
        "lot": np.array(["A"] * 150 + ["B"] * 150 + ["C"] * 100, dtype=object),
    }
    table = make_table(force.tolist(), ["0"] * 400, times=list(range(400)), **more)
    units = units_from_tables(plan, plan.characteristics[0], [("a", table)])
    result = run_backtest(make_request(Protocol.LEAVE_ONE_REGIME_OUT, plan, regimes=("lot:lot",)), units, open_judge)
    assert result.regimes is not None
    [worst] = [item for item in result.regimes.worst if item.figure == "false_alarm_rate"]
    assert (worst.regime, worst.units, worst.of) == ("lot C", 100, 3)
    assert worst.value > 0.9 > worst.mean
    assert "lot C" in overview(result, "press")
    assert json_object(result)["regimes"]["worst"][0]["regime"] == "lot C"


def test_walking_forward_a_measured_value_is_corrected_by_measurements_that_come_late() -> None:
    plan = make_plan(
        time_column="time",
        signals=[{"id": "tool", "station": "press", "source": "files", "role": "context", "type": "text"}],
        characteristic={
            "kind": "variable",
            "specification": {"usl": 120.0},
            "model": {"family": "regression", "setup": ["tool"]},
            "outcome": {"column": "label", "delay": "20 s"},
        },
    )
    rng = np.random.default_rng(5)
    force = rng.normal(100.0, 1.0, 400)
    bias = np.where(np.arange(400) >= 200, 4.0, 0.0)
    length = force + bias + rng.normal(0.0, 0.2, 400)
    tool = np.array(["T1"] * 200 + ["T2"] * 200, dtype=np.object_)
    table = make_table(force.tolist(), [repr(float(item)) for item in length], times=list(range(400)), tool=tool)
    units = units_from_tables(plan, plan.characteristics[0], [("a", table)])
    result = run_backtest(make_request(Protocol.WALK_FORWARD, plan, folds=1), units, open_judge)
    assert result.corrected is not None
    assert result.corrected["rmse"] < result.metrics["rmse"] / 2
    assert result.corrected["rmse"] < result.trivial["last_measured"]["rmse"]
    assert {"last_measured", "regime_mean", "measured_ewma"} <= set(result.trivial)
    assert json_object(result)["corrected"]["rmse"] == result.corrected["rmse"]
    assert "| corrected |" in overview(result, "lengths")
