from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.delta_history import DeltaHistory
from lineside.adapters.onnx_judge import OnnxJudge
from lineside.adapters.plan_yaml import load_plan
from lineside.cli.train import command
from lineside.domain.errors import InputError
from lineside.domain.features.recipe import recipe_for
from lineside.domain.outcomes import Outcome
from lineside.domain.parts import PartRecord
from lineside.ports import LandedRecord
from lineside.testing.plans import PRESS_PLAN
from lineside.testing.records import a_record
from lineside.wire.bundle import unpack_bundle
from lineside.wire.codecs import encode_items
from lineside.wire.records import RecordKind


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    melt, speed = 680 + 5 * rng.normal(size=400), 40 + rng.normal(size=400)
    (tmp_path / "plan.yaml").write_text(PRESS_PLAN, encoding="utf-8")
    rows = [f"2026-01-01T{i // 60:02d}:{i % 60:02d}:00Z,S{i},{melt[i]:.2f},{speed[i]:.3f}" for i in range(400)]
    (tmp_path / "parts.csv").write_text("\n".join(["time,serial,melt,speed", *rows]), encoding="utf-8")
    found = [f"S{i},{'nok' if melt[i] > 685 else 'ok'}" for i in range(350)]
    (tmp_path / "outcomes.csv").write_text("\n".join(["serial,porosity", *found]), encoding="utf-8")
    return tmp_path


def run(folder: Path, *arguments: str) -> str:
    result = CliRunner().invoke(command, [str(folder / "plan.yaml"), *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_training_from_files_keeps_a_bundle_that_judges(folder: Path) -> None:
    files = ("--parts", str(folder / "parts.csv"), "--outcomes", str(folder / "outcomes.csv"))
    shown = run(folder, *files, "--data", str(folder / "data"), "--demo")
    assert "offer 1, DEMO" in shown
    assert "porosity: supervised" in shown
    assert "later periods held out" in shown
    assert "400 (350 with known outcome" in shown
    registry = BundleFolder(folder / "data" / "plant" / "bundles")
    bundles = registry.active("press")
    OnnxJudge(load_plan(folder / "plan.yaml"), "press", bundles).open()
    assert bundles[0].manifest.training.data_version.startswith("files:")
    assert "lineside release promote porosity/2" in run(folder, *files, "--data", str(folder / "data"))
    assert registry.next_version("porosity") == 3
    assert registry.active("press") == bundles


async def test_training_from_history_joins_what_was_found_later(folder: Path) -> None:
    plan = load_plan(folder / "plan.yaml")
    digest = recipe_for(plan, "press").digest
    rng = np.random.default_rng(0)
    parts = [
        PartRecord(
            cycle_id=f"c{i}", unit=f"S{i}", station="press", started=i * 10**9, ended=(i + 1) * 10**9,
            received=(i + 1) * 10**9, recipe=digest, features=rng.normal(size=2), incomplete=i == 7,
        )
        for i in range(300)
    ]  # fmt: skip
    outcomes = [
        Outcome(
            unit=f"S{i}", characteristic="porosity", found=i, source="xray",
            value="nonconforming" if part.features[0] > 1 else "conforming",
        )
        for i, part in enumerate(parts[:250])
    ]  # fmt: skip
    burrs = [replace(outcomes[i], characteristic="burr", value="nonconforming") for i in (1, 2, 3)]
    with_burrs(folder)
    history = await DeltaHistory.open(folder / "data" / "plant" / "history")
    records = [
        a_record(1, encode_items(parts), kind=RecordKind.PARTS),
        a_record(2, encode_items([*outcomes, *burrs]), kind=RecordKind.OUTCOMES),
    ]
    await history.append([LandedRecord(position=i, record=record) for i, record in enumerate(records, start=1)])
    shown = run(folder, "--data", str(folder / "data"), "--characteristic", "porosity")
    assert "299 (249 with known outcome" in shown
    assert "nonconforming, 3 in another characteristic" in shown
    assert "1 no proper end" in shown
    bundle = BundleFolder(folder / "data" / "plant" / "bundles").bundles("porosity")[0]
    assert bundle.manifest.training.data_version.startswith("history:299:")


def with_burrs(folder: Path) -> None:
    """Let the plan know of a second characteristic."""
    found = "  - {id: porosity, station: press}\n"
    text = PRESS_PLAN.replace(found, f"{found}  - {{id: burr, station: press}}\n").rstrip()
    look = "{id: see, characteristic: burr, text: A burr., steps: [{do: inspect, text: Look.}]}"
    (folder / "plan.yaml").write_text(f"{text}\n  - {look}\n", encoding="utf-8")


def test_what_is_known_of_other_characteristics_is_told_from_files(folder: Path) -> None:
    with_burrs(folder)
    found = [f"S{i},{'nok' if i < 30 else 'ok'},{'nok' if 40 < i < 45 else 'ok'}" for i in range(350)]
    (folder / "outcomes.csv").write_text("\n".join(["serial,porosity,burr", *found]), encoding="utf-8")
    files = ("--parts", str(folder / "parts.csv"), "--outcomes", str(folder / "outcomes.csv"))
    shown = run(folder, *files, "--data", str(folder / "data"), "--characteristic", "porosity")
    assert "30 nonconforming, 4 in another characteristic" in shown


def test_without_outcomes_normal_is_learned_and_can_go_to_a_file(folder: Path) -> None:
    output = folder / "porosity.bundle"
    shown = run(folder, "--parts", str(folder / "parts.csv"), "--output", str(output))
    assert "porosity: normal" in shown
    assert unpack_bundle(output.read_bytes()).manifest.characteristic == "porosity"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ((), "--data"),
        (("--output", "f"), "--parts"),
        (("--data", "d"), "press"),
        (("--data", "d", "--characteristic", "colour"), "--characteristic"),
        (("--parts", "parts.csv", "--outcomes", "outcomes.csv", "--unit", "number", "--data", "d"), "number"),
    ],
)
def test_what_is_missing_is_named(
    folder: Path, arguments: tuple[str, ...], field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(InputError) as caught:
        run(folder, *arguments)
    assert caught.value.field == field
