from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.following import HOLD, FollowedLimit, FollowFacts, follow_facts
from lineside.domain.limits import conformal_limit
from lineside.domain.readings import Float64

FACTS = FollowFacts(watch=1.0, share=0.2, step=0.01, reach=1.5)
LIMIT = 4.0
_SCORES = st.lists(st.floats(-10.0, 10.0), max_size=300)


def _run(followed: FollowedLimit, scores: Sequence[float], first: int = 1) -> list[bool]:
    alarms = []
    for i, score in enumerate(scores):
        alarms.append(score > followed.value)
        followed.observe(score, ended=first + i, suspected=alarms[-1])
    return alarms


@given(_SCORES)
def test_the_limit_never_leaves_its_reach_whatever_comes(scores: list[float]) -> None:
    followed = FollowedLimit(LIMIT, FACTS)
    for i, score in enumerate(scores):
        followed.observe(score, ended=i, suspected=False)
        assert abs(followed.value - LIMIT) <= FACTS.reach


@given(_SCORES, st.integers(1, 50))
def test_a_fault_in_alarm_stays_in_alarm_for_as_long_as_it_lasts(before: list[float], excess: int) -> None:
    followed = FollowedLimit(LIMIT, FACTS)
    _run(followed, before)
    fault = followed.value + excess / 50
    assert all(_run(followed, [fault] * 2000, first=len(before) + 1))


def test_good_parts_between_those_in_alarm_do_not_let_a_fault_walk_the_limit_away() -> None:
    """A part in alarm at least once in `HOLD` parts: nobody teaches, however high the others lie."""
    followed = FollowedLimit(LIMIT, FACTS)
    alarms = _run(followed, [5.0 if i % HOLD == 0 else 3.9 for i in range(4000)])
    assert followed.value == LIMIT
    assert sum(alarms) == 200


def test_a_fault_that_grows_ever_so_slowly_is_seen_beyond_the_reach() -> None:
    followed = FollowedLimit(LIMIT, FACTS)
    rise = np.linspace(0.0, LIMIT + FACTS.reach + 0.1, 50_000)
    alarms = np.array(_run(followed, rise.tolist()))
    assert alarms[rise > LIMIT + FACTS.reach].all()


@given(_SCORES)
def test_it_moves_by_how_often_its_watch_line_was_exceeded_and_by_nothing_else(scores: list[float]) -> None:
    """So the long-run share above the line differs from its target by at most moved / (step * parts)."""
    followed = FollowedLimit(LIMIT, FollowFacts(watch=1.0, share=0.2, step=1e-3, reach=1e9))
    _run(followed, scores)
    state = followed.state()
    assert state.moved == pytest.approx(1e-3 * (state.above - 0.2 * state.taught), abs=1e-12)


@given(_SCORES, st.integers(0, 300))
def test_a_limit_that_was_restored_goes_on_as_if_nothing_had_been(scores: list[float], cut: int) -> None:
    whole, first = FollowedLimit(LIMIT, FACTS), FollowedLimit(LIMIT, FACTS)
    _run(whole, scores)
    _run(first, scores[:cut])
    second = FollowedLimit(LIMIT, FACTS, first.state())
    _run(second, scores[cut:], first=min(cut, len(scores)) + 1)
    assert second.state() == whole.state()


def test_a_part_older_than_the_newest_changes_nothing() -> None:
    followed = FollowedLimit(LIMIT, FACTS)
    _run(followed, [0.0] * 30)
    before = followed.state()
    followed.observe(0.0, ended=3, suspected=False)
    assert followed.state() == before


def _exponential(rows: int, seed: int, scale: float = 1.0) -> Float64:
    return np.random.default_rng(seed).exponential(scale, size=rows)


def test_on_parts_like_those_that_set_it_the_limit_stays_about_where_it_is() -> None:
    scores = _exponential(4000, 0)
    limit = conformal_limit(scores, 0.01).value
    facts = follow_facts(scores, limit, 4000.0, 0.5)
    assert facts is not None
    followed = FollowedLimit(limit, facts)
    rate = np.mean(_run(followed, _exponential(20_000, 1).tolist()))
    assert rate == pytest.approx(0.01, abs=0.004)
    assert abs(followed.state().moved) < 0.5 * facts.reach


def test_when_normal_moves_the_false_alarms_come_back_to_their_rate() -> None:
    scores = _exponential(4000, 0)
    limit = conformal_limit(scores, 0.01).value
    facts = follow_facts(scores, limit, 4000.0, 0.5)
    assert facts is not None
    followed = FollowedLimit(limit, facts)
    later = 1.0 + _exponential(20_000, 2)
    alarms = np.array(_run(followed, later.tolist()))
    assert np.mean(later > limit) > 0.02
    assert np.mean(alarms[5000:]) == pytest.approx(0.01, abs=0.004)


def test_dependent_rows_make_it_slower_and_the_reach_is_stated_in_parts() -> None:
    scores = _exponential(4000, 0)
    quick, slow = follow_facts(scores, 5.0, 4000.0, 0.5), follow_facts(scores, 5.0, 40.0, 0.5)
    assert quick is not None
    assert slow is not None
    assert slow.step == pytest.approx(quick.step / 100)
    assert slow.parts_to_reach == math.ceil(slow.reach / (slow.step * (1 - slow.share)))


@pytest.mark.parametrize("scores", [np.zeros(100), np.arange(5.0)])
def test_scores_that_say_nothing_of_a_watch_line_leave_the_limit_where_it_is(scores: Float64) -> None:
    assert follow_facts(scores, float(scores.max()), float(len(scores)), 0.5) is None
