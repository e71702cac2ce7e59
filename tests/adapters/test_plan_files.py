"""Pictures and documents beside a plan: what is read, and what is refused and why."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from lineside.adapters.plan_files import MOST_PICTURE, load_plan_files
from lineside.domain.plan.model import Measure, Plan, Step
from lineside.testing.floors import sample_plan

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)


def plan_with(**step: str) -> Plan:
    """The sample plan with one reaction of one step."""
    reaction = {"id": "r", "characteristic": "porosity", "text": "t", "steps": [{"do": "adjust", "text": "s", **step}]}
    return sample_plan(reactions=[reaction])


def test_what_the_plan_names_is_read_from_below_its_folder(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "v3.png").write_bytes(PNG)
    (tmp_path / "wi.pdf").write_bytes(b"%PDF-1.7")
    (tmp_path / "other.png").write_bytes(PNG)
    found = load_plan_files(tmp_path / "plan.yaml", plan_with(picture="pictures/v3.png", document="wi.pdf"))
    assert {name: file.media_type for name, file in found.files.items()} == {
        "pictures/v3.png": "image/png",
        "wi.pdf": "application/pdf",
    }
    assert found.problems == {}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read"),
        (b"<svg onload='alert(1)'>", "is no image/png"),
        (PNG + bytes(MOST_PICTURE), "is larger than 2,000,000 bytes"),
    ],
)
def test_a_file_that_is_missing_false_or_too_large_is_a_problem(
    tmp_path: Path, content: bytes | None, problem: str
) -> None:
    if content is not None:
        (tmp_path / "v3.png").write_bytes(content)
    found = load_plan_files(tmp_path / "plan.yaml", plan_with(picture="v3.png"))
    assert found.files == {}
    assert problem in found.problems["v3.png"]


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(PNG)
    folder = tmp_path / "plans"
    folder.mkdir()
    (folder / "v3.png").symlink_to(tmp_path / "secret.png")
    found = load_plan_files(folder / "plan.yaml", plan_with(picture="v3.png"))
    assert found.problems == {"v3.png": "leads out of the plan's folder"}


@pytest.mark.parametrize("name", ["../v3.png", "/etc/v3.png", "a/../v3.png", "v3.svg", "a\\v3.png", ".png"])
def test_a_name_that_is_no_picture_below_the_plan_is_a_mistake(name: str) -> None:
    with pytest.raises(ValidationError):
        Step.model_validate({"do": "adjust", "text": "t", "picture": name}, strict=False)


def test_the_ends_of_a_measure_must_rise() -> None:
    with pytest.raises(ValidationError, match="rise in this order"):
        Measure(quantity="Flow", unit="l/min", low=12, most=8)


def test_a_measure_tells_what_is_right_from_what_is_possible() -> None:
    measure = Measure(quantity="Flow", unit="l/min", low=12, most=60)
    assert [measure.is_right(value) for value in (11.9, 12, 61)] == [False, True, True]
    assert [measure.is_possible(value) for value in (-5, 60, 61)] == [True, True, False]
