"""Naming a class leans towards the nonconforming ones as far as the plan's least recall asks, and no farther."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.domain.readings import Float64, Int64
from lineside.learn.calibrate import lean

BAD = np.array([0])


def parts(count: int, seed: int) -> tuple[Float64, Int64]:
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 3, count)
    return rng.normal(size=(count, 3)) + 1.5 * np.eye(3)[label], label


def recall(logits: Float64, label: Int64, leaning: float) -> float:
    named = np.argmax(logits + leaning * np.array([1.0, 0.0, 0.0]), axis=1)
    return float(np.mean(named[label == 0] == 0))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.sampled_from([0.5, 0.8, 0.9]))
def test_held_out_parts_reach_the_least_recall(seed: int, least: float) -> None:
    logits, label = parts(400, seed)
    leaning = lean(logits, label, BAD, least)
    assert leaning >= 0.0
    assert recall(logits, label, leaning + 1e-9) >= least


def test_on_average_later_parts_reach_it_too() -> None:
    found = []
    for seed in range(60):
        leaning = lean(*parts(150, seed), BAD, 0.9)
        found.append(recall(*parts(2000, 1000 + seed), leaning))
    assert np.mean(found) >= 0.895


def test_nothing_is_leant_where_enough_are_named_anyway_or_too_few_are_known() -> None:
    logits, label = parts(300, 1)
    assert lean(logits, label, BAD, 0.1) == 0.0
    assert lean(logits[:6], label[:6], BAD, 0.999) == 0.0
