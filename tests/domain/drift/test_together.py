"""Drift that no feature shows by itself."""

from __future__ import annotations

import numpy as np

from lineside.domain.drift.check import Verdict, check_window
from lineside.domain.drift.reference import summarise
from lineside.domain.drift.together import check_together, learn_together


def _pair(rows: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    first = random.normal(size=rows)
    return np.column_stack([first, first + 0.1 * random.normal(size=rows), random.normal(size=rows)])


def test_a_relation_that_breaks_shows_although_every_feature_is_as_before() -> None:
    before, window = _pair(4_000, 1), _pair(1_000, 2)
    window[:, 1] = np.roll(window[:, 1], 7)
    learned = learn_together(before)
    assert learned is not None
    alone = check_window(summarise(("a", "b", "c"), before), window)
    assert {item.verdict for item in alone} == {Verdict.STEADY}
    assert [item.name for item in check_together(learned, window) if item.verdict is Verdict.DRIFTED] == ["SPE"]


def test_nothing_is_named_where_all_is_as_before_and_gaps_are_left_out() -> None:
    learned, window = learn_together(_pair(4_000, 3)), _pair(1_000, 4)
    window[::5, 2] = np.nan
    assert learned is not None
    found = check_together(learned, window)
    assert {(item.verdict, item.parts) for item in found} == {(Verdict.STEADY, 800)}


def test_too_few_parts_or_a_single_feature_that_varies_say_nothing() -> None:
    assert learn_together(_pair(60, 5)) is None
    constant = np.zeros((500, 3))
    constant[:, 0] = np.arange(500)
    assert learn_together(constant) is None
