"""A brought prototype becomes a bundle that a gateway takes, or the report says why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adopted_onnx import linear_file
from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.onnx_judge import OnnxJudge
from lineside.adapters.tables import TimeOptions, read_table
from lineside.apps.adopting import AdoptOptions, adopt_model
from lineside.apps.layout import Layout
from lineside.domain.adoption.result import Readiness
from lineside.domain.predictions import JudgementState
from lineside.testing.modelling import part_record
from lineside.testing.prototypes import CODE, Parts, honest_parts, notebook_model, prototype_plan
from lineside.wire.bundle import LINEAGE, TREE_NODES, Bundle, unpack_bundle

PLAN = prototype_plan()
UNTIL = 1_790_700_000 * 1_000_000_000


def adopted(place: Path, model: str, parts: Parts, **options: Any) -> Readiness:
    table = read_table(parts.write(place / "parts.csv"), time=TimeOptions(column="time"))
    wanted = AdoptOptions(model=model, data="parts.csv", **options)
    return adopt_model(PLAN, PLAN.characteristic("porosity"), [("parts", table)], wanted)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("adopted")


@pytest.fixture(scope="module")
def report(place: Path) -> Readiness:
    model = notebook_model(honest_parts(600), place / "model.txt")
    kept = {"output": place / "model.bundle", "folder": place / "data"}
    return adopted(place, str(model), honest_parts(600), **kept)


@pytest.fixture(scope="module")
def bundle(place: Path, report: Readiness) -> Bundle:
    assert report.wrapped
    return unpack_bundle((place / "model.bundle").read_bytes())


def bundle_of(place: Path, model: str, **options: Any) -> tuple[Bundle, Readiness]:
    report = adopted(place, model, honest_parts(600), output=place / "model.bundle", **options)
    assert (place / "model.bundle").exists(), report.wrapped
    return unpack_bundle((place / "model.bundle").read_bytes()), report


def states(bundle: Bundle) -> set[JudgementState]:
    judge = OnnxJudge(PLAN, "press", (bundle,)).open()
    rows = np.array([[-3.0, -3.0, 0.0, 0.0], [4.0, 4.0, 0.0, 0.0]])
    parts = [part_record(PLAN, row, number) for number, row in enumerate(rows)]
    return {judge.judge(part, part.received).predictions[0].state for part in parts}


def test_a_tree_file_is_judged_at_a_gateway_with_its_own_paths(bundle: Bundle, report: Readiness) -> None:
    assert TREE_NODES in bundle.files
    assert LINEAGE in bundle.files
    assert states(bundle) == {JudgementState.NORMAL, JudgementState.ALARM}
    assert "would take it" in " ".join(report.wrapped)
    assert report.cost is not None
    assert report.cost.where.startswith("the bundle")


def test_nothing_is_promised_where_nobody_knows_what_it_has_seen(bundle: Bundle) -> None:
    assert bundle.manifest.training.guaranteed_rate == 1.0
    assert "nothing is promised" in bundle.manifest.training.scheme


def test_limit_and_calibration_come_from_later_parts_where_the_last_one_is_known(tmp_path: Path) -> None:
    model = notebook_model(honest_parts(600), tmp_path / "model.txt")
    bundle, report = bundle_of(tmp_path, str(model), until=UNTIL)
    assert bundle.manifest.training.guaranteed_rate < 0.05
    assert "after those" in bundle.manifest.training.scheme
    assert report.later_frozen is not None


def test_an_onnx_graph_is_calibrated_within_the_graph(tmp_path: Path) -> None:
    bundle, report = bundle_of(tmp_path, linear_file(tmp_path / "model.onnx", width=4))
    assert TREE_NODES not in bundle.files
    assert states(bundle) == {JudgementState.NORMAL, JudgementState.ALARM}
    assert "would take it" in " ".join(report.wrapped)


def test_a_prototype_whose_high_answers_mean_good_is_found_and_turned_round(tmp_path: Path) -> None:
    parts = honest_parts(600)
    good = Parts(names=parts.names, inputs=parts.inputs, bad=~parts.bad, seconds=parts.seconds)
    model = notebook_model(good, tmp_path / "model.txt")
    assert "upside-down" in {item.code for item in adopted(tmp_path, str(model), parts).findings}
    bundle, turned = bundle_of(tmp_path, str(model), flipped=True)
    assert "upside-down" not in {item.code for item in turned.findings}
    assert states(bundle) == {JudgementState.NORMAL, JudgementState.ALARM}


def test_a_draft_is_kept_and_not_put_in_service(place: Path, report: Readiness) -> None:
    folder = BundleFolder(Layout(place / "data").bundles)
    assert len(folder.bundles("porosity")) == 1
    assert not folder.all_in_service()
    assert "lineside release promote porosity/1" in " ".join(report.wrapped)


def test_code_is_advisory_and_re_run_by_its_own_recipe(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(CODE)
    report = adopted(tmp_path, f"{tmp_path / 'model.py'}:Recipe", honest_parts(300), output=tmp_path / "none")
    assert not report.about.is_stand_in
    assert not report.not_shown
    assert "advisory" in report.wrapped[0]
    assert not (tmp_path / "none").exists()


def test_a_prototype_that_reads_no_signal_of_the_plan_is_not_wrapped(tmp_path: Path) -> None:
    parts = honest_parts(300)
    names = (*parts.names[:3], "index")
    strange = Parts(names=names, inputs=parts.inputs, bad=parts.bad, seconds=parts.seconds)
    report = adopted(tmp_path, str(notebook_model(strange, tmp_path / "model.txt")), parts)
    assert "no gateway can deliver" in report.wrapped[0]
    assert report.remedies[0].startswith("Train without index")


@pytest.mark.parametrize("kind", ["missing", "stuck"])
def test_the_worst_sensor_failures_are_named_first(report: Readiness, kind: str) -> None:
    worst = [item for item in report.disturbed if item.fault == kind]
    assert {item.input for item in worst[:2]} == {"x0", "x1"}
    assert worst == sorted(worst, key=lambda item: -item.harm)
