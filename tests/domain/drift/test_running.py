"""Counts that every part updates, against the exact distance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.domain.drift.check import check_window
from lineside.domain.drift.reference import summarise
from lineside.domain.drift.running import RunningDrift


@settings(max_examples=25)
@given(seed=st.integers(0, 1_000), moved=st.sampled_from((0.0, 0.3, 2.0)), whole=st.booleans())
def test_its_distance_is_the_exact_one_but_for_a_bin(seed: int, moved: float, *, whole: bool) -> None:
    random = np.random.default_rng(seed)
    before, window = random.normal(size=(2_000, 3)), random.normal(moved, 1.0, size=(600, 3))
    if whole:
        before, window = np.round(before), np.round(window)
    reference = summarise(("a", "b", "c"), before)
    running = RunningDrift(reference, block=1_000)
    for part in window:
        running.add(part)
    exact = {item.name: item.ks for item in check_window(reference, window)}
    for name, found in zip(reference.names, running.check(), strict=True):
        assert exact[name] - 0.005 <= found <= exact[name] + 1e-12


def test_it_forgets_what_is_older_than_two_blocks() -> None:
    random = np.random.default_rng(1)
    reference = summarise(("a",), random.normal(size=(1_000, 1)))
    running = RunningDrift(reference, block=100)
    for value in [*np.full(300, 9.0), *random.normal(size=200)]:
        running.add(np.array([value]))
    assert running.check()[0] < 0.2
    assert running.sizes() == (200,)


def test_a_missing_value_is_not_counted_and_nothing_is_no_drift() -> None:
    reference = summarise(("a", "b"), np.random.default_rng(2).normal(size=(100, 2)))
    running = RunningDrift(reference, block=10)
    assert running.check().tolist() == [0.0, 0.0]
    running.add(np.array([0.1, np.nan]))
    running.check()
    assert running.sizes() == (1, 0)


def test_it_keeps_two_kilobytes_a_feature() -> None:
    reference = summarise(("a", "b"), np.random.default_rng(2).normal(size=(100, 2)))
    assert RunningDrift(reference, block=10).state_bytes == 2 * 2048
    with pytest.raises(ValueError, match="block of 0"):
        RunningDrift(reference, block=0)
