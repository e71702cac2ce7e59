"""Exact Shapley values: against LightGBM's own, and against the definition."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pytest

from lineside.domain.judging.shapley import shapley_table, shapley_values
from lineside.domain.judging.trees import NODE, TreeTable
from lineside.domain.readings import Float64
from lineside.learn.boosting import Boosted, boost_classes, boost_value, tables

ONE = np.ones(1, dtype=np.float32)


def rows(count: int, width: int, seed: int) -> Float64:
    chance = np.random.default_rng(seed)
    features = chance.normal(size=(count, width)).astype(np.float32).astype(np.float64)
    features[chance.random(features.shape) < 0.05] = np.nan
    return features


def learned(kind: str) -> tuple[Boosted, Float64]:
    features = rows(1_500, 12, 0)
    filled = np.nan_to_num(features)
    level = filled[:, 0] + filled[:, 1] * filled[:, 2] + 0.3 * np.isnan(features[:, 3])
    if kind == "value":
        return boost_value(features, level, 0), features
    classes = 2 if kind == "two classes" else 3
    return boost_classes(features, np.digitize(level, (0.8, 1.8)[: classes - 1]), classes, 0), features


@pytest.mark.parametrize("kind", ["value", "two classes", "three classes"])
def test_exact_shares_equal_those_of_lightgbm(kind: str) -> None:
    boosted, _ = learned(kind)
    later = rows(40, 12, 1)
    reference = boosted.booster.predict(later, pred_contrib=True).reshape(len(later), boosted.outputs, -1)[:, :, :-1]
    table = shapley_table(tables(boosted)[0])
    for output, weights in enumerate(np.eye(boosted.outputs, dtype=np.float32)):
        found = [shapley_values(table, row, weights) for row in later.astype(np.float32)]
        np.testing.assert_allclose(found, reference[:, output], atol=2e-6)


def test_shares_sum_to_the_score_less_its_expectation() -> None:
    boosted, _ = learned("two classes")
    later = rows(40, 12, 2)
    table, _ = tables(boosted)
    sums = [shapley_values(shapley_table(table), row, ONE).sum() for row in later.astype(np.float32)]
    np.testing.assert_allclose(sums, boosted.raw(later)[:, 0] - table.expected[0], atol=1e-5)


def chain(depth: int, seed: int) -> tuple[TreeTable, Float64]:
    """Return a tree that splits on one input after another, some twice, and the share of rows that went left."""
    chance = np.random.default_rng(seed)
    left, leaves = chance.uniform(0.2, 0.8, depth), chance.normal(size=depth + 1)
    expected = np.append(np.zeros(depth), leaves[-1])
    for i in reversed(range(depth)):
        expected[i] = left[i] * leaves[i] + (1.0 - left[i]) * expected[i + 1]
    nodes = np.zeros(depth, dtype=NODE)
    nodes["feature"] = np.arange(depth) % (depth - 2)
    nodes["left"], nodes["right"] = -1 - np.arange(depth), np.append(np.arange(1, depth), -1 - depth)
    nodes["gain_left"], nodes["gain_right"] = leaves[:-1] - expected[:-1], expected[1:] - expected[:-1]
    roots = np.array([0, -1], dtype=np.int32)  # the second tree has no split
    return TreeTable(nodes=nodes, roots=roots, target=np.zeros(2, np.int32), expected=np.zeros(1)), left


def value_of(table: TreeTable, left: Float64, row: Float64, known: frozenset[int], node: int = 0) -> float:
    """Return the tree's output less its expectation where only some inputs are known."""
    if node < 0:
        return 0.0
    split = table.nodes[node]
    sides = [
        float(split[f"gain_{name}"]) + value_of(table, left, row, known, int(split[name])) for name in ("left", "right")
    ]
    if int(split["feature"]) in known:
        return sides[0] if row[split["feature"]] <= split["threshold"] else sides[1]
    return float(left[node]) * sides[0] + (1.0 - float(left[node])) * sides[1]


@pytest.mark.parametrize("depth", [4, 7])
def test_shares_are_what_the_definition_says_also_where_a_path_asks_twice(depth: int) -> None:
    table, left = chain(depth, depth)
    inputs = depth - 2
    for row in np.random.default_rng(1).normal(size=(8, inputs)).astype(np.float32):
        found = shapley_values(shapley_table(table), row, ONE)
        for k in range(inputs):
            others, wanted = [j for j in range(inputs) if j != k], 0.0
            for size in range(inputs):
                weight = factorial(size) * factorial(inputs - 1 - size) / factorial(inputs)
                for some in combinations(others, size):
                    known = frozenset(some)
                    gain = value_of(table, left, row, known | {k}) - value_of(table, left, row, known)
                    wanted += weight * gain
            assert found[k] == pytest.approx(wanted, abs=1e-5)


def test_trees_deeper_than_one_rule_reaches_take_several() -> None:
    table, _ = chain(40, 3)
    prepared = shapley_table(table)
    assert len(prepared.rules) == 3
    row = np.full(38, 1.0, dtype=np.float32)  # always right: the last leaf
    gains = float(table.nodes["gain_right"].astype(np.float64).sum())
    assert shapley_values(prepared, row, ONE).sum() == pytest.approx(gains, abs=1e-5)


def test_trees_without_any_split_carry_nothing() -> None:
    bare = TreeTable(
        nodes=np.zeros(0, dtype=NODE), roots=np.array([-1], np.int32), target=np.zeros(1, np.int32), expected=np.ones(1)
    )
    assert not shapley_values(shapley_table(bare), np.zeros(3, np.float32), ONE).any()
