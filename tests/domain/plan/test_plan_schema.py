"""The schema and the reference that are made from the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from lineside.adapters.plan_yaml import load_plan
from lineside.domain.plan.reference import reference_page
from lineside.domain.plan.schema import expected_at, plan_schema

ROOT = Path(__file__).parents[3]


def parts() -> list[tuple[str, dict[str, Any]]]:
    schema = plan_schema()
    return [("Plan", schema), *((name, part) for name, part in schema["$defs"].items() if "properties" in part)]


@pytest.mark.parametrize("part", parts(), ids=lambda part: part[0])
def test_every_field_has_a_description(part: tuple[str, dict[str, Any]]) -> None:
    name, node = part
    assert [field for field, child in node["properties"].items() if not child.get("description")] == [], name


def test_the_schema_accepts_a_good_plan_and_refuses_a_typo() -> None:
    plan = load_plan(ROOT / "tests" / "plans" / "casting.yaml").model_dump(mode="json", exclude_none=True)
    validator = Draft202012Validator(plan_schema())
    assert [error.message for error in validator.iter_errors(plan)] == []
    plan["stations"][0]["parts_per_hours"] = 40
    assert not validator.is_valid(plan)


def test_the_schema_can_be_written_as_json() -> None:
    assert json.loads(json.dumps(plan_schema())) == plan_schema()


def test_the_reference_page_is_up_to_date() -> None:
    page = (ROOT / "docs" / "reference" / "control-plan.md").read_text(encoding="utf-8")
    assert page == reference_page(), "run: lineside plan schema --markdown --output docs/reference/control-plan.md"


@pytest.mark.parametrize("part", parts(), ids=lambda part: part[0])
def test_the_reference_page_has_every_field(part: tuple[str, dict[str, Any]]) -> None:
    name, node = part
    section = reference_page().split(f"\n## {name}\n")[1].split("\n## ")[0]
    assert all(f"| `{field}` |" in section for field in node["properties"])


def test_what_is_expected_at_a_place_follows_the_variant_that_the_plan_chose() -> None:
    document = {"stations": [{"cycle": {"by": "window"}}]}
    assert expected_at(("stations", 0, "cycle"), document).fields == ("by", "length")
    assert "kind" in expected_at(("sources", 0), {}).fields
    assert expected_at(("signals", 0, "role"), {}).choices == ("process", "environment", "context", "trigger")
    assert expected_at(("nowhere", 3), {}).fields == ()
