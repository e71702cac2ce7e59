"""Parts made before a change of the process teach what conditions do, and nothing of what is good."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lineside.adapters.onnx_judge import OnnxJudge
from lineside.domain.parts import PartTable
from lineside.domain.predictions import JudgementState
from lineside.domain.readings import Float64
from lineside.domain.units import SECOND
from lineside.learn.fit import FitRequest, FitResult, fit
from lineside.testing.modelling import CHARACTERISTIC, STATION, modelling_plan, part_record, part_table

MODEL = {"family": "supervised", "false_alarm_rate": 0.01}


def parts(air: Float64, seed: int) -> tuple[Float64, Float64]:
    """Return two features, of which the first moves with the hall, and the hall; and what each has of its own."""
    own = np.random.default_rng(seed).normal(size=(len(air), 2))
    return np.column_stack([50.0 + 1.5 * air + own[:, 0], own[:, 1], air]), own


def made(air: Float64, seed: int, *, changed: bool, first: int = 0, heat: float = 0.0) -> PartTable:
    """Return parts that are bad where the second feature is high or, since the change, the first for its conditions.

    ``heat`` moves the first feature of parts in a warm hall beyond what the hall does.
    """
    rows, own = parts(air, seed)
    bad = own[:, 0] > 1.8 if changed else own[:, 1] > 1.8
    rows[air > 26.0, 0] += heat
    plan = modelling_plan(2, 1, model=MODEL)
    outcome = ["nonconforming" if item else "conforming" for item in bad]
    return part_table(plan, rows, outcome, first=first)


def year(rows: int) -> Float64:
    return np.linspace(8.0, 32.0, rows) + np.random.default_rng(0).normal(size=rows)


def winter(rows: int) -> Float64:
    return np.random.default_rng(1).uniform(8.0, 16.0, rows)


def learned(older: PartTable | None, model: dict[str, Any] | None = None) -> FitResult:
    plan = modelling_plan(2, 1, model=model or MODEL)
    since = made(winter(4_000), 3, changed=True, first=5_000)
    now = 10_000 * SECOND
    return fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=since, older=older, since=1, now=now))


def in_summer(result: FitResult) -> tuple[list[JudgementState], np.ndarray[Any, Any]]:
    """Return how parts of a hall between 27 and 31 degC are judged, and which of them are bad since the change."""
    rows, own = parts(np.random.default_rng(7).uniform(27.0, 31.0, 400), 8)
    plan = modelling_plan(2, 1, model=MODEL)
    judge = OnnxJudge(plan, STATION, [result.bundle]).open()
    states = [judge.judge(part_record(plan, row, i), i).predictions[0].state for i, row in enumerate(rows)]
    return states, own[:, 0] > 1.8


def test_a_model_of_one_winter_does_not_know_the_summer() -> None:
    result = learned(None)
    assert result.report.older == ""
    assert set(in_summer(result)[0]) == {JudgementState.OUTSIDE_EXPERIENCE}


def test_what_older_parts_saw_of_the_weather_is_kept_when_their_outcomes_are_not() -> None:
    result = learned(made(year(3_000), 2, changed=False))
    states, bad = in_summer(result)
    alarm = np.array([item is JudgementState.ALARM for item in states])
    assert JudgementState.OUTSIDE_EXPERIENCE not in states
    assert alarm[bad].mean() > 0.6
    assert alarm[~bad].mean() < 0.05
    assert "taken as known" in result.report.older
    assert any(line.startswith("  made before  ") for line in result.report.lines())
    assert result.bundle.manifest.training.older == result.report.older
    assert result.bundle.manifest.training.rows == 4_000


def test_conditions_of_older_parts_stay_unknown_where_the_model_alarms_on_them() -> None:
    result = learned(made(year(3_000), 2, changed=False, heat=40.0))
    assert "not taken as known" in result.report.older
    assert set(in_summer(result)[0]) == {JudgementState.OUTSIDE_EXPERIENCE}


def test_older_parts_that_saw_nothing_else_add_no_experience() -> None:
    result = learned(made(winter(900), 2, changed=False))
    assert "theirs are none" in result.report.older


@pytest.mark.parametrize("model", [{"family": "normal", "memory": 0.3}, {"family": "normal", "setup": ["mould"]}])
def test_a_model_that_cannot_use_older_parts_learns_from_those_since_alone(model: dict[str, Any]) -> None:
    contexts = ["mould"] if "setup" in model else []
    plan = modelling_plan(2, 1, model=model, contexts=contexts)
    older, since = (made(winter(600), seed, changed=False) for seed in (2, 3))
    result = fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=since, older=older, since=1))
    assert result.report.older == ""
    assert result.report.rows <= 600
