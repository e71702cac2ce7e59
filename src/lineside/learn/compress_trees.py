"""Tree ensembles made smaller or walked by compiled code.

*Pruned*: splits whose two leaves differ little from the split's own expectation become leaves with that expectation,
from the leaves upwards (reduced-error pruning by value rather than by count: Breiman et al., *Classification and
Regression Trees*, 1984, chapter 3, with the loss taken on the score). The threshold is the greatest for which no score
of the given rows moves by more than a tolerance and none crosses the limit. Trees that are left without a split are
added up into one. *Compiled*: the same trees, walked by compiled code, and the rest of the graph behind them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper

from lineside.domain.judging.trees import LEAF, NODE, TreeTable
from lineside.domain.readings import Float64
from lineside.learn.boosting import Leaves
from lineside.learn.export_trees import tree_attributes
from lineside.learn.runtime import ExportedModel
from lineside.learn.supervised_family import tree_files
from lineside.wire.bundle import (
    MODEL_FILE,
    TREE_EXPECTED,
    TREE_LEAVES,
    TREE_NODES,
    TREE_ROOTS,
    TREE_TARGET,
    Bundle,
    array_bytes,
)

Made = tuple[Mapping[str, bytes] | None, str]
_OPERATOR: Final = "TreeEnsembleRegressor"
_STEPS: Final = 12
_MOST_ROWS: Final = 1_000
_NO_TREES: Final = "does not suit: the model has no trees"
_GIVEN: Final = "does not suit: the graph itself works out what its trees see of the conditions"


def pruned_trees(bundle: Bundle, inputs: Float64, tolerance: float) -> Made:
    """Return a model with fewer splits, its scores on the rows ``(n, inputs)`` within the tolerance."""
    if TREE_NODES not in bundle.files or TREE_LEAVES in bundle.files:
        return None, _NO_TREES
    model = onnx.load_from_string(bundle.files[MODEL_FILE])
    table, leaves = _table(bundle), _leaves(_tree_node(model))
    rows = inputs[-_MOST_ROWS:]
    before, limit = _scores(bundle.files[MODEL_FILE], rows), bundle.manifest.limit
    low, high = 0.0, float(max(np.abs(table.nodes["gain_left"]).max(), np.abs(table.nodes["gain_right"]).max()))
    best: tuple[TreeTable, bytes] | None = None
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        fewer = _pruned(table, leaves, middle)
        graph = _with_trees(bundle.files[MODEL_FILE], *fewer)
        after = _scores(graph, rows)
        moved = np.nanmax(np.abs(after - before) / (1.0 + np.abs(before)))
        if moved <= tolerance and np.array_equal(before > limit, after > limit):
            low, best = middle, (fewer[0], graph)
        else:
            high = middle
    if best is None or len(best[0].nodes) == len(table.nodes):
        return None, f"does not suit: no split can go without moving a score by more than {tolerance:g}"
    how = f"{len(best[0].nodes)} of {len(table.nodes)} splits in {len(best[0].roots)} of {len(table.roots)} trees"
    return {MODEL_FILE: best[1], **tree_files(best[0])}, f"{how}, by {len(rows)} rows"


def compiled_trees(bundle: Bundle) -> Made:
    """Return a model whose trees are walked by compiled code."""
    if TREE_NODES not in bundle.files or TREE_LEAVES in bundle.files:
        return None, _NO_TREES
    model = onnx.load_from_string(bundle.files[MODEL_FILE])
    if any(item.name == "seen" for item in model.graph.output):
        return None, _GIVEN
    node, table = _tree_node(model), _table(bundle)
    leaves = _leaves(node)
    numbered = _with_global_leaves(table, leaves)
    outputs = len(table.expected)
    for other in model.graph.node:
        for place, name in enumerate(other.input):
            if name == node.output[0]:
                other.input[place] = "raw"
    model.graph.node.remove(node)
    del model.graph.input[:]
    model.graph.input.append(helper.make_tensor_value_info("raw", TensorProto.FLOAT, [1, outputs]))
    files = {
        MODEL_FILE: bytes(model.SerializeToString(deterministic=True)),
        TREE_LEAVES: array_bytes(leaves.value.astype(np.float32)),
        **tree_files(numbered),
    }
    return files, f"{len(table.roots)} trees walked by compiled code, {len(model.graph.node)} operators behind them"


def _table(bundle: Bundle) -> TreeTable:
    return TreeTable(
        nodes=bundle.array(TREE_NODES),
        roots=bundle.array(TREE_ROOTS),
        target=bundle.array(TREE_TARGET),
        expected=bundle.array(TREE_EXPECTED),
    )


def _tree_node(model: Any) -> Any:
    return next(node for node in model.graph.node if node.op_type == _OPERATOR)


def _leaves(node: Any) -> Leaves:
    """Return the leaves of an exported ensemble: within a tree they are numbered behind the splits."""
    given = {item.name: helper.get_attribute_value(item) for item in node.attribute}
    tree = np.array(given["target_treeids"], dtype=np.int64)
    number = np.array(given["target_nodeids"], dtype=np.int64)
    first = {int(t): int(number[tree == t].min()) for t in np.unique(tree)}
    within = number - np.array([first[int(t)] for t in tree])
    return Leaves(tree=tree, node=within, value=np.array(given["target_weights"], dtype=np.float64))


def _pruned(table: TreeTable, leaves: Leaves, threshold: float) -> tuple[TreeTable, Leaves]:
    """Return the trees without splits of which neither side moves the output by more than the threshold."""
    nodes: list[tuple[Any, ...]] = []
    kept: list[tuple[int, int, float]] = []
    roots: list[int] = []
    target: list[int] = []
    constant = np.zeros(len(table.expected))
    for tree, root in enumerate(table.roots.tolist()):
        values = leaves.value[leaves.tree == tree]
        shape = _shape(table, int(root), values, threshold)
        if isinstance(shape, float):
            constant[table.target[tree]] += shape
            continue
        own: list[float] = []
        roots.append(_flatten(shape, nodes, own))
        kept += [(len(roots) - 1, number, value) for number, value in enumerate(own)]
        target.append(int(table.target[tree]))
    for output in np.flatnonzero(constant).tolist():
        kept.append((len(roots), 0, float(constant[output])))
        roots.append(LEAF)
        target.append(output)
    tree_of, node_of, value_of = (np.array(column) for column in zip(*kept, strict=True))
    smaller = TreeTable(
        nodes=np.array(nodes, dtype=NODE),
        roots=np.array(roots, dtype=np.int32),
        target=np.array(target, dtype=np.int32),
        expected=table.expected,
    )
    return smaller, Leaves(tree=tree_of, node=node_of, value=value_of)


def _shape(table: TreeTable, position: int, values: Float64, threshold: float) -> Any:
    """Return what is left below a position: the value of a leaf, or a split with both its sides."""
    if position < 0:
        return float(values[LEAF - position])
    node = table.nodes[position]
    left = _shape(table, int(node["left"]), values, threshold)
    right = _shape(table, int(node["right"]), values, threshold)
    flat = isinstance(left, float) and isinstance(right, float)
    if flat and max(abs(node["gain_left"]), abs(node["gain_right"])) <= threshold:
        return left - float(node["gain_left"])
    return node, left, right


def _flatten(shape: Any, nodes: list[tuple[Any, ...]], own: list[float]) -> int:
    """Add a tree's splits and leaves, its root first; return the position of what was added first."""
    if isinstance(shape, float):
        own.append(shape)
        return LEAF - (len(own) - 1)
    node, left, right = shape
    position = len(nodes)
    nodes.append(())
    sides = _flatten(left, nodes, own), _flatten(right, nodes, own)
    gains = node["gain_left"], node["gain_right"]
    nodes[position] = (node["feature"], node["missing_left"], node["threshold"], *sides, *gains)
    return position


def _with_trees(graph: bytes, table: TreeTable, leaves: Leaves) -> bytes:
    model = onnx.load_from_string(graph)
    node = _tree_node(model)
    for name, values in tree_attributes(table, leaves).items():
        item = next(item for item in node.attribute if item.name == name)
        item.CopyFrom(helper.make_attribute(name, values, attr_type=item.type))
    return bytes(model.SerializeToString(deterministic=True))


def _with_global_leaves(table: TreeTable, leaves: Leaves) -> TreeTable:
    """Return the splits with leaves numbered across all trees."""
    starts = np.searchsorted(leaves.tree, np.arange(len(table.roots)))
    nodes, roots = table.nodes.copy(), table.roots.copy()
    bounds = np.append(table.roots[table.roots >= 0], len(nodes))
    for tree, root in enumerate(table.roots.tolist()):
        if root < 0:
            roots[tree] = root - starts[tree]
            continue
        end = int(bounds[np.searchsorted(bounds, root, side="right")])
        for side in ("left", "right"):
            column = nodes[side][root:end]
            column[column < 0] -= starts[tree]
    return TreeTable(nodes=nodes, roots=roots, target=table.target, expected=table.expected)


def _scores(graph: bytes, rows: Float64) -> Float64:
    nobody = np.full(len(rows), "", dtype=object)
    return ExportedModel(graph=graph, width=rows.shape[1]).run(rows, nobody)["score"].ravel().astype(np.float64)
