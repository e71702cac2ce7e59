"""The year's harness: what is counted is what it says, and a small year gives every figure."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.adapters.plan_yaml import load_plan
from lineside.apps.demo.physics.faults import FaultKind
from lineside.apps.demo.year.calendar import Season, season_days
from lineside.apps.demo.year.production import YearCell
from lineside.domain.alerting import AlertEngine
from lineside.domain.alerts import AlertKind
from lineside.domain.predictions import JudgementState, Prediction
from lineside.domain.units import MINUTE

ROOT = Path(__file__).resolve().parents[2]
PLAN = load_plan(ROOT / "src" / "lineside" / "apps" / "demo" / "plan.yaml")


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module


def marks(text: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.array([char == "x" for char in text], dtype=np.bool_)


def make_stream(scripts: Any, bad: str, fault: str = "") -> Any:
    count = len(bad)
    nothing = np.zeros(count)
    severity = {kind: nothing.copy() for kind in FaultKind}
    severity[FaultKind.VACUUM_LEAK] = marks(fault or "." * count).astype(np.float64)
    is_bad = {"porosity": marks(bad), "cold_shut": marks("." * count), "short_shot": marks("." * count)}
    return scripts("seasons.stream").Stream(
        parts=tuple(SimpleNamespace(received=MINUTE * number) for number in range(count)),
        season=np.full(count, "summer", dtype=object),
        day=np.zeros(count, dtype=np.int64),
        shift=np.repeat([0, 1], [count // 2, count - count // 2]),
        bad=is_bad,
        risk={name: np.where(found, 0.5, 0.0) for name, found in is_bad.items()},
        fault=severity,
    )


def make_columns(scripts: Any, margin: list[float]) -> Any:
    judged = scripts("seasons.judged")
    scores = np.array(margin)
    quiet = np.full(len(margin), -1.0)
    day = np.zeros(len(margin), dtype=np.int64)
    everything = np.ones(len(margin), dtype=np.bool_)

    def said(values: Any) -> Any:
        state = np.where(values > 0, "alarm", "normal").astype(object)
        return judged.Judged(margin=values, state=state, alerts=judged.folded(values > 0, everything, day))

    return {"porosity": said(scores), "cold_shut": said(quiet), "short_shot": said(quiet)}


def test_an_alert_is_false_unless_a_bad_part_or_a_fault_is_behind_it(scripts: Any) -> None:
    figures = scripts("seasons.figures")
    stream = make_stream(scripts, ".x............", "......xx......")
    columns = make_columns(scripts, [1, 1, -1, -1, -1, -1, 1, -1, -1, -1, -1, 1, -1, -1])
    found = figures.figures(PLAN, stream, columns, "summer")
    assert (found["alerts"], found["false_alarms"], found["recall"]) == (3, 1, 1.0)
    assert found["false_alarms_per_shift"] == 0.5
    assert found["false_by_outcome_per_shift"] == 1.0
    assert found["predictive_value"] == pytest.approx(2 / 3)


def test_an_alert_that_always_stands_is_not_right_by_waiting(scripts: Any) -> None:
    figures = scripts("seasons.figures")
    stream = make_stream(scripts, "." * 40 + "x" + "." * 9)
    assert figures.figures(PLAN, stream, make_columns(scripts, [1.0] * 50), "summer")["false_alarms"] == 1


def test_moved_limits_give_both_the_same_recall(scripts: Any) -> None:
    figures = scripts("seasons.figures")
    stream = make_stream(scripts, "x....x....x....x....")
    sharp = make_columns(scripts, [9, 0, 0, 0, 0, 8, 0, 0, 0, 0, 7, 0, 0, 0, 0, 6, 0, 0, 0, 0])
    blunt = make_columns(scripts, [9, 0, 0, 0, 0, 8, 0, 0, 0, 0, 7, 0, 0, 0, 0, 6, 0, 0, 0, 7.5])
    found = figures.equal_recall(stream, sharp, blunt, "summer")["foreseeable_0.7"]
    assert (found["ours"], found["theirs"]) == (0.0, 0.5)


def test_a_recall_that_no_limit_reaches_is_said_to_be_out_of_reach(scripts: Any) -> None:
    figures, judged = scripts("seasons.figures"), scripts("seasons.judged")
    stream = make_stream(scripts, "x..x")
    state = np.array(["alarm", "normal", "normal", "outside_experience"], dtype=object)
    said = judged.Judged(margin=np.array([1.0, -1, -1, 5]), state=state, alerts=())
    assert figures.at_recall(said, stream, "porosity", "summer", 1.0, stream.bad["porosity"]) is None


@given(st.lists(st.booleans(), min_size=1, max_size=60))
@settings(max_examples=60, deadline=None)
def test_moved_limits_fold_as_the_alert_engine_does(alarms: list[bool]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        judged = importlib.import_module("seasons.judged")
    engine, raised = AlertEngine(PLAN, "cast", "year"), []
    for row, alarm in enumerate(alarms):
        item = Prediction(
            cycle_id=str(row),
            unit=str(row),
            station="cast",
            characteristic="porosity",
            model="",
            plan="",
            started=row,
            ended=row,
            received=row,
            judged=row,
            state=JudgementState.ALARM if alarm else JudgementState.NORMAL,
            score=0.0,
            limit=0.0,
        )
        raised += [row for event in engine.observe(item, row) if event.kind is AlertKind.RAISED]
    found = judged.folded(np.array(alarms), np.ones(len(alarms), dtype=np.bool_), np.zeros(len(alarms), dtype=np.int64))
    assert [item.first for item in found] == raised


def test_a_plant_knows_nothing_of_the_latest_parts_when_it_learns(scripts: Any) -> None:
    plan, stream = scripts("year").the_plan(), scripts("seasons.stream")
    first = replace(season_days(1001, Season.SPRING)[0], shifts=1)
    lesson = stream.lesson_of(plan, list(YearCell(plan=plan, seed=1001).days((first,))))
    outcomes = lesson.outcome["porosity"]
    assert set(outcomes[-40:]) == {""}
    assert "" not in outcomes[:-60]
    assert len(lesson.table("porosity")) == len(lesson.parts) > 500


@pytest.mark.drill
def test_a_small_year_gives_every_figure_twice_the_same(scripts: Any, tmp_path: Path) -> None:
    year = scripts("year")
    for name in ("first", "again"):
        year.run(tmp_path / name, [1001], 1, lambda _: None)
    first, again = (json.loads((tmp_path / name / "year.json").read_text()) for name in ("first", "again"))
    assert {"lineside", "plain_boosting", "never", "always", "dice"} <= set(first["summary"])
    assert all(goal["verdict"] in {"reached", "not reached", "not to be said"} for goal in first["goals"])
    for content in (first, again):
        for seed in content["seeds"]:
            del seed["seconds"], seed["cpu_seconds"]
    assert first["seeds"] == again["seeds"]
    assert "## Summer" in (tmp_path / "first" / "year.md").read_text()
