"""Learning leaves whole regimes out and says by name where its model is worst."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lineside.domain.plan.model import Plan
from lineside.learn.fit import FitRequest, FitResult, fit
from lineside.testing.modelling import CHARACTERISTIC, STATION, modelling_plan, part_table


def lots_plan(family: str) -> Plan:
    content = modelling_plan(2, 0, model={"family": family}).model_dump(mode="json")
    lot = {"id": "lot", "name": "Lot", "station": STATION, "source": "rows", "role": "context", "type": "text"}
    return Plan.model_validate({**content, "signals": [*content["signals"], lot]})


def fitted(family: str, *, wanted: bool = True) -> FitResult:
    """Learn from four lots, of which the last has another level; every tenth part is plainly bad."""
    rng = np.random.default_rng(0)
    plan, lot = lots_plan(family), np.repeat(np.arange(4), 200)
    rows = rng.normal(size=(800, 2))
    rows[lot == 3, 0] += 6.0
    bad = np.arange(800) % 10 == 0
    rows[bad, 1] += 8.0
    table = part_table(plan, rows, ["nonconforming" if item else "conforming" for item in bad])
    table = replace(table, context=tuple({"lot": f"L{item}"} for item in lot.tolist()))
    return fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=table, unseen=wanted))


def test_the_report_names_the_regime_where_a_model_of_normal_alarms_most() -> None:
    result = fitted("normal")
    assert result.report.metrics["worst_regime_false_alarm_rate"] > 0.9
    line = next(text for text in result.report.lines() if "false alarms: worst" in text)
    assert line.startswith("  regimes ")
    assert "at Lot L3 (200 parts), mean of 4" in line
    assert result.bundle.manifest.training.regimes == result.report.regimes


def test_trees_that_look_at_the_defect_alone_are_as_good_in_every_regime() -> None:
    metrics = fitted("supervised").report.metrics
    assert metrics["worst_regime_auc"] > 0.95
    assert metrics["worst_regime_recall"] > 0.8


def test_regimes_are_left_out_only_where_that_is_asked_for() -> None:
    result = fitted("normal", wanted=False)
    assert result.report.regimes == ()
    assert not any(name.startswith("worst_regime") for name in result.report.metrics)
