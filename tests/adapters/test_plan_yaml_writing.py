"""Writing plans: whatever is written is read back the same."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.adapters.plan_yaml import check_text, starter_plan, write_yaml
from lineside.adapters.plan_yaml.document import read_document

SCALARS = (
    st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(["1", "1 s", "no", "null", "a: b", "- x", "# x", "2024-01-01", "0x1", "~", "", " a", "a "])
)
FIELDS = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)
FLAT = st.dictionaries(FIELDS, SCALARS | st.lists(SCALARS, max_size=3), min_size=1, max_size=4)
TREES = st.recursive(
    FLAT, lambda inner: st.dictionaries(FIELDS, SCALARS | inner | st.lists(inner, min_size=1, max_size=3), min_size=1)
)


@settings(deadline=None, max_examples=40)
@given(TREES)
def test_what_is_written_is_read_back_the_same(content: dict[str, Any]) -> None:
    document = read_document(write_yaml(content, {}, "one\ntwo"))
    assert document.findings == []
    assert document.data == content


def test_comments_stand_above_what_they_are_about() -> None:
    content = {"stations": [{"id": "press", "cycle": {"by": "rows"}}], "signals": [{"id": "a"}, {"id": "b"}]}
    text = write_yaml(content, {("stations", 0, "cycle"): "look here", ("signals", 1): "and here"})
    assert text.splitlines() == [
        "",
        "stations:",
        "  - id: press",
        "    # look here",
        "    cycle: {by: rows}",
        "",
        "signals:",
        "  - {id: a}",
        "  # and here",
        "  - {id: b}",
    ]


def test_the_plan_to_begin_with_has_no_findings() -> None:
    checked = check_text(starter_plan(), "starter.yaml")
    assert checked.findings == ()
    assert checked.usable
