"""Values in Modbus registers, in every type and order."""

import struct
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.intake.registers import ORDERS, decode_number, decode_text, encode, explains, makes_sense
from lineside.domain.plan.registers import WIDTHS, Register, RegisterType, WordOrder

LIMITS = {
    "int16": (-(2**15), 2**15 - 1),
    "uint16": (0, 2**16 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    # beyond 2**53 a float of 64 bits, which is what a reading holds, does not know every integer
    "int64": (-(2**53), 2**53),
    "uint64": (0, 2**53),
    "bool": (0, 1),
}
orders = st.sampled_from(ORDERS)


def register(kind: str, **more: Any) -> Register:
    return Register.model_validate({"number": 0, "type": kind, **more})


@st.composite
def written(draw: st.DrawFn) -> tuple[Register, float]:
    """Return a register of any numeric type with a value that it can hold."""
    kind = draw(st.sampled_from([item for item in get_args(RegisterType) if item != "text"]))
    if kind == "bits":
        bit = draw(st.integers(0, 15))
        length = draw(st.integers(1, 16 - bit))
        return register(kind, bit=bit, length=length), draw(st.integers(0, 2**length - 1))
    if kind in LIMITS:
        return register(kind), draw(st.integers(*LIMITS[kind]))
    return register(kind), draw(st.floats(allow_nan=False, width=32 if kind == "float32" else 64))


@given(written(), orders)
def test_what_is_written_is_read_in_every_type_and_order(case: tuple[Register, float], order: WordOrder) -> None:
    place, value = case
    data = encode(place, order, value)
    assert len(data) == 2 * place.width
    assert decode_number(place, order, data) == value


@given(written(), orders)
def test_orders_only_move_bytes(case: tuple[Register, float], order: WordOrder) -> None:
    place, value = case
    words = [data[at : at + 2] for data in [encode(place, "ABCD", value)] for at in range(0, len(data), 2)]
    if order in {"CDAB", "DCBA"}:
        words.reverse()
    if order in {"BADC", "DCBA"}:
        words = [word[::-1] for word in words]
    assert encode(place, order, value) == b"".join(words)


def test_the_orders_are_those_that_vendors_mean() -> None:
    """The float 21.5 is 41 AC 00 00 by IEEE 754."""
    value = register("float32")
    assert encode(value, "ABCD", 21.5) == bytes.fromhex("41ac0000")
    assert encode(value, "CDAB", 21.5) == bytes.fromhex("000041ac")
    assert encode(value, "BADC", 21.5) == bytes.fromhex("ac410000")
    assert encode(value, "DCBA", 21.5) == bytes.fromhex("0000ac41")
    assert decode_number(register("uint64"), "DCBA", struct.pack("<Q", 258)) == 258.0


@given(st.integers(-(2**15), 2**15 - 1), st.sampled_from([0.1, 0.01, 2.0, -1.0]), st.integers(-300, 300))
def test_scale_comes_before_offset(raw: int, scale: float, offset: int) -> None:
    place = register("int16", scale=scale, offset=float(offset))
    assert decode_number(place, "ABCD", struct.pack(">h", raw)) == raw * scale + offset


@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_categories=["Zs", "Cc"]), max_size=16), orders
)
def test_texts_are_read_as_they_were_written(text: str, order: WordOrder) -> None:
    place = register("text", length=8)
    assert decode_text(order, encode(place, order, text)) == text


def test_a_text_ends_at_its_first_nul_and_has_no_blanks_around_it() -> None:
    assert decode_text("ABCD", b" A-17 \0rest") == "A-17"
    assert decode_text("BADC", b"-A71") == "A-17"


@pytest.mark.parametrize(
    ("kind", "value"), [("int16", 40_000), ("uint16", -1), ("uint32", 2**32), ("int32", float(2**31))]
)
def test_a_value_that_does_not_fit_is_not_written(kind: str, value: float) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        encode(register(kind), "ABCD", value)


def test_half_of_another_number_makes_no_sense_although_it_lies_in_the_range() -> None:
    data = encode(register("float32"), "CDAB", 21.5)
    found = {order: decode_number(register("float32"), order, data) for order in ORDERS}
    assert 0 < found["ABCD"] < 300
    assert not makes_sense(found["ABCD"], 0, 300)
    assert [order for order, value in found.items() if explains(value, 0, 300)] == ["CDAB"]
    assert makes_sense(0.0, 0, 300)
    assert not makes_sense(float("nan"), 0, 300)


def test_every_type_has_a_width() -> None:
    for kind in get_args(RegisterType):
        assert register(kind, length=3).width == (3 if kind == "text" else WIDTHS[kind])
