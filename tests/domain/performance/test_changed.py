"""Since when fewer bad parts are found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.performance.changed import worse_from
from lineside.domain.readiness import HeldOut

NONE = HeldOut(scheme="", bad=0, found=0, good=0, false=0)
GOOD = HeldOut(scheme="by time", bad=100, found=90, good=1_000, false=1)


def _from(found: str, held_out: HeldOut = NONE) -> int | None:
    return worse_from(np.array([letter == "x" for letter in found], dtype=np.bool_), held_out)


def test_a_clean_step_is_found_where_it_is() -> None:
    assert _from("x" * 30 + "." * 20) == 30


def test_what_was_held_out_counts_among_those_before() -> None:
    assert _from("." * 20) is None
    assert _from("." * 20, GOOD) == 0
    assert _from("xxxx.xxxxx" * 2 + "." * 20, GOOD) == 20


def test_where_no_more_are_missed_than_before_there_is_no_place() -> None:
    assert _from("") is None
    assert _from("x" * 50, GOOD) is None
    assert _from("." * 20 + "x" * 30) is None


@pytest.mark.parametrize("before", [0.95, 0.7])
@given(st.integers(0, 2**32 - 1))
def test_a_step_in_chance_is_found_about_where_it_is(before: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    found = np.concatenate([random.random(200) < before, random.random(200) < 0.1])
    place = worse_from(found, GOOD)
    assert place is not None
    assert abs(place - 200) <= 25


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_from_the_place_on_the_share_is_lower_than_before(found: list[bool]) -> None:
    place = worse_from(np.array(found), GOOD)
    if place is not None:
        before = (sum(found[:place]) + GOOD.found) / (place + GOOD.bad)
        assert sum(found[place:]) / len(found[place:]) < before
