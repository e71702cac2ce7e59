"""`lineside explain`, as it is called."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from lineside.adapters.bundle_folder import BundleFolder
from lineside.apps.layout import Layout
from lineside.cli.explain import command
from lineside.domain.errors import InputError
from lineside.learn.fit import FitRequest, fit
from lineside.testing.modelling import CHARACTERISTIC, modelling_plan, part_table
from lineside.wire.bundle import pack_bundle

PLAN = modelling_plan(3, model={"family": "supervised"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    features = np.random.default_rng(0).normal(size=(300, 3))
    outcome = ["nonconforming" if x > 1.0 else "conforming" for x in features[:, 2]]
    bundle = fit(FitRequest(plan=PLAN, characteristic=CHARACTERISTIC, table=part_table(PLAN, features, outcome))).bundle
    home = tmp_path_factory.mktemp("explain")
    (home / "model.bundle").write_bytes(pack_bundle(bundle))
    BundleFolder(Layout(home / "data").bundles).add(bundle)
    return home


def call(*arguments: object) -> str:
    return CliRunner().invoke(command, [str(item) for item in arguments], catch_exceptions=False).output


def test_golden_parts_of_a_bundle_are_explained_in_the_signals_unit(folder: Path) -> None:
    shown = call(folder / "model.bundle", 1, 2)
    assert shown.count("exact Shapley values") == 2
    assert "degC above usual" in shown or "degC below usual" in shown


def test_an_explanation_can_be_had_as_json(folder: Path) -> None:
    found = json.loads(call(folder / "model.bundle", 1, "--json"))
    assert {item["signal"] for item in found["contributions"]} == {"x0", "x1", "x2"}


def test_what_cannot_be_explained_is_refused_by_name(folder: Path) -> None:
    for arguments, why in (
        ((folder / "model.bundle", 999), "no such golden part"),
        ((folder / "model.bundle",), "no part is named"),
        ((folder / "data", "nobody"), "no such part"),
    ):
        with pytest.raises(InputError, match=why):
            call(*arguments)
