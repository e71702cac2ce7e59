"""Trees of other makers in Lineside's own form, exactly: the same path for every float32 value.

A maker's reader hands over `RawTree`; what it means stands there. Thresholds are float32 already, or rounded down to it
(see `lineside.learn.boosting`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from lineside.domain.errors import DataError
from lineside.domain.judging.trees import LEAF, NODE, TreeTable
from lineside.domain.readings import Float64, Int64
from lineside.learn.boosting import Leaves
from lineside.learn.prototype import Float32, TreeModel


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RawTree:
    """One tree: splits, root first, and leaves; a child below 0 is leaf ``-1 - child``.

    Left where the value is <= ``threshold`` (float64; compared with float32 values), or missing and ``missing_left``.
    ``count`` are the training rows (or their weight) in each leaf. A tree of one leaf has no split.
    """

    feature: Int64
    threshold: Float64
    missing_left: Int64
    left: Int64
    right: Int64
    value: Float64
    count: Float64
    target: int = 0


def tree_model(trees: Sequence[RawTree], outputs: int, start: Float64, *, counted: bool) -> TreeModel:
    """Return trees as one table and its leaves; ``start`` ``(outputs,)`` is what all trees are added to.

    ``counted`` says that the leaves' counts are numbers of training rows.

    Raises:
        DataError: there is no tree, or one leads astray.
    """
    if not trees:
        raise DataError("the model has no tree", field="trees", value=0)
    constant = [_leaf(float(value), target) for target, value in enumerate(start) if value != 0.0]
    pieces, roots, values, seen = [], [], [], []
    expected = np.zeros(outputs)
    offset = 0
    for tree in (*trees, *constant):
        nodes, leaf_order, mean = _nodes(tree, offset)
        roots.append(offset if len(nodes) else LEAF)
        pieces.append(nodes)
        values.append(tree.value[leaf_order])
        seen.append(tree.count[leaf_order])
        expected[tree.target] += mean
        offset += len(nodes)
    sizes = [len(value) for value in values]
    table = TreeTable(
        nodes=np.concatenate(pieces),
        roots=np.array(roots, dtype=np.int32),
        target=np.array([tree.target for tree in (*trees, *constant)], dtype=np.int32),
        expected=expected,
    )
    leaves = Leaves(
        tree=np.repeat(np.arange(len(sizes)), sizes),
        node=np.concatenate([np.arange(size) for size in sizes]),
        value=np.concatenate(values),
    )
    return TreeModel(table=table, leaves=leaves, seen=np.concatenate(seen) if counted else None)


def raw_answers(model: TreeModel, rows: Float32) -> Float64:
    """Return the sums of the leaves of rows ``(n, k)``, shape ``(n, outputs)``."""
    answers = np.zeros((len(rows), len(model.table.expected)))
    values = model.leaves.value.astype(np.float32).astype(np.float64)
    table, firsts = model.table, _first_leaves(model)
    _walk(np.ascontiguousarray(rows), table.nodes, table.roots, table.target, firsts, values, answers)
    return answers


def rows_in_leaves(model: TreeModel, rows: Float32) -> Float64:
    """Return how many of the rows ``(n, k)`` come to each leaf."""
    counts = np.zeros(len(model.leaves.value))
    table, firsts = model.table, _first_leaves(model)
    _count(np.ascontiguousarray(rows), table.nodes, table.roots, table.target, firsts, counts)
    return counts


def round_down(threshold: float) -> np.float32:
    """Return the greatest float32 that is not above a threshold."""
    with np.errstate(over="ignore"):
        rounded = np.float32(threshold)
    return np.nextafter(rounded, np.float32(-np.inf)) if float(rounded) > threshold else rounded


def _leaf(value: float, target: int) -> RawTree:
    none = np.empty(0, dtype=np.int64)
    return RawTree(
        feature=none,
        threshold=none.astype(np.float64),
        missing_left=none,
        left=none,
        right=none,
        value=np.array([value]),
        count=np.zeros(1),
        target=target,
    )


def _nodes(tree: RawTree, offset: int) -> tuple[NDArray[np.void], Int64, float]:
    """Return a tree's splits, children behind parents, its leaves in the order met, and its expected output."""
    order, leaf_order = _walk_order(tree)
    place = {split: offset + position for position, split in enumerate(order)}
    leaf_place = {leaf: number for number, leaf in enumerate(leaf_order)}
    mean = _expectations(tree, order)
    nodes = np.zeros(len(order), dtype=NODE)
    for position, split in enumerate(order):
        sides = [int(tree.left[split]), int(tree.right[split])]
        to = [place[side] if side >= 0 else LEAF - leaf_place[-1 - side] for side in sides]
        here = mean[split]
        gains = [(mean[side] if side >= 0 else float(tree.value[-1 - side])) - here for side in sides]
        nodes[position] = (
            tree.feature[split],
            tree.missing_left[split],
            round_down(tree.threshold[split]),
            *to,
            *gains,
        )
    return nodes, np.array(leaf_order, dtype=np.int64), mean[0] if order else float(tree.value[0])


def _walk_order(tree: RawTree) -> tuple[list[int], list[int]]:
    """Return splits from the root downwards, left before right, and the leaves likewise."""
    if not len(tree.feature):
        return [], [0]
    order: list[int] = []
    leaves: list[int] = []
    waiting = [0]
    while waiting:
        node = waiting.pop()
        if node < 0:
            leaves.append(-1 - node)
            continue
        if len(order) > len(tree.feature) or node >= len(tree.feature):
            raise DataError("a tree of the model leads astray", field="trees", value=node)
        order.append(node)
        waiting += [int(tree.right[node]), int(tree.left[node])]
    return order, leaves


def _expectations(tree: RawTree, order: list[int]) -> dict[int, float]:
    """Return the mean output below each split: the leaves' values by their counts, or evenly where none."""
    mean: dict[int, float] = {}
    weight: dict[int, float] = {}
    for split in reversed(order):
        sides = [int(tree.left[split]), int(tree.right[split])]
        values = [mean[side] if side >= 0 else float(tree.value[-1 - side]) for side in sides]
        counts = [weight[side] if side >= 0 else float(tree.count[-1 - side]) for side in sides]
        total = sum(counts)
        weight[split] = total
        mean[split] = float(np.dot(values, counts) / total) if total > 0 else float(np.mean(values))
    return mean


def _first_leaves(model: TreeModel) -> Int64:
    """Return where each tree's leaves begin."""
    return np.flatnonzero(np.diff(model.leaves.tree, prepend=-1)).astype(np.int64)


@numba.njit(nogil=True, inline="always")
def _reached(rows: Any, r: int, nodes: Any, i: int) -> int:
    """Return the leaf that a row comes to from node ``i``: a negative number, as the nodes have it."""
    while i >= 0:
        node = nodes[i]
        value = rows[r, node.feature]
        go_left = node.missing_left != 0 if np.isnan(value) else value <= node.threshold
        i = node.left if go_left else node.right
    return i


@numba.njit(nogil=True)
def _walk(rows: Any, nodes: Any, roots: Any, target: Any, firsts: Any, values: Any, answers: Any) -> None:
    for r in range(rows.shape[0]):
        for tree in range(roots.size):
            answers[r, target[tree]] += values[firsts[tree] - 1 - _reached(rows, r, nodes, roots[tree])]


@numba.njit(nogil=True)
def _count(rows: Any, nodes: Any, roots: Any, target: Any, firsts: Any, counts: Any) -> None:
    for r in range(rows.shape[0]):
        for tree in range(target.size):
            counts[firsts[tree] - 1 - _reached(rows, r, nodes, roots[tree])] += 1.0
