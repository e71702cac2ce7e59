from __future__ import annotations

from lineside.domain.plan.model import Reaction
from lineside.domain.reactions import choose_reaction


def reaction(name: str, *signals: str, classes: tuple[str, ...] = ()) -> Reaction:
    return Reaction.model_validate(
        {
            "id": name,
            "characteristic": "porosity",
            "signals": signals,
            "classes": classes,
            "text": "Something.",
            "steps": [{"do": "inspect", "text": "Look."}],
        }
    )


REACTIONS = (reaction("other"), reaction("cooling", "water", "die"), reaction("vacuum", "pressure"))


def test_the_cause_whose_signals_carry_most_is_chosen() -> None:
    assert choose_reaction(REACTIONS, {"water": 0.3, "die": 0.3, "pressure": 0.5}) == "cooling"


def test_shares_that_speak_against_an_alarm_do_not_count() -> None:
    assert choose_reaction(REACTIONS, {"water": 2.0, "die": -9.0, "pressure": 1.0}) == "cooling"


def test_a_cause_that_carries_little_is_no_cause() -> None:
    assert choose_reaction(REACTIONS, {"pressure": 0.2, "speed": 0.8}) == "other"


def test_nothing_positive_is_another_cause() -> None:
    assert choose_reaction(REACTIONS, {"water": -1.0}) == "other"


def test_without_a_reaction_for_the_rest_there_is_none() -> None:
    assert choose_reaction(REACTIONS[1:], {"speed": 1.0}) == ""


BY_CLASS = (reaction("any"), reaction("cold", classes=("cold_shut",)), reaction("leak", "pressure", classes=("gas",)))


def test_a_reaction_to_the_class_that_is_expected_goes_before_the_one_to_all() -> None:
    assert choose_reaction(BY_CLASS, {"speed": 1.0}, "cold_shut") == "cold"
    assert choose_reaction(BY_CLASS, {"speed": 1.0}, "gas") == "any"
    assert choose_reaction(BY_CLASS, {"pressure": 1.0}, "gas") == "leak"


def test_a_reaction_to_another_class_does_not_fit() -> None:
    assert choose_reaction(BY_CLASS, {"pressure": 1.0}, "cold_shut") == "cold"
    assert choose_reaction(BY_CLASS[1:], {"speed": 1.0}, "short_shot") == "cold"
