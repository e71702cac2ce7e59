"""What inspections write, in the plan's words."""

from __future__ import annotations

import pytest

from lineside.domain.errors import DataError
from lineside.domain.outcomes import CONFORMING, NONCONFORMING, is_nonconforming, read_outcome
from lineside.domain.plan.model import Characteristic, CharacteristicKind, Specification

POROSITY = Characteristic(id="porosity", station="cast")
LENS = Characteristic(id="lens", station="mould", classes=("1", "2", "target"), nonconforming=("1",))
LENGTH = Characteristic(
    id="length", station="saw", kind=CharacteristicKind.VARIABLE, specification=Specification(lsl=1.0, usl=2.0)
)


@pytest.mark.parametrize("said", ["0", " OK ", "false", "conforming", "i.O."])
def test_words_for_good_are_conforming(said: str) -> None:
    assert read_outcome(POROSITY, said) == CONFORMING


@pytest.mark.parametrize("said", ["1", "NOK", "True", "defect", "n.i.O."])
def test_words_for_bad_are_nonconforming(said: str) -> None:
    assert read_outcome(POROSITY, said) == NONCONFORMING


def test_nothing_said_is_unknown_and_never_good() -> None:
    assert read_outcome(POROSITY, " ") == ""
    assert is_nonconforming(POROSITY, "") is None


def test_a_class_written_as_a_decimal_number_is_the_class() -> None:
    assert read_outcome(LENS, "1.0") == "1"
    assert read_outcome(LENS, "target") == "target"
    assert is_nonconforming(LENS, "1") is True
    assert is_nonconforming(LENS, "target") is False


def test_a_class_that_the_plan_does_not_know_is_refused_with_those_it_knows() -> None:
    with pytest.raises(DataError, match=r"lens: not a class .*'7'.*valid: 1, 2, target"):
        read_outcome(LENS, "7")
    with pytest.raises(DataError, match="neither good nor bad"):
        read_outcome(POROSITY, "perhaps")


@pytest.mark.parametrize(("said", "bad"), [("0.99", True), ("1.0", False), ("2", False), ("2.01", True)])
def test_a_measured_value_conforms_within_its_limits(said: str, *, bad: bool) -> None:
    assert is_nonconforming(LENGTH, read_outcome(LENGTH, said)) is bad


def test_without_limits_nobody_can_say_whether_a_value_conforms() -> None:
    assert is_nonconforming(LENGTH.model_copy(update={"specification": None}), "7") is None


@pytest.mark.parametrize("said", ["long", "nan", "inf"])
def test_what_is_no_number_is_no_measured_value(said: str) -> None:
    with pytest.raises(DataError, match="not a measured value"):
        read_outcome(LENGTH, said)
