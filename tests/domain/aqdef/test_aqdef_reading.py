"""AQDEF files in both forms, as measuring devices write them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.domain.aqdef import AqdefReader, Characteristic, Part, ValueSet, write
from lineside.domain.aqdef.meaning import differences, number_of, time_of
from lineside.domain.errors import DataError
from lineside.domain.intake.reasons import Reason, Refusal
from lineside.domain.intake.times import UTC
from lineside.domain.plan.model import Plan
from lineside.domain.readings import BAD, UNCERTAIN_EU_EXCEEDED
from lineside.testing.clocks import A_MOMENT
from lineside.testing.plans import plan_with_source

HEAD = """\
K0100 2
K1001/1 4711
K1002/1 Gehäuse
K2001/1 1
K2002/1 Durchmesser
K2004/1 0
K2022/1 3
K2110/1 9,9
K2111/1 10,1
K2142/1 mm
K2002/2 Länge
"""


def read(text: str, reader: AqdefReader | None = None) -> tuple[list[ValueSet], list[Refusal]]:
    reader = reader or AqdefReader()
    sets: list[ValueSet] = []
    refused = []
    for line in text.encode().split(b"\n"):
        found = reader.feed(line)
        if isinstance(found, Refusal):
            refused.append(found)
        else:
            sets += found
    return sets + reader.finish(), refused


def test_the_compact_form_gives_a_set_per_line() -> None:
    text = HEAD + "10,01\x140\x1418.11.2026/10:06:40\x14\x14#B7\x143\x14Meier\x149\x0f55,5\x14255\n10,02\x0f55,6\n"
    sets, refused = read(text)
    assert not refused
    assert [found.number for found in sets] == [1, 2]
    assert sets[0].values[1] == {
        "K0001": "10,01",
        "K0002": "0",
        "K0004": "18.11.2026/10:06:40",
        "K0006": "B7",
        "K0007": "3",
        "K0010": "9",
    }
    assert number_of(sets[0].values[1]) == (10.01, 0)
    assert number_of(sets[0].values[2]) is None
    assert number_of(sets[1].values[2]) == (55.6, 0)


def test_k_fields_after_a_compact_line_belong_to_it() -> None:
    sets, _ = read(HEAD + "10,01\x0f55,5\nK0014/0 S1\n10,02\x0f55,6\nK0014/0 S2\n")
    assert [found.first("K0014") for found in sets] == ["S1", "S2"]


def test_k_fields_give_sets_whether_value_by_value_or_characteristic_by_characteristic() -> None:
    mixed = "K0001/1 1\nK0001/2 5\nK0014/0 S1\nK0001/1 2\nK0001/2 6\nK0014/0 S2\n"
    apart = "K0001/1 1\nK0014/1 S1\nK0001/1 2\nK0014/1 S2\nK0001/2 5\nK0001/2 6\n"
    for text in (mixed, apart):
        sets, refused = read(HEAD + text)
        assert not refused
        said = [(found.first("K0014"), found.values[1]["K0001"], found.values[2]["K0001"]) for found in sets]
        assert said == [("S1", "1", "5"), ("S2", "2", "6")]


def test_characteristics_belong_to_the_part_before_them() -> None:
    text = "K1001/1 P1\nK2002/1 a\nK1001/2 P2\nK2002/2 a\nK2002/3 b\n1\x0f2\x0f3\n"
    reader = AqdefReader()
    sets, _ = read(text, reader)
    assert [(found.part, sorted(found.values)) for found in sets] == [(1, [1]), (2, [2, 3])]
    assert reader.description.part(2).fields["K1001"] == "P2"


def test_what_is_said_of_index_0_holds_for_all_but_does_not_replace_what_is_said_of_one() -> None:
    reader = AqdefReader()
    read("K1002/0 all\nK1001/1 a\nK1002/1 own\nK2142/0 mm\nK2002/1 x\nK2002/2 y\nK2142/2 um\n", reader)
    assert reader.description.part(1).fields["K1002"] == "own"
    assert reader.description.characteristic(1).fields["K2142"] == "mm"
    assert reader.description.characteristic(2).fields["K2142"] == "um"


def test_counted_characteristics_have_their_own_order() -> None:
    sets, _ = read("K2002/1 flaws\nK2004/1 1\n50\x143\x14\x140\x1418.11.2026/10:06:40\n")
    assert (sets[0].values[1]["K0020"], sets[0].values[1]["K0021"]) == ("50", "3")
    assert number_of(sets[0].values[1]) == (3.0, 0)


def test_an_inspector_is_dropped_unless_there_is_a_pseudonym_for_him() -> None:
    text = HEAD + "10\x140\x14\x14\x14\x14\x14Meier\nK0001/1 5\nK0008/1 Meier\n"
    assert "Meier" not in repr(read(text))
    sets, _ = read(text, AqdefReader(lambda name: f"p{len(name)}"))
    assert [found.first("K0008") for found in sets] == ["p5", "p5"]


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ("", 0),
        ("0", 0),
        ("129", BAD),
        ("290", UNCERTAIN_EU_EXCEEDED),
        ("256", Reason.WITHDRAWN),
        ("7", Reason.UNKNOWN_QUALITY),
    ],
)
def test_attributes_become_status_or_a_refusal(attribute: str, expected: object) -> None:
    found = number_of({"K0001": "1,5", "K0002": attribute})
    assert (found.reason if isinstance(found, Refusal) else found and found[1]) == expected
    assert number_of({"K0001": "1,5", "K0002": "255"}) is None


@pytest.mark.parametrize("text", ["18.11.2026/10:06:40", "18.11.26/10:06:40", "18.11.2026 10:06:40"])
def test_times_are_local(text: str) -> None:
    assert time_of(text, UTC, A_MOMENT) == 1_794_996_400 * 10**9


@pytest.mark.parametrize("text", ["", "30.02.2026/10:00:00", "2026-11-18", "18.11.2026/25:00:00", "29.02.2025/1:00:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    assert isinstance(time_of(text, UTC, A_MOMENT), Refusal)


def test_limits_and_units_that_differ_from_the_plan_are_told() -> None:
    plan = plan_with_source({"kind": "files", "path": "x"}, addresses={"temperature": "Durchmesser"})
    said = {"id": "diameter", "name": "Durchmesser", "station": "press", "kind": "variable"}
    said["specification"] = {"lsl": 9.9, "usl": 10.2, "unit": "mm"}  # type: ignore[assignment]
    plan = Plan.model_validate(plan.model_dump() | {"characteristics": [said]})
    reader = AqdefReader()
    read(HEAD, reader)
    found = list(differences(plan, reader.description))
    assert [name for name, _ in found] == ["Durchmesser", "Durchmesser"]
    assert "K2111 is 10.1, the plan's limit of 'diameter' is 10.2" in found[0][1]
    assert "K2142 is mm, the plan's unit of 'temperature' is degC" in found[1][1]


@pytest.mark.parametrize("line", ["hello", "K2001/999999999 x", "K0001/9 1", "1\x0f2\x0f3", "K0001/1/999999999 1"])
def test_what_is_no_line_of_the_file_is_refused(line: str) -> None:
    _, refused = read(HEAD + line)
    assert [item.reason for item in refused] == [Reason.MALFORMED_ROW]


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_no_line_raises_anything_but_a_data_error(lines: list[bytes]) -> None:
    reader = AqdefReader()
    for line in [*HEAD.encode().split(b"\n"), *lines]:
        try:
            reader.feed(line)
        except DataError:
            return
    reader.finish()


TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=8)
FIELDS = st.fixed_dictionaries(
    {"K0001": st.floats(-1e6, 1e6).map(lambda value: f"{value:.3f}".replace(".", ","))},
    optional={"K0002": st.sampled_from(["0", "129", "290"]), "K0006": TEXTS, "K0010": TEXTS},
)


@st.composite
def files(draw: st.DrawFn) -> tuple[list[Part], list[Characteristic], list[ValueSet]]:
    parts = [Part(index=part, fields={"K1001": draw(TEXTS)}) for part in range(1, draw(st.integers(1, 3)) + 1)]
    owners = [part.index for part in parts for _ in range(draw(st.integers(1, 3)))]
    kinds = [
        Characteristic(index=index, part=part, fields={"K2001": str(index), "K2002": draw(TEXTS), "K2004": "0"})
        for index, part in enumerate(owners, start=1)
    ]
    sets: list[ValueSet] = []
    for _ in range(draw(st.integers(0, 4))):
        for part in parts:
            values = {item.index: draw(FIELDS) for item in kinds if item.part == part.index}
            sets.append(ValueSet(number=len(sets) + 1, part=part.index, values=values))
    return parts, kinds, sets


@settings(max_examples=40)
@given(files())
def test_what_was_written_as_k_fields_is_read_back(
    file: tuple[list[Part], list[Characteristic], list[ValueSet]],
) -> None:
    parts, kinds, sets = file
    reader = AqdefReader()
    found, refused = read("\n".join(write(parts, kinds, sets, compact=False)), reader)
    assert not refused
    assert found == sets
    assert [reader.description.part(part.index) for part in parts] == parts
    assert [reader.description.characteristic(item.index) for item in kinds] == kinds


@settings(max_examples=40)
@given(files())
def test_what_was_written_in_the_compact_form_is_read_back(
    file: tuple[list[Part], list[Characteristic], list[ValueSet]],
) -> None:
    parts, kinds, sets = file
    found, refused = read("\n".join(write(parts, kinds, sets, compact=True)))
    assert not refused
    assert [(item.part, item.values) for item in found] == [(item.part, item.values) for item in sets]
