"""`lineside ready`, as it is called: over a bundle and the history of what it judged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.delta_history import DeltaHistory
from lineside.adapters.landing_sqlite import SqliteLanding
from lineside.adapters.onnx_judge.golden import with_reference
from lineside.apps.layout import Layout
from lineside.apps.plant.evidence import used_of
from lineside.cli.ready import command
from lineside.domain.errors import InputError
from lineside.domain.features.recipe import recipe_for
from lineside.domain.outcomes import NONCONFORMING, Outcome
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import Rates
from lineside.domain.predictions import JudgementState, Prediction
from lineside.domain.readings import Float64
from lineside.domain.units import SECOND
from lineside.learn.fit import FitRequest, fit
from lineside.testing.modelling import CHARACTERISTIC, STATION, modelling_plan, part_table
from lineside.testing.records import BORN, a_record
from lineside.wire.codecs import encode_items
from lineside.wire.records import RecordKind

PLAN = modelling_plan(3, model={"family": "supervised"})
PRICED = PLAN.model_copy(update={"rates": Rates(processor_hour=0.02, gigabyte=0.25)})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    features = np.random.default_rng(0).normal(size=(300, 3))
    outcome = [NONCONFORMING if x > 1.0 else "conforming" for x in features[:, 2]]
    bundle = fit(FitRequest(plan=PLAN, characteristic=CHARACTERISTIC, table=part_table(PLAN, features, outcome))).bundle
    layout = Layout(tmp_path / "data")
    layout.create()
    BundleFolder(layout.bundles).add(bundle)
    (tmp_path / "plan.yaml").write_text(PLAN.model_dump_json(exclude_none=True), encoding="utf-8")
    (tmp_path / "model").write_text(bundle.name)
    return tmp_path


async def lives(folder: Path, parts: int, bad: int, found: int) -> None:
    """Let the release judge so many parts, of which some are found bad and some of these were in alarm."""
    layout, model = Layout(folder / "data"), (folder / "model").read_text()
    judged = [
        Prediction(
            cycle_id=f"c{number}", unit=f"U{number}", station=STATION, characteristic=CHARACTERISTIC, model=model,
            plan="p", started=BORN, ended=BORN, received=BORN, judged=BORN + 5_000_000, score=1.0, limit=2.0,
            state=JudgementState.ALARM if number < found else JudgementState.NORMAL,
        )
        for number in range(parts)
    ]  # fmt: skip
    outcomes = [
        Outcome(unit=f"U{number}", characteristic=CHARACTERISTIC, value=NONCONFORMING, found=BORN, source="xray")
        for number in range(bad)
    ]
    landing, history = await SqliteLanding.open(layout.landing), await DeltaHistory.open(layout.history, {})
    await landing.land(
        [
            a_record(1, encode_items(judged), kind=RecordKind.PREDICTIONS, count=parts),
            a_record(2, encode_items(outcomes), kind=RecordKind.OUTCOMES, count=bad),
        ]
    )
    await history.append(await landing.after(0, 64 << 20))
    await landing.close()


def ask(folder: Path, release: str, *more: str) -> tuple[int, str]:
    arguments = [release, "--plan", str(folder / "plan.yaml"), "--data", str(folder / "data"), *more]
    result = CliRunner().invoke(command, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_a_release_that_was_never_in_service_is_not_ready(folder: Path) -> None:
    code, said = ask(folder, f"{CHARACTERISTIC}/1")
    assert code == 1
    assert "not ready" in said
    assert "0 of 0 parts found nonconforming" in said


async def test_the_cost_of_a_part_is_its_processor_time_and_its_bytes_in_the_history(folder: Path) -> None:
    layout = Layout(folder / "data")
    whole = with_reference(PLAN, BundleFolder(layout.bundles).bundles(CHARACTERISTIC)[0])
    used = used_of(PRICED, whole, layout.history)
    assert used is not None
    assert used.cpu_seconds > 0
    assert "no history yet" in used.evidence
    (folder / "plan.yaml").write_text(PRICED.model_dump_json(exclude_none=True), encoding="utf-8")
    _, said = ask(folder, f"{CHARACTERISTIC}/1", "--for", "canary", "--json")
    cost = next(level for level in json.loads(said)["levels"] if level["name"] == "cost per part")
    assert cost["verdict"] == "met"
    assert "golden parts judged here" in cost["evidence"]


async def test_what_a_release_did_in_service_is_counted_from_the_history(folder: Path) -> None:
    await lives(folder, parts=1200, bad=200, found=190)
    code, said = ask(folder, f"{CHARACTERISTIC}/1", "--json")
    content = json.loads(said)
    levels = {level["name"]: level for level in content["levels"]}
    assert code == 1  # what a part costs is not known
    assert levels["recall, in service"]["evidence"] == "190 of 200 parts found nonconforming"
    assert levels["recall, in service"]["verdict"] == "met"
    assert levels["availability"]["verdict"] == "met"
    assert levels["sensor to alert, 99th percentile"]["measured"] == "0.005 s"
    assert [name for name, level in levels.items() if level["verdict"] == "missed"] == []


def test_a_release_that_is_not_kept_is_named_with_those_that_are(folder: Path) -> None:
    with pytest.raises(InputError) as caught:
        ask(folder, "porosity/7")
    assert caught.value.field == "RELEASE"
    assert f"{CHARACTERISTIC}/1" in str(caught.value)


async def test_a_challenger_is_held_against_the_champion_on_the_parts_that_the_line_made(folder: Path) -> None:
    layout = Layout(folder / "data")
    registry = BundleFolder(layout.bundles)
    good = registry.bundles(CHARACTERISTIC)[0]
    rng = np.random.default_rng(5)
    features = rng.normal(size=(300, 3))
    blind = part_table(PLAN, features, [NONCONFORMING if x > 1.0 else "conforming" for x in rng.normal(size=300)])
    request = FitRequest(plan=PLAN, characteristic=CHARACTERISTIC, table=blind, version=2)
    registry.add(fit(request).bundle)
    registry.activate(registry.bundles(CHARACTERISTIC)[0])
    await made(folder, rng.normal(size=(600, 3)), after=good.manifest.training.last)
    _, said = ask(folder, f"{CHARACTERISTIC}/1", "--json")
    levels = {level["name"]: level for level in json.loads(said)["levels"]}
    assert levels["against the champion"]["verdict"] == "met"
    assert levels["against the champion"]["measured"].startswith("better")
    assert levels["against the champion"]["evidence"].startswith("600 parts")
    assert levels["recall, in service"]["beside"]["verdict"] == "missed"
    assert levels["recall, in service"]["beside"]["better"]
    assert not levels["recall, in service"]["concedable"]  # it is met
    registry.activate(good)
    _, said = ask(folder, f"{CHARACTERISTIC}/2", "--json")
    assert {level["name"]: level for level in json.loads(said)["levels"]}["against the champion"]["verdict"] == "missed"


async def made(folder: Path, features: Float64, after: int) -> None:
    """Let the line make parts after a time, and inspection find the truth of each."""
    layout, recipe = Layout(folder / "data"), recipe_for(PLAN, STATION)
    moments = [after + (number + 1) * SECOND for number in range(len(features))]
    parts = [
        PartRecord(
            cycle_id=f"m{number}", unit=f"M{number}", station=STATION, started=moment - SECOND, ended=moment,
            received=moment, recipe=recipe.digest, features=row,
        )
        for number, (moment, row) in enumerate(zip(moments, features, strict=True))
    ]  # fmt: skip
    outcomes = [
        Outcome(
            unit=part.unit, characteristic=CHARACTERISTIC,
            value=NONCONFORMING if part.features[2] > 1 else "conforming", found=part.ended + SECOND, source="xray",
        )
        for part in parts
    ]  # fmt: skip
    by_champion = Prediction(
        cycle_id="m0", unit="M0", station=STATION, characteristic=CHARACTERISTIC, model="other", plan="p",
        started=after, ended=after + SECOND, received=after, judged=after, score=1.0, limit=2.0,
        state=JudgementState.NORMAL,
    )  # fmt: skip
    landing, history = await SqliteLanding.open(layout.landing), await DeltaHistory.open(layout.history, {})
    await landing.land(
        [
            a_record(1, encode_items(parts), kind=RecordKind.PARTS, count=len(parts)),
            a_record(2, encode_items(outcomes), kind=RecordKind.OUTCOMES, count=len(outcomes)),
            a_record(3, encode_items([by_champion]), kind=RecordKind.PREDICTIONS, count=1),
        ]
    )
    await history.append(await landing.after(0, 64 << 20))
    await landing.close()
