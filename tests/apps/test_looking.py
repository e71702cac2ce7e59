"""What the looks at models in service make of a real history: drift, sensors and performance."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.delta_history import DeltaHistory
from lineside.apps.drifting import DriftLook
from lineside.apps.layout import Layout
from lineside.apps.performing import PerformanceLook
from lineside.apps.releasing import put_in_service
from lineside.cli.drift import command as drift_command
from lineside.cli.performance import command as performance_command
from lineside.domain.outcomes import CONFORMING, NONCONFORMING, Outcome
from lineside.domain.predictions import Contribution, JudgementState, Prediction
from lineside.domain.units import DAY, HOUR, SECOND
from lineside.ports import LandedRecord
from lineside.testing.modelling import CHARACTERISTIC, STATION, fitted, modelling_plan, part_record
from lineside.testing.records import a_record
from lineside.wire.codecs import encode_items
from lineside.wire.records import RecordKind

PLAN = modelling_plan(4, 1, model={"family": "supervised"})
FIRST = 1_000
PARTS = 400
KNOWN = 300
END = (FIRST + PARTS + 1) * SECOND


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A plant whose model has judged 400 parts since it was learned: one signal has moved, one is stuck."""
    layout = Layout(tmp_path_factory.mktemp("plant"))
    name = put_in_service(layout, PLAN, fitted(PLAN)).name
    asyncio.run(_fill(layout, name))
    return layout


async def _fill(layout: Layout, model: str) -> None:
    features = np.random.default_rng(1).normal(size=(PARTS, 5))
    features[:, 1] += 1.5
    features[100:, 3] = features[100, 3]
    parts = [part_record(PLAN, row, FIRST + number) for number, row in enumerate(features)]
    bad = features[:, 2] > 1.0
    share = Contribution(feature="x1", signal="x1", value=0.0, usual=0.0, low=-2.0, high=2.0, unit="degC", share=1.0)
    judged = [
        Prediction(
            cycle_id=part.cycle_id, unit=part.unit, station=STATION, characteristic=CHARACTERISTIC, model=model,
            plan="p", started=part.started, ended=part.ended, received=part.received, judged=part.ended + SECOND // 10,
            state=JudgementState.ALARM if is_bad and number % 4 else JudgementState.NORMAL, score=0.5, limit=1.0,
            risk=0.8 if is_bad else 0.1, contributions=(share,),
        )
        for number, (part, is_bad) in enumerate(zip(parts, bad.tolist(), strict=True))
    ]  # fmt: skip
    found = [
        Outcome(
            unit=part.unit, characteristic=CHARACTERISTIC, value=NONCONFORMING if is_bad else CONFORMING,
            found=part.ended + HOUR, source="inspection",
        )
        for part, is_bad in zip(parts[:KNOWN], bad[:KNOWN].tolist(), strict=True)
    ]  # fmt: skip
    history = await DeltaHistory.open(layout.history)
    records = [
        a_record(1, encode_items(parts), kind=RecordKind.PARTS),
        a_record(2, encode_items(judged), kind=RecordKind.PREDICTIONS),
        a_record(3, encode_items(found), kind=RecordKind.OUTCOMES),
    ]
    await history.append([LandedRecord(position=place, record=item) for place, item in enumerate(records, start=1)])


def _plan_file(folder: Path) -> Path:
    (folder / "plan.yaml").write_text(PLAN.model_dump_json(exclude_none=True), encoding="utf-8")
    return folder / "plan.yaml"


def test_the_signal_that_moved_drifted_and_the_stuck_one_is_a_sensors_fault(layout: Layout) -> None:
    (report,) = DriftLook(PLAN, BundleFolder(layout.bundles), layout.history)()
    assert (report.station, report.parts, report.reference) == (STATION, PARTS, 300)
    assert report.features[0].name == "x1"
    assert report.features[0] in report.drifted
    assert ("x3", "stuck") in {(item.signal, item.fault) for item in report.sensors}
    assert len(DriftLook(PLAN, BundleFolder(layout.bundles), layout.history, window=60)()) == 1


def test_late_truth_coverage_and_lag_come_from_the_history(layout: Layout) -> None:
    (report,) = PerformanceLook(PLAN, BundleFolder(layout.bundles), layout.history)(END)
    assert report.measured.parts == PARTS
    assert (report.measured.covered.hits, report.measured.covered.of) == (KNOWN, PARTS)
    assert report.measured.lag == HOUR
    assert report.measured.precision.value == 1.0
    assert report.estimated is not None
    assert report.since.bad == report.measured.recall.of
    (later,) = PerformanceLook(PLAN, BundleFolder(layout.bundles), layout.history)(END + 31 * DAY)
    assert later.measured.parts == 0


def test_a_plant_without_a_history_has_nothing_to_say(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert DriftLook(PLAN, BundleFolder(layout.bundles), layout.history)() == ()
    assert PerformanceLook(PLAN, BundleFolder(layout.bundles), layout.history)(END) == ()


def test_both_commands_say_it_as_text_and_as_json(layout: Layout, tmp_path: Path) -> None:
    where = ["--plan", str(_plan_file(tmp_path)), "--data", str(layout.root)]
    shown = CliRunner().invoke(drift_command, where, catch_exceptions=False).stdout
    assert "x3: stuck" in shown
    drifted = json.loads(CliRunner().invoke(drift_command, [*where, "--json"], catch_exceptions=False).stdout)
    assert "x1" in drifted[0]["drifted"]
    said = CliRunner().invoke(performance_command, [*where, "--json"], catch_exceptions=False)
    assert json.loads(said.stdout)[0]["model"].startswith("porosity/1+")
    assert "truth comes" in CliRunner().invoke(performance_command, where, catch_exceptions=False).stdout
