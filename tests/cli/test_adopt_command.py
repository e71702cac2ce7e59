"""The command from a notebook's model to a report, and every refusal with its next step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from ruamel.yaml import YAML

from lineside.cli.adopt import command
from lineside.domain.errors import InputError, LinesideError
from lineside.domain.plan.model import Plan
from lineside.testing.prototypes import Parts, day_parts, honest_parts, notebook_model, prototype_plan


def write_plan(path: Path, plan: Plan) -> Path:
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(plan.model_dump(mode="json"), file)
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(item) for item in arguments])


def adopted(folder: Path, parts: Parts, *more: object, **columns: Any) -> dict[str, Any]:
    plan = write_plan(folder / "plan.yaml", prototype_plan())
    data = parts.write(folder / "parts.csv", **columns)
    model = notebook_model(parts, folder / "model.txt")
    result = run(model, "--plan", plan, "--data", data, "--json", *more)
    assert result.exit_code == 0, (result.output, result.exception)
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def codes(report: dict[str, Any]) -> set[str]:
    return {item["code"] for item in report["findings"]}


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return adopted(tmp_path_factory.mktemp("honest"), honest_parts())


@pytest.fixture(scope="module")
def by_day(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("days")
    return adopted(folder, day_parts(), "--lab", "auc=0.85", "--report", folder / "report")


def test_an_honest_prototype_is_not_accused(honest: dict[str, Any]) -> None:
    assert honest["inflated"] == []
    assert not codes(honest) & {"inflated-by-random-split", "copies", "knows-the-outcome", "tells-the-time"}


def test_a_model_of_days_is_found_out_with_figures(by_day: dict[str, Any]) -> None:
    assert "day" in by_day["inflated"]
    day = next(item for item in by_day["reruns"] if item["scheme"] == "day")
    assert day["gap"]["gap"] > 0.1
    assert day["gap"]["low"] < day["gap"]["gap"] < day["gap"]["high"]
    assert by_day["lab"]["told"] == 0.85
    assert "neighbours-are-copies" in codes(by_day)


def test_a_file_learned_from_these_parts_is_found_by_its_own_counts(honest: dict[str, Any]) -> None:
    finding = next(item for item in honest["findings"] if item["code"] == "has-seen-these-parts")
    assert finding["figures"]["stated"] == 960
    assert finding["figures"]["at_hand"] == 1200


def test_what_stands_for_a_frozen_file_is_named_a_stand_in(honest: dict[str, Any]) -> None:
    assert honest["about"]["is_stand_in"]
    assert "stand-in" in honest["about"]["tried"]
    assert honest["not_shown"]


def test_every_service_level_has_a_verdict(honest: dict[str, Any]) -> None:
    assert len(honest["verdicts"]) == 8
    assert {item["judgement"] for item in honest["verdicts"]} <= {"met", "missed", "insufficient evidence"}


def test_the_page_stands_alone_and_says_what_was_found(by_day: dict[str, Any], tmp_path_factory: Any) -> None:
    page = next(tmp_path_factory.getbasetemp().glob("days*/report/readiness.html")).read_text()
    assert "inflated" in page
    assert "http" not in page.replace("http://www.w3.org", "")
    for item in by_day["findings"]:
        assert item["text"].split("'")[0] in page


def test_a_told_figure_that_is_not_found_is_said(tmp_path: Path) -> None:
    report = adopted(tmp_path, honest_parts(600), "--lab", "auc=0.999")
    assert "lab-figure-not-found" in codes(report)


def test_later_parts_are_scored_with_the_file_itself_where_its_last_part_is_known(tmp_path: Path) -> None:
    report = adopted(tmp_path, honest_parts(600), "--trained-until", "2026-10-05T00:00:00")
    assert 0.6 < report["later_frozen"]["value"] < 1.0


@pytest.mark.parametrize(
    ("option", "value", "field"),
    [("--lab", "auc", "--lab"), ("--lab", "luck=1", "--lab"), ("--trained-until", "June", "--trained-until")],
)
def test_an_option_that_cannot_be_read_is_named(tmp_path: Path, option: str, value: str, field: str) -> None:
    plan = write_plan(tmp_path / "plan.yaml", prototype_plan())
    result = run("model.txt", "--plan", plan, "--data", tmp_path, option, value)
    assert isinstance(result.exception, InputError)
    assert result.exception.field == field
    assert result.exception.next_step


def test_an_input_that_fits_nothing_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    parts = honest_parts(200)
    strange = Parts(names=("x0", "x1", "x2", "xx3"), inputs=parts.inputs, bad=parts.bad, seconds=parts.seconds)
    plan = write_plan(tmp_path / "plan.yaml", prototype_plan())
    data = parts.write(tmp_path / "parts.csv")
    model = notebook_model(strange, tmp_path / "model.txt")
    result = run(model, "--plan", plan, "--data", data)
    assert isinstance(result.exception, LinesideError)
    assert "xx3: x3" in str(result.exception)
    (tmp_path / "map.yaml").write_text("xx3: x3\n")
    assert run(model, "--plan", plan, "--data", data, "--inputs", tmp_path / "map.yaml").exit_code == 0


def test_a_column_that_is_no_signal_is_used_and_named(tmp_path: Path) -> None:
    parts = honest_parts(400)
    row = np.arange(400.0)
    wide = Parts(
        names=(*parts.names, "row_number"), inputs=np.c_[parts.inputs, row], bad=parts.bad, seconds=parts.seconds
    )
    plan = write_plan(tmp_path / "plan.yaml", prototype_plan())
    model = notebook_model(wide, tmp_path / "model.txt")
    result = run(model, "--plan", plan, "--data", parts.write(tmp_path / "parts.csv"), "--json")
    report = json.loads(result.stdout)
    found = {item["code"]: item for item in report["findings"]}
    assert "row_number" in found["no-signal"]["text"]
    assert found["tells-the-time"]["subject"] == "row_number"
