"""Inspection that has gone silent is told from inspection that looks at few parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.performance.silent import LEAST_SILENT, silence
from lineside.domain.units import HOUR, SECOND
from lineside.testing.judged_parts import made_of

LATER = 100_000 * SECOND
LAG_PARTS = 2 * HOUR // SECOND


def _known(known: list[int], now: int = LATER) -> int:
    found = silence(made_of([0] * len(known), [0] * len(known), known), now)
    return 0 if found is None else found.parts


def test_parts_that_should_have_their_truth_and_have_none_are_a_silence() -> None:
    assert _known([1] * 500 + [0] * 40) == 40
    assert _known([1] * 500 + [0] * (LEAST_SILENT - 1)) == 0


def test_parts_that_are_younger_than_truth_takes_are_not_waited_for() -> None:
    known = [1] * 500 + [0] * 60
    assert _known(known, now=(500 + LAG_PARTS + 20) * SECOND) == 0
    assert _known(known, now=(500 + LAG_PARTS + 40) * SECOND) == 41


@pytest.mark.parametrize(("every", "silent"), [(20, 0), (100, 0)])
def test_inspection_of_one_lot_in_a_while_is_not_silent_between_two(every: int, silent: int) -> None:
    known = ([1] * 20 + [0] * every * 2) * 6
    assert _known(known) == silent
    assert _known(known + [0] * every * 5) == every * 7


def test_one_earlier_outage_does_not_hide_the_next() -> None:
    assert _known([1] * 200 + [0] * 400 + [1] * 200 + [0] * 50) == 50


def test_without_enough_truth_before_nothing_is_said() -> None:
    assert _known([1] * 20 + [0] * 4_000) == 0
    assert _known([0] * 4_000) == 0


@given(st.floats(0.05, 1.0), st.integers(0, 2**32 - 1))
def test_parts_that_are_looked_at_by_chance_hardly_ever_seem_silent(share: float, seed: int) -> None:
    known = np.random.default_rng(seed).random(3_000) < share
    found = silence(made_of([0] * 3_000, [0] * 3_000, known.astype(int).tolist()), LATER)
    assert found is None


def test_it_says_how_much_truth_was_usual_and_since_when_there_is_none() -> None:
    known = [1, 0] * 300 + [0] * 100
    found = silence(made_of([0] * 700, [0] * 700, known), LATER)
    assert found is not None
    assert (found.parts, found.since, found.lag) == (101, 598 * SECOND, 2 * HOUR)
    assert found.usual == pytest.approx(0.5, abs=0.01)
