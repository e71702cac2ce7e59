"""The trees of an ONNX graph that is one tree operator and nothing else (ONNX-ML, TreeEnsembleClassifier/Regressor)."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from onnx import helper

from lineside.domain.errors import DataError
from lineside.domain.readings import Float64, Int64
from lineside.learn.brought_trees import RawTree, tree_model
from lineside.learn.prototype import TreeModel

_OPERATORS: Final = frozenset({"TreeEnsembleClassifier", "TreeEnsembleRegressor"})
_HARMLESS: Final = frozenset({"Cast", "Identity"})
_BORDERS: Final = {"BRANCH_LEQ": False, "BRANCH_LT": True}


def trees_of(model: Any) -> TreeModel | None:
    """Return the trees of a graph, None where it is more than trees or its trees are of another form."""
    operators = [node for node in model.graph.node if node.op_type in _OPERATORS]
    others = {node.op_type for node in model.graph.node} - _OPERATORS - _HARMLESS
    if len(operators) != 1 or others:
        return None
    given = {item.name: helper.get_attribute_value(item) for item in operators[0].attribute}
    try:
        return _trees(given, operators[0].op_type)
    except (DataError, KeyError, ValueError, IndexError):
        return None  # it is run as the graph that it is


def _trees(given: dict[str, Any], operator: str) -> TreeModel | None:
    prefix = "class" if operator == "TreeEnsembleClassifier" else "target"
    modes = [mode.decode() if isinstance(mode, bytes) else mode for mode in given["nodes_modes"]]
    if set(modes) - set(_BORDERS) - {"LEAF"} or given.get("aggregate_function", b"SUM") not in {b"SUM", b"AVERAGE"}:
        return None
    target_of = np.array(given[f"{prefix}_ids"], dtype=np.int64)
    outputs = _outputs(given, operator, target_of)
    node_tree = np.array(given["nodes_treeids"], dtype=np.int64)
    weights = _weights(given, prefix)
    share = 1.0 / len(np.unique(node_tree)) if given.get("aggregate_function") == b"AVERAGE" else 1.0
    base = np.array(given.get("base_values") or [0.0], dtype=np.float64)
    if outputs == 2 and operator == "TreeEnsembleClassifier":  # of two classes the second alone says it all
        weights = {leaf: {0: said[1]} for leaf, said in weights.items() if 1 in said}
        outputs, base = 1, base[-1:]
    trees = [
        tree
        for number in np.unique(node_tree)
        for tree in _one(given, modes, np.flatnonzero(node_tree == number), weights, outputs, share)
    ]
    return tree_model(trees, outputs, np.resize(base, outputs), counted=False)


def _outputs(given: dict[str, Any], operator: str, target_of: Int64) -> int:
    """Return the number of raw answers: one for two classes whose leaves speak of one of them."""
    if operator == "TreeEnsembleRegressor":
        return int(given.get("n_targets", 1))
    classes = len(given.get("classlabels_int64s") or given.get("classlabels_strings") or [])
    return 1 if classes == 2 and len(np.unique(target_of)) == 1 else classes


def _weights(given: dict[str, Any], prefix: str) -> dict[tuple[int, int], dict[int, float]]:
    """Return what each leaf adds, by tree and node, to each target."""
    found: dict[tuple[int, int], dict[int, float]] = {}
    columns = (given[f"{prefix}_{name}"] for name in ("treeids", "nodeids", "ids", "weights"))
    for tree, node, target, weight in zip(*columns, strict=True):
        found.setdefault((int(tree), int(node)), {})[int(target)] = float(weight)
    return found


def _one(
    given: dict[str, Any],
    modes: list[str],
    rows: Int64,
    weights: dict[tuple[int, int], dict[int, float]],
    outputs: int,
    share: float,
) -> list[RawTree]:
    """Return one tree per output that its leaves speak of; the node without a parent is the root."""
    tree = int(given["nodes_treeids"][rows[0]])
    nodes = [int(given["nodes_nodeids"][row]) for row in rows]
    splits = [row for row in rows if modes[row] != "LEAF"]
    leaves = [row for row in rows if modes[row] == "LEAF"]
    children = {int(given[f"nodes_{side}nodeids"][row]) for row in splits for side in ("true", "false")}
    root = next(row for row, node in zip(rows, nodes, strict=True) if node not in children)
    splits = [row for row in splits if row == root] + [row for row in splits if row != root]
    place = {int(given["nodes_nodeids"][row]): i for i, row in enumerate(splits)}
    place |= {int(given["nodes_nodeids"][row]): -1 - i for i, row in enumerate(leaves)}
    said = [weights.get((tree, int(given["nodes_nodeids"][row])), {}) for row in leaves]
    targets = sorted({target for item in said for target in item}) or [0]
    return [
        RawTree(
            feature=_ints(given["nodes_featureids"], splits),
            threshold=_borders(given, modes, splits),
            missing_left=_ints(given.get("nodes_missing_value_tracks_true") or [0] * len(modes), splits),
            left=np.array([place[int(given["nodes_truenodeids"][row])] for row in splits], dtype=np.int64),
            right=np.array([place[int(given["nodes_falsenodeids"][row])] for row in splits], dtype=np.int64),
            value=np.array([item.get(target, 0.0) * share for item in said]),
            count=np.ones(len(leaves)),
            target=0 if outputs == 1 else target,
        )
        for target in targets
    ]


def _ints(values: Any, rows: list[Any]) -> Int64:
    return np.array([values[row] for row in rows], dtype=np.int64)


def _borders(given: dict[str, Any], modes: list[str], splits: list[Any]) -> Float64:
    """Return thresholds of "not above"; "below" becomes the next float32 below."""
    values = np.array([given["nodes_values"][row] for row in splits], dtype=np.float32)
    below = np.array([_BORDERS[modes[row]] for row in splits], dtype=np.bool_)
    return np.where(below, np.nextafter(values, np.float32(-np.inf)), values).astype(np.float64)
