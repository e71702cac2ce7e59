"""A tree file's own counts say whether it has seen the parts at hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.domain.adoption.memory import LeafCounts, memory_findings, seen_by_counts

TREES, LEAVES = 20, 12


def counts(found: np.ndarray, stated: np.ndarray) -> LeafCounts:
    tree = np.repeat(np.arange(TREES), LEAVES)
    return LeafCounts(tree=tree, stated=stated.ravel().astype(float), found=found.ravel().astype(float))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.55, 0.95))
def test_a_random_share_of_the_parts_at_hand_is_recognised(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.full(LEAVES, 3.0))
    chosen = rng.permutation(2000)[: int(2000 * share)]
    leaf = np.stack([rng.choice(LEAVES, 2000, p=weights) for _ in range(TREES)])
    found = np.stack([np.bincount(row, minlength=LEAVES) for row in leaf])
    stated = np.stack([np.bincount(row[chosen], minlength=LEAVES) for row in leaf])
    seen = seen_by_counts(counts(found, stated))
    assert seen is not None
    assert seen.surely


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.55, 1.0))
def test_other_parts_of_the_same_kind_are_not_called_seen(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.full(LEAVES, 3.0))
    found = rng.multinomial(2000, weights, TREES)
    stated = rng.multinomial(int(2000 * share), weights, TREES)
    seen = seen_by_counts(counts(found, stated))
    assert seen is not None
    assert not seen.surely


def test_all_of_the_parts_are_recognised_exactly() -> None:
    found = np.random.default_rng(0).multinomial(900, np.full(LEAVES, 1 / LEAVES), TREES)
    seen = seen_by_counts(counts(found, found))
    assert seen is not None
    assert seen.surely
    assert "exactly" in next(memory_findings(seen, "auc", 0.99, 0.99, 0.8)).text


@pytest.mark.parametrize("share", [0.1, 1.5])
def test_too_small_a_share_or_more_than_all_says_nothing(share: float) -> None:
    found = np.random.default_rng(0).multinomial(900, np.full(LEAVES, 1 / LEAVES), TREES)
    assert seen_by_counts(counts(found, np.round(found * share))) is None


def test_without_counts_a_figure_near_that_on_learned_parts_is_named() -> None:
    (finding,) = memory_findings(None, "auc", 0.98, 0.99, 0.8)
    assert finding.code == "scores-as-if-seen"
    assert not list(memory_findings(None, "auc", 0.82, 0.99, 0.8))
