"""Golden parts compared: a lost class is never hidden by the average."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.acceptance import GoldenAnswer, Tolerance, compare

STRICT = Tolerance(score=1e-3, decisions=1.0)


def answers(label: str, count: int, state: str = "normal", score: float | None = 1.0) -> list[GoldenAnswer]:
    return [GoldenAnswer(label=label, state=state, score=score, shares={"x": 0.5})] * count


def test_the_same_answers_are_accepted() -> None:
    reference = answers("good", 90) + answers("crack", 2, "alarm", 5.0)
    found = compare(reference, reference, STRICT)
    assert found.problems == ()
    assert (found.worst_score, found.worst_share) == (0.0, 0.0)


def test_a_lost_class_is_named_however_rare_it_is() -> None:
    reference = answers("good", 98) + answers("crack", 2, "alarm")
    given_here = answers("good", 98) + answers("crack", 2, "normal")
    (problem,) = compare(reference, given_here, Tolerance(score=1.0, decisions=0.9)).problems
    assert problem.startswith("crack: 0 of 2 golden parts")
    assert "90%" in problem


def test_another_class_predicted_is_another_decision() -> None:
    one = [GoldenAnswer(label="crack", state="alarm", predicted="crack", score=1.0)]
    two = [GoldenAnswer(label="crack", state="alarm", predicted="pore", score=1.0)]
    assert compare(one, two, STRICT).classes["crack"].agree == 0


@pytest.mark.parametrize(("here", "accepted"), [(1.0, True), (1.0019, True), (1.0021, False), (None, False)])
def test_scores_may_differ_within_the_tolerance_only(here: float | None, accepted: bool) -> None:  # noqa: FBT001
    found = compare(answers("", 1), answers("", 1, score=here), STRICT)
    assert (found.problems == ()) is accepted


def test_a_score_that_is_no_number_is_no_small_difference() -> None:
    assert math.isinf(compare(answers("", 1), answers("", 1, score=None), STRICT).worst_score)
    assert compare(answers("", 1, score=None), answers("", 1, score=None), STRICT).worst_score == 0.0


def test_contributions_are_compared_where_both_name_the_signal() -> None:
    one = [GoldenAnswer(state="alarm", score=1.0, shares={"x": 0.5, "y": 0.4})]
    two = [GoldenAnswer(state="alarm", score=1.0, shares={"x": 0.9, "z": 0.4})]
    found = compare(one, two, STRICT)
    assert found.worst_share == pytest.approx(0.2)
    assert "contributions" in found.problems[0]


@given(st.lists(st.sampled_from(["good", "crack", ""]), min_size=1, max_size=30), st.data())
def test_every_class_is_counted_once(labels: list[str], data: st.DataObject) -> None:
    reference = [GoldenAnswer(label=name, state="normal", score=0.0) for name in labels]
    turned = data.draw(st.sets(st.integers(0, len(labels) - 1)))
    found = [
        GoldenAnswer(label=name, state="alarm" if i in turned else "normal", score=0.0) for i, name in enumerate(labels)
    ]
    classes = compare(reference, found, STRICT).classes
    assert sum(item.parts for item in classes.values()) == len(labels)
    assert sum(item.parts - item.agree for item in classes.values()) == len(turned)


def test_answers_without_a_reference_cannot_be_compared() -> None:
    for reference in (answers("", 2), [GoldenAnswer(label="good")]):
        with pytest.raises(ValueError, match="reference"):
            compare(reference, answers("", 1), STRICT)
