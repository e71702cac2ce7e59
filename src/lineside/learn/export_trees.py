"""Tree ensembles as ONNX graphs: the trees, and behind them calibration or specification.

Input ``x`` ``(1, n)``. Outputs: ``score`` ``(1, 1)``; ``weights`` ``(1, outputs)``, how the score changes with each raw
output of the trees (what path attribution multiplies with); ``classes`` ``(1, classes)``, the logits by which a class
is named, or ``value`` ``(1, 1)``, the expected value. Where the trees do not see ``x`` itself: ``seen``, what they see,
and ``usual`` beside it (`lineside.learn.tree_view`, `lineside.learn.response_graph`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from lineside.domain.judging.trees import LEAF, TreeTable
from lineside.domain.readings import Float64, Int64
from lineside.learn.boosting import Leaves
from lineside.learn.calibrate import Calibration
from lineside.learn.graph import Graph

_SPLIT_ATTRIBUTES: Final = (
    "nodes_treeids",
    "nodes_nodeids",
    "nodes_featureids",
    "nodes_modes",
    "nodes_values",
    "nodes_truenodeids",
    "nodes_falsenodeids",
    "nodes_missing_value_tracks_true",
)
_TARGET_ATTRIBUTES: Final = ("target_treeids", "target_nodeids", "target_ids", "target_weights")
_NODE_ATTRIBUTES: Final = _SPLIT_ATTRIBUTES + _TARGET_ATTRIBUTES


@dataclass(frozen=True, kw_only=True, slots=True)
class Scale:
    """How a value becomes a score: standard deviations ``spread`` beyond the nearer specification limit.

    Without limits, standard deviations from ``centre`` on either side.
    """

    lsl: float | None
    usl: float | None
    centre: float
    spread: float


def class_graph(
    table: TreeTable,
    leaves: Leaves,
    seen: Callable[[Graph], str],
    calibration: Calibration,
    bad: Int64,
    lean: float = 0.0,
) -> bytes:
    """Return the graph of a classifier; ``bad`` are the classes that do not conform.

    ``seen`` adds what its trees see of the input. ``lean`` is added to the logits of the bad classes where the class is
    named; score and risk do not know of it.
    """
    graph = Graph("classes")
    raw = add_trees(graph, seen(graph), table, leaves)
    if len(table.expected) == 1:
        raw = graph.add("Concat", [graph.constant("zero", np.zeros((1, 1))), raw], axis=1)
    scaled = graph.add("Mul", [raw, graph.constant("slope", np.array(calibration.slope))])
    logits = graph.add("Add", [scaled, graph.constant("offsets", calibration.offsets[None, :])])
    classes = len(calibration.offsets)
    graph.output("classes", _leaning(graph, logits, classes, bad, lean), classes)
    good = np.setdiff1d(np.arange(classes), bad)
    odds = [_log_sum(graph, logits, chosen, name) for chosen, name in ((bad, "bad"), (good, "good"))]
    graph.output("score", graph.add("Sub", odds), 1)
    _class_weights(graph, logits, odds, bad, calibration, outputs=len(table.expected))
    return graph.to_bytes()


def value_graph(table: TreeTable, leaves: Leaves, width: int, scale: Scale) -> bytes:
    """Return the graph of a regression."""
    graph = Graph("value")
    value = add_trees(graph, graph.input("x", width), table, leaves)
    graph.output("value", value, 1)
    graph.output("weights", add_value_score(graph, value, scale), 1)
    return graph.to_bytes()


def add_value_score(graph: Graph, value: str, scale: Scale) -> str:
    """Add the score of a value; return the tensor ``(1, 1)`` of how the score changes with the value."""
    upper, lower = scale.usl, scale.lsl
    if upper is None and lower is None:
        upper = lower = scale.centre
    sides = []
    for name, limit, sign in (("usl", upper, 1.0), ("lsl", lower, -1.0)):
        if limit is not None:
            beyond = graph.add("Sub", [value, graph.constant(name, np.array([[limit]]))])
            slope = graph.constant(f"{name}_slope", np.array([[sign / scale.spread]]))
            sides.append((graph.add("Mul", [beyond, slope]), slope))
    if len(sides) == 1:
        graph.output("score", sides[0][0], 1)
        return sides[0][1]
    graph.output("score", graph.add("Max", [sides[0][0], sides[1][0]]), 1)
    above = graph.add("GreaterOrEqual", [sides[0][0], sides[1][0]])
    return graph.add("Where", [above, sides[0][1], sides[1][1]])


def add_trees(graph: Graph, x: str, table: TreeTable, leaves: Leaves) -> str:
    """Add the trees; return the tensor ``(1, outputs)`` of their sums."""
    return graph.add(
        "TreeEnsembleRegressor",
        [x],
        domain="ai.onnx.ml",
        n_targets=len(table.expected),
        aggregate_function="SUM",
        post_transform="NONE",
        **tree_attributes(table, leaves),
    )


def tree_attributes(table: TreeTable, leaves: Leaves) -> dict[str, list[Any]]:
    """Return trees as the attributes of ONNX's operator for them."""
    attributes: dict[str, list[Any]] = {name: [] for name in _NODE_ATTRIBUTES}
    ends = np.append(np.flatnonzero(np.diff(leaves.tree)) + 1, len(leaves.tree))
    first = 0
    for tree, end in enumerate(ends.tolist()):
        _add_tree(attributes, table, tree, leaves.value[first:end])
        first = end
    return attributes


def _add_tree(attributes: dict[str, list[Any]], table: TreeTable, tree: int, values: Float64) -> None:
    """Add one tree's nodes, its root first: splits numbered from 0, leaves behind them."""
    root = int(table.roots[tree])
    splits = table.nodes[root : root + len(values) - 1] if root >= 0 else table.nodes[:0]

    def place(child: int) -> int:
        return child - root if child >= 0 else len(splits) + LEAF - child

    for number, split in enumerate(splits):
        row = (tree, number, split["feature"], "BRANCH_LEQ", split["threshold"], place(int(split["left"])))
        _add_node(attributes, *row, place(int(split["right"])), int(split["missing_left"]))
    for number, value in enumerate(values.tolist(), start=len(splits)):
        _add_node(attributes, tree, number, 0, "LEAF", 0.0, 0, 0, 0)
        for name, given in zip(_TARGET_ATTRIBUTES, (tree, number, int(table.target[tree]), value), strict=True):
            attributes[name].append(given)


def _add_node(attributes: dict[str, list[Any]], *row: Any) -> None:
    for name, value in zip(_SPLIT_ATTRIBUTES, row, strict=True):
        attributes[name].append(value.item() if isinstance(value, np.generic) else value)


def _leaning(graph: Graph, logits: str, classes: int, bad: Int64, lean: float) -> str:
    if lean <= 0.0:
        return logits
    return graph.add("Add", [logits, graph.constant("lean", lean * np.isin(np.arange(classes), bad)[None, :])])


def _log_sum(graph: Graph, logits: str, chosen: Int64, name: str) -> str:
    """Return the logarithm of the summed odds of some classes."""
    some = graph.add("Gather", [logits, graph.constant(name, chosen)], axis=1)
    return some if len(chosen) == 1 else graph.add("ReduceLogSumExp", [some], axes=[1], keepdims=1)


def _class_weights(
    graph: Graph, logits: str, odds: list[str], bad: Int64, calibration: Calibration, outputs: int
) -> None:
    """Add the derivative of the score by each raw output.

    For class ``k`` it is ``slope`` times its share of the odds of its own side, positive on the bad side.
    """
    if outputs == 1:
        sign = 1.0 if bad.tolist() == [1] else -1.0
        graph.output("weights", graph.constant("weight", np.array([[sign * calibration.slope]])), 1)
        return
    is_bad = np.isin(np.arange(outputs), bad).astype(np.float64)[None, :]
    side = [graph.constant("is_bad", is_bad), graph.constant("is_good", 1.0 - is_bad)]
    own = graph.add("Add", [graph.add("Mul", [odds[i], side[i]]) for i in (0, 1)])
    share = graph.add("Exp", [graph.add("Sub", [logits, own])])
    signed = graph.constant("signed", calibration.slope * (2.0 * is_bad - 1.0))
    graph.output("weights", graph.add("Mul", [share, signed]), outputs)
