from __future__ import annotations

import math

from lineside.domain.rule_coverage import uncovered
from lineside.testing.floors import sample_plan

PLAN = sample_plan()


def test_a_model_that_the_plan_has_a_reaction_for_is_covered() -> None:
    assert uncovered(PLAN, "porosity", (), 0.5) == ()


def test_a_class_without_a_reaction_is_named_with_the_next_step() -> None:
    only = PLAN.model_copy(update={"reactions": tuple(item for item in PLAN.reactions if item.signals)})
    [lack] = uncovered(only, "porosity", ("blowhole",), 0.5)
    assert "'porosity' as 'blowhole'" in lack
    assert "add a reaction" in lack


def test_a_model_without_a_threshold_is_not_covered() -> None:
    assert uncovered(PLAN, "porosity", (), math.nan) == ("'porosity' has no threshold: train the model again",)


def test_a_model_of_what_the_plan_does_not_know_is_not_covered() -> None:
    [lack] = uncovered(PLAN, "colour", (), 0.5)
    assert "no characteristic 'colour'" in lack
