"""`lineside compress` and `lineside model`, as they are called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from lineside.adapters.bundle_folder import BundleFolder
from lineside.apps.layout import Layout
from lineside.cli.compress import command as compress
from lineside.cli.model import command as model
from lineside.domain.errors import InputError
from lineside.testing.modelling import CHARACTERISTIC, STATION
from lineside.testing.networks import learned_bundle, network_plan
from lineside.wire.bundle import manifest_digest, pack_bundle

PLAN = network_plan()
BUNDLE = learned_bundle(PLAN)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "plan.yaml").write_text(PLAN.model_dump_json(exclude_unset=True), encoding="utf-8")
    (tmp_path / "model.bundle").write_bytes(pack_bundle(BUNDLE))
    return tmp_path


def call(command: object, *arguments: object) -> str:
    result = CliRunner().invoke(command, [str(item) for item in arguments], catch_exceptions=False)  # type: ignore[arg-type]
    assert result.exit_code == 0, result.output
    return result.output


def test_every_variant_is_listed_with_its_figures_and_nothing_is_chosen(folder: Path) -> None:
    shown = call(compress, folder / "model.bundle", "--plan", folder / "plan.yaml")
    assert [line.split()[0] for line in shown.splitlines() if not line.startswith(" ")] == [
        "variant", "original", "pruned", "compiled", "int8-static", "int8-dynamic",
    ]  # fmt: skip
    assert "pore" in shown


def test_a_variant_is_kept_and_neither_offered_nor_shown_over_what_judges(folder: Path) -> None:
    data = folder / "data"
    assert BUNDLE.name in call(model, "add", folder / "model.bundle", "--data", data)
    kept = BundleFolder(Layout(data).bundles)
    kept.activate(BUNDLE)  # as before offers were signed
    assert "NOT SIGNED" in call(model, "list", "--data", data)
    assert "offer 1" in call(model, "sign", "--data", data)
    assert "every model in service is signed" in call(model, "sign", "--data", data)
    shown = call(
        compress, Layout(data).bundles / f"{CHARACTERISTIC}-1.bundle", "--plan", folder / "plan.yaml",
        "--data", data, "--write", "compiled", "--json",
    )  # fmt: skip
    measured = json.loads(shown[: shown.rindex("]") + 1])
    assert {item["name"] for item in measured} >= {"original", "compiled", "pruned"}
    with pytest.raises(InputError, match="does not replace"):
        call(model, "offer", CHARACTERISTIC, 2, "--data", data, "--demo")
    with pytest.raises(InputError, match=f"lineside release promote {CHARACTERISTIC}/2"):
        call(model, "offer", CHARACTERISTIC, 2, "--data", data)
    assert "offer 2" in call(model, "offer", CHARACTERISTIC, 1, "--data", data, "--note", "it expires soon")
    assert "offer 12" in call(model, "offer", CHARACTERISTIC, 1, "--data", data, "--above", 11)
    listed = call(model, "list", "--data", data)
    assert "in service, offer 12" in listed
    assert "kept" in listed


def test_a_variant_is_shown_as_a_demo_where_nothing_was_approved(folder: Path) -> None:
    data = folder / "data"
    call(model, "add", folder / "model.bundle", "--data", data, "--demo")
    call(
        compress, Layout(data).bundles / f"{CHARACTERISTIC}-1.bundle", "--plan", folder / "plan.yaml",
        "--data", data, "--write", "compiled", "--demo",
    )  # fmt: skip
    (service,) = BundleFolder(Layout(data).bundles).in_service(STATION)
    assert (service.bundle.manifest.version, service.offer and service.offer.version) == (2, 2)
    assert service.offer is not None
    assert service.offer.fallback_digest == manifest_digest(BUNDLE.manifest)
    assert service.offer.note == "DEMO, not for production: compiled variant"


def test_mistakes_name_what_would_do(folder: Path) -> None:
    data = folder / "data"
    with pytest.raises(InputError, match="data folder"):
        call(compress, folder / "model.bundle", "--plan", folder / "plan.yaml", "--write", "pruned")
    with pytest.raises(InputError, match="no such variant"):
        call(compress, folder / "model.bundle", "--plan", folder / "plan.yaml", "--write", "tiny", "--data", data)
    with pytest.raises(InputError, match="no such version"):
        call(model, "offer", CHARACTERISTIC, 7, "--data", data)
