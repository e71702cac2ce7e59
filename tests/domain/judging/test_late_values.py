"""Values as late measurements correct them: each measurement counts once, whenever it is told and however often."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.correction import CorrectionState
from lineside.domain.judging.late_values import (
    MOST_EXPECTED,
    LateState,
    LateValues,
    moved_score,
    out_of_specification,
    regime_of,
)

HALF = 1.645


def after(measured: list[tuple[str, float]], parts: int = 60) -> LateValues:
    late = LateValues(HALF)
    for number in range(parts):
        late.made(f"u{number}", "", 10.0)
    for unit, value in measured:
        late.measured(unit, value)
    return late


def test_a_model_speaks_for_itself_until_a_part_has_been_measured() -> None:
    assert after([]).foresee("") is None


def test_what_is_measured_is_added_to_what_comes_next_and_the_interval_says_how_sure_that_is() -> None:
    found = after([(f"u{number}", 12.0 + 0.1 * (number % 3)) for number in range(50)]).foresee("")
    assert found is not None
    assert found.bias == pytest.approx(2.1, abs=0.3)
    assert found.measured == 50
    assert found.half_width < HALF


@given(st.lists(st.tuples(st.integers(0, 80), st.floats(5.0, 15.0)), max_size=60))
def test_a_part_counts_once_and_what_is_told_again_changes_nothing(told: list[tuple[int, float]]) -> None:
    items = [(f"u{number}", value) for number, value in told]
    first = dict(reversed(items))
    once = after([(name, first[name]) for name in dict.fromkeys(name for name, _ in items)])
    again = after([*items, *items])
    assert again.foresee("") == once.foresee("")
    assert again.taken == once.taken
    assert again.taken + again.unknown == 2 * len(items)


@given(st.lists(st.tuples(st.integers(0, 59), st.floats(5.0, 15.0)), max_size=40), st.integers(0, 40))
def test_a_restart_between_any_two_measurements_changes_no_bit(told: list[tuple[int, float]], cut: int) -> None:
    items = [(f"u{number}", value) for number, value in told]
    whole, first = after(items), after(items[:cut])
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(first.state()), type=LateState)
    second = LateValues(HALF)
    second.restore(kept)
    for unit, value in items[cut:]:
        second.measured(unit, value)
    assert second.foresee("") == whole.foresee("")
    assert second.state() == whole.state()


def test_only_the_newest_parts_are_waited_for() -> None:
    late = after([], parts=MOST_EXPECTED + 1)
    assert not late.measured("u0", 12.0)
    assert late.measured("u1", 12.0)
    assert (late.taken, late.unknown) == (1, 1)


def test_a_state_of_other_filters_is_refused() -> None:
    with pytest.raises(ValueError, match="other filters"):
        LateValues(HALF).restore(LateState(correction=CorrectionState(weight=(1.0,))))


def test_a_regime_is_what_the_plans_setup_says() -> None:
    assert regime_of({"variant": "A", "hall": "2"}, ("variant", "tool")) == "A|"
    assert regime_of({"variant": "A"}, ()) == ""


def test_a_score_says_how_far_a_value_is_beyond_the_nearer_limit() -> None:
    assert moved_score(14.0, 2.0, 8.0, 12.0) == 1.0
    assert moved_score(7.0, 2.0, 8.0, 12.0) == 0.5
    assert moved_score(7.0, 2.0, 8.0, None) == 0.5
    assert moved_score(7.0, 2.0, None, None) is None


def test_the_risk_is_the_share_of_measured_values_beyond_the_limits() -> None:
    drawn = np.random.default_rng(0).normal(11.0, 1.0, 200_000)
    share = float(np.mean((drawn < 8.0) | (drawn > 12.0)))
    assert out_of_specification(11.0, 1.0, 8.0, 12.0) == pytest.approx(share, abs=0.005)
    assert out_of_specification(11.0, 1.0, None, None) is None
