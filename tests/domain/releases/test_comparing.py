"""Champion against challenger: who is called better, how often wrongly, and how soon rightly."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.errors import InputError
from lineside.domain.releases.comparing import ALPHA, Comparison, Losses, Pair, Relation, Wager, compare

COSTS = Losses(escape=100.0, false_alarm=10.0)
CHOICES = st.tuples(st.booleans(), st.booleans(), st.booleans())


def pairs(rng: np.random.Generator, parts: int, champion: float, challenger: float) -> Iterator[Pair]:
    """Return parts of which 5 % are bad; either is wrong so often, about bad parts and good ones alike."""
    bad, first, second = rng.random(parts) < 0.05, rng.random(parts) < champion, rng.random(parts) < challenger
    for truth, one, two in zip(bad.tolist(), first.tolist(), second.tolist(), strict=True):
        yield Pair(champion=truth ^ one, challenger=truth ^ two, bad=truth)


def looked_at_all_the_time(differences: np.ndarray, margin: float = 0.0) -> bool:
    """Return whether somebody who looks after every part ever sees enough."""
    wager = Wager(margin)
    for difference in differences.tolist():
        wager.see(difference)
        if wager.capital >= 1 / ALPHA:
            return True
    return False


@pytest.mark.parametrize(("name", "margin"), [("equal", 0.0), ("at the margin", 0.02), ("worse", 0.0)])
def test_who_looks_after_every_part_calls_a_challenger_better_wrongly_no_more_often_than_allowed(
    name: str, margin: float
) -> None:
    rng = np.random.default_rng(7)
    wrong = 0
    for _ in range(400):
        size = rng.choice([-1.0, -0.1, 0.0, 0.1, 1.0], size=800, p=[0.02, 0.03, 0.9, 0.03, 0.02])
        shift = {"equal": 0.0, "at the margin": -margin, "worse": -0.01}[name]
        moved = size if not shift else np.where(rng.random(800) < -shift, -1.0, size * (1.0 + shift))
        wrong += looked_at_all_the_time(moved, margin)
    # Of 400 with a true chance of 5 %, more than 32 come once in 200; the inequality leaves room beside.
    assert wrong <= 32


def test_a_better_challenger_is_found_and_a_worse_one_is_named() -> None:
    found = compare(pairs(np.random.default_rng(1), 4000, 0.05, 0.02), COSTS)
    assert found.relation is Relation.BETTER
    assert found.gain > 0
    found = compare(pairs(np.random.default_rng(1), 4000, 0.02, 0.05), COSTS)
    assert found.relation is Relation.WORSE
    assert found.gain < 0


def test_one_that_is_as_good_is_undecided_by_itself_and_not_worse_within_a_margin() -> None:
    same = list(pairs(np.random.default_rng(3), 4000, 0.03, 0.03))
    assert compare(same, COSTS).relation is Relation.UNDECIDED
    assert compare(same, COSTS, margin=0.05).relation is Relation.NOT_WORSE
    one = [Pair(champion=bad, challenger=bad, bad=bad) for bad in (True, False) * 500]
    assert compare(one, COSTS, margin=0.02).relation is Relation.NOT_WORSE


def test_an_escape_weighs_as_much_as_the_plan_says() -> None:
    saves = [Pair(champion=False, challenger=True, bad=True)] * 5 + [
        Pair(champion=False, challenger=True, bad=False)
    ] * 40
    assert compare(saves, COSTS).gain == pytest.approx((5 * 100 - 40 * 10) / 45)
    assert compare(saves, Losses(escape=10.0, false_alarm=10.0)).gain < 0


@given(st.lists(CHOICES, max_size=60), st.floats(0, 0.5))
def test_the_capital_is_never_negative_and_parts_without_a_difference_change_nothing(
    choices: list[tuple[bool, bool, bool]], margin: float
) -> None:
    seen = [Pair(champion=a, challenger=b, bad=c) for a, b, c in choices]
    found = compare(seen, COSTS, margin)
    assert min(found.better, found.worse, found.not_worse) >= 1.0  # the greatest so far begins with 1
    agreed = [Pair(champion=True, challenger=True, bad=True)] * 20
    again = compare([*agreed, *seen], COSTS, margin)
    assert again.better == pytest.approx(found.better)
    assert again.worse == pytest.approx(found.worse)
    mirrored = compare([Pair(champion=p.challenger, challenger=p.champion, bad=p.bad) for p in seen], COSTS)
    assert mirrored.better == pytest.approx(found.worse)


@given(st.lists(st.floats(-1, 1), max_size=50), st.floats(0, 0.9))
def test_no_part_can_ruin_who_bets(differences: list[float], margin: float) -> None:
    wager = Wager(margin)
    for difference in differences:
        wager.see(difference)
        assert wager.capital > 0


def test_what_costs_nothing_cannot_be_compared() -> None:
    with pytest.raises(InputError, match="nothing to compare"):
        compare([], Losses(escape=0.0, false_alarm=0.0))
    assert isinstance(compare([], COSTS), Comparison)
