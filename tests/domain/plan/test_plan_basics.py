"""Durations and ids in plans."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from lineside.domain.plan.basics import WRITTEN, Duration, PositiveDuration


def test_a_duration_is_read_with_its_unit_and_kept_in_nanoseconds() -> None:
    assert TypeAdapter(Duration).validate_python("1.5 s") == 1_500_000_000


@pytest.mark.parametrize("text", ["30", "soon", "9" * 400 + " s", "-1 s", "3 weeks", "200000 d"])
def test_what_is_no_duration_is_a_validation_error_like_any_other(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Duration).validate_python(text)


def test_a_person_must_write_the_unit_and_code_need_not() -> None:
    assert TypeAdapter(Duration).validate_python(30) == 30
    with pytest.raises(ValidationError, match="needs a unit"):
        TypeAdapter(Duration).validate_python(30, context={WRITTEN: True})


def test_a_length_is_more_than_nothing() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(PositiveDuration).validate_python("0 s")
