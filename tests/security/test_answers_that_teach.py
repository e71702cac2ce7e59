"""Whoever can answer alerts cannot teach the model: what one person says changes no byte of what is learned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lineside.adapters.delta_history import DeltaHistory
from lineside.adapters.plan_yaml import load_plan
from lineside.cli.train import history_loader
from lineside.domain.alerts import AlertEvent, AlertKind, Verdict, fold
from lineside.domain.answers import outcome_from
from lineside.domain.features.recipe import recipe_for
from lineside.domain.outcomes import Outcome
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import Plan
from lineside.flows.train import TrainRequest, train
from lineside.ports import LandedRecord
from lineside.testing.plans import PRESS_PLAN
from lineside.testing.records import a_record
from lineside.wire.bundle import MODEL_FILE, Bundle
from lineside.wire.codecs import encode_items
from lineside.wire.records import RecordKind

PARTS = 300


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    (tmp_path / "plan.yaml").write_text(PRESS_PLAN, encoding="utf-8")
    return load_plan(tmp_path / "plan.yaml")


def _parts(plan: Plan) -> list[PartRecord]:
    digest, random = recipe_for(plan, "press").digest, np.random.default_rng(0)
    return [
        PartRecord(
            cycle_id=f"c{i}", unit=f"S{i}", station="press", started=i * 10**9, ended=(i + 1) * 10**9,
            received=(i + 1) * 10**9, recipe=digest, features=random.normal(size=2),
        )
        for i in range(PARTS)
    ]  # fmt: skip


def _answers(verdict: Verdict, *, second: str = "") -> list[AlertEvent]:
    """Return alerts of every other part that one person closed, and where named a second one agreed with."""
    found = []
    for number in range(0, PARTS, 2):
        raised = AlertEvent(
            id=f"a{number}#1", alert_id=f"a{number}", kind=AlertKind.RAISED, time=number * 10**9, station="press",
            characteristic="porosity", cause="c", writer="gw", unit=f"S{number}",
        )  # fmt: skip
        closed = replace(
            raised, id=f"a{number}#2", kind=AlertKind.CLOSED, verdict=verdict, by="operator P1", time=10**12
        )
        found += [raised, closed]
        if second:
            found.append(replace(closed, id=f"a{number}#3", kind=AlertKind.AGREED, by=second))
    return found


def _learned(plan: Plan, history: Path) -> tuple[str, Bundle]:
    load = history_loader(plan, history)
    (made,) = train(TrainRequest(plan=plan, now=1, unseen=False, activate=False), load, None)
    return made.bundle.manifest.training.data_version, made.bundle


async def _keep(
    history: DeltaHistory, position: int, kind: RecordKind, items: list[AlertEvent] | list[Outcome]
) -> None:
    await history.append([LandedRecord(position=position, record=a_record(position, encode_items(items), kind=kind))])


@pytest.mark.parametrize("verdict", [Verdict.CONFIRMED, Verdict.NO_DEFECT])
async def test_what_one_person_says_of_any_number_of_alerts_leaves_the_model_as_it_was(
    tmp_path: Path, plan: Plan, verdict: Verdict
) -> None:
    folder = tmp_path / "history"
    history = await DeltaHistory.open(folder)
    await history.append(
        [LandedRecord(position=1, record=a_record(1, encode_items(_parts(plan)), kind=RecordKind.PARTS))]
    )
    before, bundle = _learned(plan, folder)
    alone = [*_answers(verdict), *_answers(verdict, second="operator P1")]  # agreeing with oneself is nothing
    await _keep(history, 2, RecordKind.ALERTS, alone)
    assert [outcome_from(alert, plan.characteristic("porosity"), 1) for alert in fold(alone).values()] == [None] * 150
    after, again = _learned(plan, folder)
    assert after == before
    assert again.files[MODEL_FILE] == bundle.files[MODEL_FILE]
    assert again.manifest.limit == bundle.manifest.limit


async def test_what_a_second_person_agrees_with_is_learned_from(tmp_path: Path, plan: Plan) -> None:
    folder = tmp_path / "history"
    history = await DeltaHistory.open(folder)
    await history.append(
        [LandedRecord(position=1, record=a_record(1, encode_items(_parts(plan)), kind=RecordKind.PARTS))]
    )
    before, _ = _learned(plan, folder)
    agreed = fold(_answers(Verdict.CONFIRMED, second="operator P2")).values()
    outcomes = [outcome_from(alert, plan.characteristic("porosity"), 1) for alert in agreed]
    await _keep(history, 2, RecordKind.OUTCOMES, [item for item in outcomes if item is not None])
    after, bundle = _learned(plan, folder)
    assert after != before
    assert bundle.manifest.training.nonconforming == 150
