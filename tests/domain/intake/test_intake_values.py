import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.intake.reasons import Reason, Refusal
from lineside.domain.intake.values import (
    LARGEST,
    check_name,
    check_numbers,
    read_number,
    read_number_column,
    read_text,
    read_text_column,
)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (21.5, 21.5),
        (7, 7.0),
        (np.int16(7), 7.0),
        (np.float32(0.5), 0.5),
        ("21.5", 21.5),
        (b"21.5", 21.5),
        (" 21.5\t", 21.5),
        ("-1e3", -1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("+5", 5.0),
        (5e-324, 5e-324),
        ("0" * 400 + "7", 7.0),
    ],
)
def test_a_number_in_any_plain_form_is_read(value: object, number: float) -> None:
    assert read_number(value) == number


def test_the_negative_zero_keeps_its_sign() -> None:
    zero = read_number(-0.0)
    assert isinstance(zero, float)
    assert math.copysign(1, zero) == -1


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (math.nan, Reason.NOT_FINITE),
        (-math.inf, Reason.NOT_FINITE),
        ("NaN", Reason.NOT_FINITE),
        ("-Infinity", Reason.NOT_FINITE),
        ("1.#QNAN", Reason.NOT_FINITE),
        ("1e400", Reason.TOO_LARGE),
        (3.4028235e38, Reason.TOO_LARGE),
        (10**400, Reason.TOO_LARGE),
        pytest.param(10**10_000, Reason.TOO_LARGE, id="an integer of 10,001 digits"),
        pytest.param("9" * 10_000, Reason.TOO_LARGE, id="10,000 digits"),
        ("21,5", Reason.DECIMAL_SEPARATOR),
        ("1_000", Reason.NOT_A_NUMBER),
        ("0x10", Reason.NOT_A_NUMBER),
        ("1 000", Reason.NOT_A_NUMBER),
        ("\u0662\u0661", Reason.NOT_A_NUMBER),
        ("warm", Reason.NOT_A_NUMBER),
        (b"\xff\xfe\x00", Reason.NOT_A_NUMBER),
        ("2\x001", Reason.NOT_A_NUMBER),
        ("", Reason.NULL),
        (None, Reason.NULL),
        (True, Reason.BOOLEAN),
        ([1], Reason.NESTED_VALUE),
        ({"a": 1}, Reason.NESTED_VALUE),
    ],
)
def test_what_is_no_number_is_refused_for_its_reason(value: object, reason: Reason) -> None:
    outcome = read_number(value)
    assert isinstance(outcome, Refusal)
    assert outcome.reason is reason


def test_a_decimal_comma_is_read_where_it_is_declared_and_a_point_is_then_refused() -> None:
    assert read_number("21,5", decimal=",") == 21.5
    outcome = read_number("1.500", decimal=",")
    assert isinstance(outcome, Refusal)
    assert outcome.reason is Reason.DECIMAL_SEPARATOR


def test_true_is_one_where_the_signal_may_be_boolean() -> None:
    assert read_number(True, boolean=True) == 1.0


@pytest.mark.parametrize(
    ("value", "text"),
    [("A-17", "A-17"), (b"A-17", "A-17"), (17, "17"), (17.0, "17"), (1.5, "1.5"), (True, "true"), ("", "")],
)
def test_texts_are_read_from_what_machines_send_for_them(value: object, text: str) -> None:
    assert read_text(value) == text


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "'; drop table readings;--", "<img src=x>", "../../etc"])
def test_a_text_is_data_whatever_it_looks_like(text: str) -> None:
    assert read_text(text) == text


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("a\nFAKE LOG LINE", Reason.CONTROL_CHARACTERS),
        ("te\0mp", Reason.CONTROL_CHARACTERS),
        ("temp\u202e", Reason.CONTROL_CHARACTERS),
        ("temp\u200b", Reason.CONTROL_CHARACTERS),
        ("\ud800", Reason.CONTROL_CHARACTERS),
        ("t" * 257, Reason.TEXT_TOO_LONG),
        (b"\xff\xfe", Reason.ENCODING),
        (None, Reason.NULL),
        ([], Reason.NESTED_VALUE),
        (math.nan, Reason.NOT_FINITE),
    ],
)
def test_what_is_no_text_is_refused_for_its_reason(value: object, reason: Reason) -> None:
    outcome = read_text(value)
    assert isinstance(outcome, Refusal)
    assert outcome.reason is reason


@pytest.mark.parametrize("name", ["", "a" * 300, "L1.>", "a/+/b", "#", "a*", "a\nb", 7, None])
def test_a_name_with_wildcards_or_what_cannot_be_shown_is_refused(name: object) -> None:
    refusal = check_name(name)
    assert refusal is not None
    assert refusal.reason is Reason.BAD_NAME


def test_a_detail_is_short_and_ascii_whatever_was_found() -> None:
    outcome = read_text("\u202e\n" * 5_000_000)
    assert isinstance(outcome, Refusal)
    assert outcome.detail.isascii()
    assert "\n" not in outcome.detail
    assert len(outcome.detail) < 500


CELLS = st.one_of(
    st.floats().map(lambda value: repr(value).encode()),
    st.integers().map(lambda value: str(value).encode()),
    st.sampled_from(
        [b"", b"1_0", b"nan", b"inf", b"1e400", b"21,5", b"1.5", b" 2 ", b"\x0b1", b"\x1c1", b"0x1", b"--"]
    ),
    st.binary(max_size=6),
)


@given(st.lists(CELLS, max_size=12), st.sampled_from([".", ","]))
def test_a_column_is_read_as_its_cells_one_by_one(cells: list[bytes], decimal: str) -> None:
    values, refusals = read_number_column(cells, decimal=decimal)
    for row, cell in enumerate(cells):
        outcome = read_number(cell, decimal=decimal)
        if not cell.strip():
            assert math.isnan(values[row])
            assert row not in refusals
        elif isinstance(outcome, Refusal):
            assert refusals[row] == outcome
            assert math.isnan(values[row])
        else:
            assert values[row] == outcome
            assert row not in refusals


@given(st.lists(st.one_of(st.binary(max_size=5), st.text(max_size=5).map(lambda text: text.encode(errors="replace")))))
def test_a_text_column_is_read_as_its_cells_one_by_one(cells: list[bytes]) -> None:
    texts, refusals = read_text_column(cells)
    for row, cell in enumerate(cells):
        outcome = read_text(cell)
        if isinstance(outcome, Refusal):
            assert refusals[row] == outcome
        else:
            assert (texts[row] or "") == outcome


@given(st.lists(st.floats(), max_size=20))
def test_a_column_of_floats_is_checked_as_its_values_one_by_one(values: list[float]) -> None:
    numbers, refusals = check_numbers(np.array(values, dtype=np.float64))
    for row, value in enumerate(values):
        outcome = read_number(value)
        assert (row in refusals) == isinstance(outcome, Refusal)
        assert math.isnan(numbers[row]) if row in refusals else numbers[row] == value


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.lists(st.integers())))
def test_every_value_is_either_a_bounded_number_or_a_refusal(value: object) -> None:
    outcome = read_number(value)
    assert isinstance(outcome, Refusal) or abs(outcome) <= LARGEST
