"""A release that is built again from what its bundle says, in another process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.delta_history import DeltaHistory
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.reproducing import compare
from lineside.cli.model import command as model
from lineside.cli.train import command as train
from lineside.domain.errors import ConfigurationError, DataError
from lineside.domain.features.recipe import recipe_for
from lineside.domain.outcomes import Outcome
from lineside.domain.parts import PartRecord
from lineside.ports import LandedRecord
from lineside.testing.plans import PRESS_PLAN
from lineside.testing.records import a_record
from lineside.wire.bundle import GOLDEN_SCORES, SOFTWARE, array_bytes, seal
from lineside.wire.codecs import encode_items
from lineside.wire.records import RecordKind


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reproduce")
    rng = np.random.default_rng(0)
    melt, speed = 680 + 5 * rng.normal(size=400), 40 + rng.normal(size=400)
    (folder / "plan.yaml").write_text(PRESS_PLAN, encoding="utf-8")
    rows = [f"2026-01-01T{i // 60:02d}:{i % 60:02d}:00Z,S{i},{melt[i]:.2f},{speed[i]:.3f}" for i in range(400)]
    (folder / "parts.csv").write_text("\n".join(["time,serial,melt,speed", *rows]), encoding="utf-8")
    found = [f"S{i},{'nok' if melt[i] > 685 else 'ok'}" for i in range(350)]
    (folder / "outcomes.csv").write_text("\n".join(["serial,porosity", *found]), encoding="utf-8")
    arguments = [str(folder / "plan.yaml"), "--data", str(folder / "data"), "--seed", "5", "--demo", *_files(folder)]
    assert CliRunner().invoke(train, arguments, catch_exceptions=False).exit_code == 0
    return folder


def _files(folder: Path) -> list[str]:
    return ["--parts", str(folder / "parts.csv"), "--outcomes", str(folder / "outcomes.csv")]


def _where(folder: Path) -> list[str]:
    return ["--plan", str(folder / "plan.yaml"), "--data", str(folder / "data")]


def test_a_fresh_process_builds_the_same_scores_and_the_same_files(folder: Path) -> None:
    call = [sys.executable, "-m", "lineside", "reproduce", "porosity/1", *_where(folder), *_files(folder), "--json"]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["identical"]
    assert (result["greatest"], result["files"], result["software"]) == (0.0, [], {})


async def test_from_the_history_is_loaded_again_what_it_held_then(tmp_path: Path) -> None:
    from lineside.cli.reproduce import command  # noqa: PLC0415 - as below

    (tmp_path / "plan.yaml").write_text(PRESS_PLAN, encoding="utf-8")
    history = await DeltaHistory.open(tmp_path / "data" / "plant" / "history")
    await history.append(_landed(1, _made(tmp_path, range(50, 350)), _found(range(50, 300), "conforming")))
    arguments = [str(tmp_path / "plan.yaml"), "--data", str(tmp_path / "data"), "--seed", "5"]
    assert CliRunner().invoke(train, arguments, catch_exceptions=False).exit_code == 0
    # What came since: new parts, parts of an outage before all others, and what was found otherwise on second thoughts.
    later = _landed(3, _made(tmp_path, range(350, 400)), _made(tmp_path, range(50)), _found(range(60), "bad"))
    await history.append(later)
    again = CliRunner().invoke(command, ["porosity/1", *_where(tmp_path)], catch_exceptions=False)
    assert again.exit_code == 0
    assert "identical scores" in again.stdout


def _made(folder: Path, numbers: range) -> list[PartRecord]:
    digest = recipe_for(load_plan(folder / "plan.yaml"), "press").digest
    return [
        PartRecord(
            cycle_id=f"c{i}", unit=f"S{i}", station="press", started=i * 10**9, ended=(i + 1) * 10**9,
            received=(i + 1) * 10**9, recipe=digest, features=np.random.default_rng(i).normal(size=2),
            incomplete=i % 40 == 7,
        )
        for i in numbers
    ]  # fmt: skip


def _found(numbers: range, value: str) -> list[Outcome]:
    return [Outcome(unit=f"S{i}", characteristic="porosity", found=i, source="xray", value=value) for i in numbers]


def _landed(first: int, *batches: list[PartRecord] | list[Outcome]) -> list[LandedRecord]:
    kinds = {PartRecord: RecordKind.PARTS, Outcome: RecordKind.OUTCOMES}
    return [
        LandedRecord(position=i, record=a_record(i, encode_items(items), kind=kinds[type(items[0])]))
        for i, items in enumerate(batches, start=first)
    ]


def test_other_data_is_refused_by_its_version(folder: Path, tmp_path: Path) -> None:
    from lineside.cli.reproduce import command  # noqa: PLC0415 - loads what learns

    other = tmp_path / "parts.csv"
    other.write_text((folder / "parts.csv").read_text().replace("S7,", "S7777,"))
    arguments = ["porosity/1", *_where(folder), "--parts", str(other), "--outcomes", str(folder / "outcomes.csv")]
    with pytest.raises(DataError, match="not the parts that the release was learned from"):
        CliRunner().invoke(command, arguments, catch_exceptions=False)


def test_another_plan_is_refused_by_its_digest(folder: Path, tmp_path: Path) -> None:
    from lineside.cli.reproduce import command  # noqa: PLC0415 - as above

    other = tmp_path / "plan.yaml"
    other.write_text(PRESS_PLAN.replace("unit: m/s", "unit: mm/s"))
    where = ["--plan", str(other), "--data", str(folder / "data")]
    with pytest.raises(ConfigurationError, match="judges otherwise"):
        CliRunner().invoke(command, ["porosity/1", *where, *_files(folder)], catch_exceptions=False)


def test_what_differs_is_named(folder: Path) -> None:
    (bundle,) = BundleFolder(folder / "data" / "plant" / "bundles").bundles("porosity")
    bill = json.loads(bundle.files[SOFTWARE])
    bill["components"] = [
        {**item, "version": "0.0.1"} if item["name"] == "numpy" else item for item in bill["components"]
    ]
    scores = bundle.array(GOLDEN_SCORES) + 0.5
    older = seal(
        bundle.manifest, {**bundle.files, SOFTWARE: json.dumps(bill).encode(), GOLDEN_SCORES: array_bytes(scores)}
    )
    found = compare(older, bundle)
    assert not found.identical
    assert found.greatest == pytest.approx(0.5)
    assert found.files == (GOLDEN_SCORES, SOFTWARE)
    assert found.software["numpy"][0] == "0.0.1"


def test_the_card_says_use_origin_figures_and_return(folder: Path) -> None:
    shown = CliRunner().invoke(model, ["card", "porosity/1", *_where(folder)], catch_exceptions=False).stdout
    for words in ("Judges **porosity** at station press", "400 parts", "Expected false alarms", "There is no model to"):
        assert words in shown
    assert "components in its bill of materials" in shown


def test_the_bill_lists_what_numbers_depend_on_with_versions(folder: Path) -> None:
    shown = CliRunner().invoke(model, ["sbom", "porosity/1", *_where(folder)], catch_exceptions=False).stdout
    bill = json.loads(shown)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    listed = {item["name"] for item in bill["components"]}
    assert {"python", "lineside", "numpy", "lightgbm", "onnxruntime", "scikit-learn"} <= listed
