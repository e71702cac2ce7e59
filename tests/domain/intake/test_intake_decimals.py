"""The quick reader of decimals gives what Python gives, to the last bit, or nothing."""

import math
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lineside.domain.intake.decimals import read_decimals


def read(cells: list[str], decimal: str = ".") -> list[float]:
    found: list[float] = read_decimals("".join(f"{cell}\n" for cell in cells).encode(), len(cells), decimal).tolist()
    return found


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(-(10**7), 10**7, places=3).map(str),
    st.from_regex(r"[+-]?(\d{1,9}\.?\d{0,9}|\.\d{1,9})([eE][+-]?\d{1,3})?", fullmatch=True),
)


@given(st.lists(NUMBERS, max_size=6))
@example(["-0", "0.000", "1e22", "1e-22", "999999999999999", "0.1", "123456789012345e7", "000000000000000000001"])
def test_what_is_read_is_read_to_the_last_bit(cells: list[str]) -> None:
    for cell, value in zip(cells, read(cells), strict=True):
        assert math.isnan(value) or bits(value) == bits(float(cell))


@pytest.mark.parametrize("cell", ["21.5", "-3", "+.5", "7.", "1e5", "1.25E-3", "0", "-0.0"])
def test_plain_numbers_are_read(cell: str) -> None:
    assert bits(read([cell])[0]) == bits(float(cell))


def test_decimal_commas_are_read_where_they_are_the_sign() -> None:
    assert read(["21,5", "-0,125"], ",") == [21.5, -0.125]
    assert math.isnan(read(["21.5"], ",")[0])


@given(st.lists(st.text(st.sampled_from("0123456789.,+-eE _xninf"), max_size=8), max_size=8))
@example(["", "+", ".", "-.", "e5", "1e", "1e+", "1_0", "nan", "1.2.3", "--1", " 1"])
def test_what_is_no_number_is_never_taken_for_one(cells: list[str]) -> None:
    for cell, value in zip(cells, read(cells), strict=True):
        if not math.isnan(value):
            assert "_" not in cell
            assert bits(value) == bits(float(cell))


def test_cells_that_hold_line_feeds_are_left_to_the_slow_way() -> None:
    assert all(map(math.isnan, read(["1\n2", "3"])))
    assert read([]) == []
