"""Gradient-boosted trees (LightGBM: Ke et al., NeurIPS 2017) in small, safe settings, and their tables.

Shallow trees, many of them, slowly; rows and features sampled; the same seed gives the same trees. Rare classes are
given more weight, by the root of their rarity: full balance would let a handful of defects decide everything. The
calibration that follows puts the probabilities right again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import lightgbm
import numpy as np
from numpy.typing import NDArray

from lineside.domain.judging.trees import LEAF, NODE, TreeTable
from lineside.domain.readings import Float64, Int64

ROUNDS: Final = 200
_MOST_A_TREE: Final = 100_000
"""Rows that one tree is grown from at most, drawn anew for each (stochastic gradient boosting: Friedman, Comput. Stat.
Data Anal. 38, 2002); over all trees every row is used."""
_MANY_VALUES: Final = 5_000_000
_SETTINGS: Final[dict[str, Any]] = {
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_child_samples": 10,
    "min_sum_hessian_in_leaf": 1e-2,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Leaves:
    """The leaves of all trees, for the exported graph: tree, number within the tree, and output value."""

    tree: Int64
    node: Int64
    value: Float64


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Boosted:
    """Trees for ``outputs`` raw scores (one for two classes or a value, else one per class)."""

    booster: Any
    outputs: int

    def raw(self, features: Float64) -> Float64:
        """Return the raw scores of rows, shape ``(r, outputs)``."""
        scores: Float64 = np.asarray(
            self.booster.predict(features.astype(np.float32), raw_score=True), dtype=np.float64
        )
        return scores.reshape(len(features), self.outputs)


def boost_classes(
    features: Float64, label: Int64, classes: int, seed: int, *, stands_for: Float64 | None = None
) -> Boosted:
    """Learn the classes ``0 ... classes - 1`` of rows; two classes give one raw score, for class 1.

    ``stands_for`` says how many rows each of them stands for, where not all are given.
    """
    each = np.ones(len(label)) if stands_for is None else stands_for
    count = np.bincount(label, weights=each, minlength=classes)
    weight = np.sqrt(each.sum() / np.maximum(count, 1))[label] * each
    objective = {"objective": "binary"} if classes == 2 else {"objective": "multiclass", "num_class": classes}
    booster = _train(features, label, weight / weight.mean(), objective, seed)
    return Boosted(booster=booster, outputs=1 if classes == 2 else classes)


def boost_value(features: Float64, value: Float64, seed: int) -> Boosted:
    """Learn a value by least squares."""
    return Boosted(booster=_train(features, value, None, {"objective": "regression"}, seed), outputs=1)


def _train(
    features: Float64, target: NDArray[Any], weight: Float64 | None, objective: dict[str, Any], seed: int
) -> Any:
    threads = 2 if features.size > _MANY_VALUES else 1  # fixed, since sums depend on it
    leaf = max(_SETTINGS["min_child_samples"], min(len(features), _MOST_A_TREE) // 1000)
    bag = min(_SETTINGS["bagging_fraction"], _MOST_A_TREE / max(len(features), 1))
    own = {"seed": seed, "num_threads": threads, "min_child_samples": leaf, "bagging_fraction": bag}
    settings = {**_SETTINGS, **objective, **own}
    data = lightgbm.Dataset(features.astype(np.float32), target, weight=weight, params=settings, free_raw_data=True)
    return lightgbm.train(settings, data, num_boost_round=ROUNDS)


def tables(boosted: Boosted) -> tuple[TreeTable, Leaves]:
    """Return the trees' splits and leaves; thresholds are rounded down to float32.

    A float32 value is <= a threshold exactly if it is <= the greatest float32 that is not above it, so the rounding
    changes no path.
    """
    nodes: list[tuple[Any, ...]] = []
    leaves: list[tuple[int, int, float]] = []
    roots, targets = [], []
    expected = np.zeros(boosted.outputs)
    for number, tree in enumerate(boosted.booster.dump_model()["tree_info"]):
        added = _Added(nodes=nodes, leaves=leaves, tree=number, first=len(leaves))
        root, mean, _ = _add_splits(tree["tree_structure"], added)
        roots.append(root)
        targets.append(number % boosted.outputs)
        expected[number % boosted.outputs] += mean
    table = TreeTable(
        nodes=np.array(nodes, dtype=NODE),
        roots=np.array(roots, dtype=np.int32),
        target=np.array(targets, dtype=np.int32),
        expected=expected,
    )
    tree_of, node_of, value_of = zip(*leaves, strict=True)
    return table, Leaves(tree=np.array(tree_of), node=np.array(node_of), value=np.array(value_of))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Added:
    """What has been added of all trees, and where the leaves of this one begin."""

    nodes: list[tuple[Any, ...]]
    leaves: list[tuple[int, int, float]]
    tree: int
    first: int


def _add_splits(node: dict[str, Any], added: _Added) -> tuple[int, float, int]:
    """Add a node and all below it; return its position, and mean output and number of the training rows below it.

    The position of the tree's leaf number ``k`` is ``LEAF - k``.
    """
    if "split_feature" not in node:
        number, value = len(added.leaves) - added.first, float(node["leaf_value"])
        added.leaves.append((added.tree, number, value))
        return LEAF - number, value, int(node.get("leaf_count", 1))
    position = len(added.nodes)
    added.nodes.append(())
    left, left_mean, left_rows = _add_splits(node["left_child"], added)
    right, right_mean, right_rows = _add_splits(node["right_child"], added)
    rows = left_rows + right_rows
    mean = (left_mean * left_rows + right_mean * right_rows) / rows if rows else (left_mean + right_mean) / 2.0
    threshold = float(node["threshold"])
    added.nodes[position] = (
        node["split_feature"],
        int(node["default_left"] if node["missing_type"] == "NaN" else threshold >= 0.0),
        _round_down(threshold),
        left,
        right,
        left_mean - mean,
        right_mean - mean,
    )
    return position, mean, rows


def _round_down(threshold: float) -> np.float32:
    with np.errstate(over="ignore"):  # LightGBM writes 1e300 for "any number": the greatest float32 says the same
        rounded = np.float32(threshold)
    return np.nextafter(rounded, np.float32(-np.inf)) if float(rounded) > threshold else rounded
