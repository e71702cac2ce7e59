"""Reading a plan: from a file, from a text, from garbage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.adapters.plan_yaml import check_text, load_plan, parse_plan
from lineside.adapters.plan_yaml.document import read_document
from lineside.domain.errors import PlanError
from lineside.domain.plan.model import MqttSpec, Plan
from lineside.domain.units import SECOND

GOOD_FILE = Path(__file__).parents[1] / "plans" / "casting.yaml"
GOOD = GOOD_FILE.read_text()


def test_a_plan_is_loaded_from_its_file() -> None:
    plan = load_plan(GOOD_FILE)
    assert plan.station("cast").live_within == 60 * SECOND
    assert plan.signal("die_temp").range == (0, 450)


def test_json_is_read_as_well() -> None:
    plan = parse_plan(GOOD, "x")
    assert parse_plan(json.dumps(plan.model_dump(mode="json")), "x") == plan


def test_an_error_lists_every_mistake_below_the_file() -> None:
    text = GOOD.replace("Europe/Berlin", "Nowhere").replace("exclude: [shot]", "exclude: [shoot]")
    with pytest.raises(PlanError) as caught:
        parse_plan(text, "line.yaml")
    assert len(caught.value.findings) == 2
    lines = str(caught.value).splitlines()
    assert lines[0] == "line.yaml: the control plan has 2 mistakes"
    assert lines[1].startswith("  line.yaml:5:48: error: line . timezone: no such time zone (found 'Nowhere')")
    assert lines[2].startswith("  line.yaml:96:47: error: characteristics[0] 'porosity' . model . exclude[0]:")


def test_a_file_that_is_not_there_says_how_to_draft_one(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="lineside plan init"):
        load_plan(tmp_path / "none.yaml")


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load_plan(path) == load_plan(GOOD_FILE)


def test_a_file_that_is_not_text_says_so(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PlanError, match="UTF-8"):
        load_plan(path)


def test_a_file_beyond_the_limit_is_not_parsed(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_bytes(b"# " + b"x" * 3_000_000)
    with pytest.raises(PlanError, match="larger than"):
        load_plan(path)


@pytest.mark.parametrize("text", ["", "# nothing\n", "just words", "[1, 2]", "--- |\n  x"])
def test_what_is_no_plan_at_all_says_so(text: str) -> None:
    with pytest.raises(PlanError, match=r"is empty|must be a block"):
        parse_plan(text, "x")


def test_aliases_are_followed() -> None:
    text = GOOD.replace("timezone: Europe/Berlin", "timezone: &zone Europe/Berlin")
    text = text.replace("    kind: mqtt", "    time_zone: *zone\n    kind: mqtt")
    assert parse_plan(text, "x").source_as(MqttSpec, "climate").time_zone == "Europe/Berlin"


def test_a_bomb_of_aliases_is_refused() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    with pytest.raises(PlanError, match="once its aliases are followed"):
        parse_plan("\n".join(rows), "x")


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(PlanError, match="nested too deeply"):
        parse_plan("[" * 100_000, "x")


def test_no_tag_is_obeyed(tmp_path: Path) -> None:
    target = tmp_path / "touched"
    with pytest.raises(PlanError, match="tags such as"):
        parse_plan(f"a: !!python/object/apply:os.mkdir [{target}]", "x")
    assert not target.exists()


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
FIELDS = st.sampled_from([*Plan.model_fields, "id", "by", "signal", "range", "cycle", "classes", "text", "steps"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FIELDS | st.text(max_size=5), inner, max_size=6),
)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_text_raises_anything_but_a_plan_error(text: str) -> None:
    with pytest.raises(PlanError):
        parse_plan(text, "x")


@settings(deadline=None)
@given(VALUES)
def test_no_json_raises_anything_but_a_plan_error(value: Any) -> None:
    with pytest.raises(PlanError):
        parse_plan(json.dumps(value), "x")


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """Return the good plan with one value replaced by anything."""
    data = json.loads(json.dumps(parse_plan(GOOD, "x").model_dump(mode="json")))
    at: Any = data
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = draw(st.sampled_from(keys))
        if isinstance(at[key], dict | list) and at[key] and draw(st.booleans()):
            at = at[key]
            continue
        at[key] = draw(VALUES)
        return json.dumps(data)


@settings(deadline=None, max_examples=30)
@given(damaged())
def test_a_good_plan_with_one_value_changed_is_read_or_refused_with_a_place(text: str) -> None:
    checked = check_text(text, "x")
    assert checked.plan is not None or checked.findings
    assert all(item.line >= 1 and item.problem for item in checked.findings)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 40), st.text(max_size=6))
def test_a_good_plan_with_a_stretch_of_text_changed_is_read_or_refused(at: int, length: int, new: str) -> None:
    check_text(GOOD[:at] + new + GOOD[at + length :], "x")


WRITABLE = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
)


@settings(deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=5), WRITABLE, max_size=5))
def test_the_values_of_a_document_are_those_of_json(value: dict[str, Any]) -> None:
    document = read_document(json.dumps(value))
    assert document.findings or document.data == value


ROOT = Path(__file__).parents[2]
SHIPPED = sorted([*ROOT.glob("benchmarks/plans/*.yaml"), *ROOT.glob("src/lineside/**/*plan*.yaml")])


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_plans_that_come_with_the_project_have_no_mistakes(path: Path) -> None:
    assert load_plan(path).lineside == 1
