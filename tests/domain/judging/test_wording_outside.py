from __future__ import annotations

import pytest

from lineside.domain.judging.wording import NO_JUDGEMENT, word_outside


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (36.0, "degC", "Hall 36 degC: warmer than anything learned (up to 33.5)."),
        (2.0, "degC", "Hall 2 degC: colder than anything learned (down to 12)."),
        (36.0, "%", "Hall 36 %: higher than anything learned (up to 33.5)."),
        (2.0, "", "Hall 2: lower than anything learned (down to 12)."),
        (20.0, "degC", "Hall 20 degC: never learned together with the other conditions of now."),
    ],
)
def test_the_operator_reads_the_condition_its_value_and_how_far_was_learned(
    value: float, unit: str, words: str
) -> None:
    assert word_outside("Hall", value, (12.0, 33.5), unit) == f"{words} {NO_JUDGEMENT}"
