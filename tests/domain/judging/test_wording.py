from __future__ import annotations

import pytest
from msgspec.structs import replace

from lineside.domain.judging.wording import format_value, word_contribution
from lineside.domain.predictions import Contribution


def contribution(feature: str, value: float) -> Contribution:
    return Contribution(feature, "die_temperature", value, 200.0, 190.0, 210.0, "degC", 1.0)


@pytest.mark.parametrize(
    ("feature", "value", "words"),
    [
        ("die_temperature", 214.0, "die temperature 14 degC above usual"),
        ("die_temperature.mean", 178.5, "die temperature 21.5 degC below usual"),
        ("die_temperature.max", 214.0, "highest die temperature 14 degC above usual"),
        ("die_temperature.fill.min", 150.0, "lowest die temperature in fill 50 degC below usual"),
        ("die_temperature.p95", 214.0, "95 % point of die temperature 14 degC above usual"),
        ("die_temperature.p2.5", 214.0, "2.5 % point of die temperature 14 degC above usual"),
        ("die_temperature.fill.above(1.5)", 214.0, "time of die temperature above 1.5 in fill 14 degC above usual"),
        ("die_temperature.fill.curve(2of8)", 214.0, "die temperature in part 2 of 8 of fill 14 degC above usual"),
        ("die_temperature.curve(10of12)", 190.0, "die temperature in part 10 of 12 of the cycle 190 degC, as usual"),
        ("die_temperature.fill.waves(3of8)", 214.0, "movement 3 of die temperature in fill 14 degC above usual"),
        ("die_temperature", 205.0, "die temperature 205 degC, as usual"),
        ("die_temperature", float("nan"), "die temperature is missing"),
    ],
)
def test_a_contribution_is_worded_as_on_the_card(feature: str, value: float, words: str) -> None:
    assert word_contribution(contribution(feature, value)) == words


def test_what_is_usual_under_the_parts_conditions_is_called_so() -> None:
    warm = replace(contribution("die_temperature", 214.0), conditional=True)
    assert word_contribution(warm) == "die temperature 14 degC above usual under these conditions"
    assert word_contribution(replace(warm, value=205.0)) == (
        "die temperature 205 degC, as usual under these conditions"
    )


def test_the_name_that_people_use_stands_in_front() -> None:
    assert word_contribution(contribution("die_temperature", 214.0), "Die, fixed half") == (
        "Die, fixed half 14 degC above usual"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (14.04, "14"),
        (0.12345, "0.123"),
        (1234.5, "1234"),
        (1e-6, "1.00e-06"),
        (3e9, "3.00e+09"),
        (-2.5, "-2.5"),
    ],
)
def test_numbers_are_as_short_as_people_say_them(value: float, text: str) -> None:
    assert format_value(value) == text
