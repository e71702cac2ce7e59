"""What a model judged, joined with what several sources say of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.delta_history import DeltaHistory
from lineside.adapters.history_query import HistoryQuery
from lineside.apps import performing
from lineside.apps.layout import Layout
from lineside.apps.performing import PerformanceLook, expected_values, judged_parts
from lineside.apps.releasing import put_in_service
from lineside.domain.outcomes import Outcome
from lineside.domain.performance.measured import measure
from lineside.domain.predictions import JudgementState, Prediction
from lineside.domain.readiness import HeldOut
from lineside.domain.units import DAY
from lineside.ports import LandedRecord
from lineside.testing.modelling import CHARACTERISTIC, fitted, modelling_plan
from lineside.testing.records import BORN, a_record
from lineside.wire.codecs import encode_items
from lineside.wire.records import RecordKind

POROSITY = modelling_plan(2).characteristic(CHARACTERISTIC)


def prediction(number: int) -> Prediction:
    return Prediction(
        cycle_id=f"c{number}", unit=f"U{number}", station=POROSITY.station, characteristic=CHARACTERISTIC, model="m/1",
        plan="p", started=BORN, ended=BORN, received=BORN, judged=BORN + number, state=JudgementState.ALARM, score=3.5,
        limit=2.0,
    )  # fmt: skip


def found(number: int, value: str, source: str, revision: int = 1) -> Outcome:
    return Outcome(
        unit=f"U{number}", characteristic=CHARACTERISTIC, value=value, found=BORN + 1, source=source,
        revision=revision, recorded=BORN + 1,
    )  # fmt: skip


async def test_the_source_that_comes_first_holds_and_contradictions_are_counted(tmp_path: Path) -> None:
    outcomes = [
        found(1, "conforming", "xray"),
        found(1, "nonconforming", "end of line", 2),
        found(2, "nonconforming", "xray"),
        found(2, "nonconforming", "end of line"),
    ]
    bodies = [
        (RecordKind.PREDICTIONS, encode_items([prediction(1), prediction(2), prediction(3)])),
        (RecordKind.OUTCOMES, encode_items(outcomes)),
    ]
    history = await DeltaHistory.open(tmp_path, {})
    await history.append(
        [LandedRecord(position=n, record=a_record(n, body, kind=kind)) for n, (kind, body) in enumerate(bodies, 1)]
    )

    def bad(precedence: tuple[str, ...]) -> list[bool]:
        query = HistoryQuery(tmp_path, {CHARACTERISTIC: precedence})
        parts = judged_parts(query, POROSITY, "m/1", 0, BORN + 9)
        assert measure(parts).contradicted == 1
        assert np.array_equal(parts.known, [True, True, False])
        return [bool(item) for item in parts.bad]

    assert bad(()) == [True, True, False]
    assert bad(("xray", "end of line")) == [False, True, False]


async def test_months_after_a_change_its_moment_is_still_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = modelling_plan(3, model={"family": "supervised"})
    bundle = put_in_service(Layout(tmp_path), plan, fitted(plan, 1))
    monkeypatch.setattr(
        performing, "held_out_of", lambda _: HeldOut(scheme="by time", bad=100, found=95, good=900, false=1)
    )
    judged = [
        replace(
            prediction(number), model=bundle.name, judged=BORN + number * DAY // 2,
            state=JudgementState.ALARM if number < 80 else JudgementState.NORMAL,
        )
        for number in range(200)
    ]  # fmt: skip
    bad = [found(number, "nonconforming", "xray") for number in range(200)]
    history = await DeltaHistory.open(Layout(tmp_path).history)
    bodies = {RecordKind.PREDICTIONS: encode_items(judged), RecordKind.OUTCOMES: encode_items(bad)}
    await history.append(
        [
            LandedRecord(position=n, record=a_record(n, body, kind=kind))
            for n, (kind, body) in enumerate(bodies.items(), 1)
        ]
    )
    look = PerformanceLook(plan, BundleFolder(Layout(tmp_path).bundles), Layout(tmp_path).history)
    (report,) = look(BORN + 100 * DAY)
    assert "performance loss" in [item.what for item in report.damage]
    assert (report.since.worse, report.since.worse_bad) == (BORN + 40 * DAY, 120)


async def test_what_a_model_of_a_variable_expects_is_held_against_what_was_measured_since(tmp_path: Path) -> None:
    expected = [
        replace(prediction(number), predicted="10.0", low=9.0, high=11.0, bias=bias, measured=number)
        for number, bias in ((1, None), (2, None), (3, 0.5), (4, 0.5))
    ]
    outcomes = [found(1, "10.0", "cmm"), found(2, "12.0", "cmm"), found(3, "10.5", "cmm"), found(4, "off", "cmm")]
    bodies = [(RecordKind.PREDICTIONS, encode_items(expected)), (RecordKind.OUTCOMES, encode_items(outcomes))]
    history = await DeltaHistory.open(tmp_path, {})
    await history.append(
        [LandedRecord(position=n, record=a_record(n, body, kind=kind)) for n, (kind, body) in enumerate(bodies, 1)]
    )
    values = expected_values(HistoryQuery(tmp_path), "m/1", 0, BORN + 100)
    assert values is not None
    assert values.rmse == pytest.approx(np.sqrt((0.0 + 4.0 + 0.25) / 3))
    assert values.alone == pytest.approx(np.sqrt((0.0 + 4.0 + 1.0) / 3))
    assert values.off == pytest.approx(2.5 / 3)
    assert (values.held.hits, values.held.of) == (2, 3)
    assert expected_values(HistoryQuery(tmp_path), "m/2", 0, BORN + 100) is None
