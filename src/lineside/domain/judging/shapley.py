"""Exact Shapley values of a tree ensemble, for the asked case: what each input adds, averaged over all orders.

The value of a set of known inputs is the tree's output with the unknown ones averaged by how many training rows went
either way ("path-dependent": Lundberg et al., Nature Machine Intelligence 2, 2020). A leaf of value ``v`` whose path
splits on the inputs ``1 ... d`` gives input ``k``

    v (o_k - z_k) * integral over t from 0 to 1 of prod_{j != k} (t o_j + (1 - t) z_j) dt,

where ``o_j`` says whether the row satisfies all of the path's conditions on input ``j`` (0 or 1), and ``z_j`` is the
share of training rows that did: the weights of Shapley's sum over subsets are the Beta integrals of ``t^s (1 - t)^r``
(Owen, Management Science 18, 1972). The integrand is a polynomial of degree ``d - 1``, which Gauss and Legendre's
rule with ``d / 2`` points integrates exactly. At each point the products are carried down a tree and the sums back up,
so that a tree costs its number of nodes (Yu et al., "Linear TreeShap", NeurIPS 2022, does the same with polynomials):
no table per leaf is needed, and every term is of good size.

The share of rows that went left follows from the gains of the table, since ``p gain_left + (1 - p) gain_right = 0``.
Where both gains are exactly 0 it cannot be known, and half is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from lineside.domain.judging.lanes import LANES, add, dot, multiply, multiply_line, scale
from lineside.domain.judging.trees import TreeTable
from lineside.domain.readings import Float64, Int32

Float32 = NDArray[np.float32]
_WEIGHTS, _REST, _NOT = 0, 1, 2
"""Rows of a rule: weights of the points ``t``; ``1 - t``; zeros; and ``t``, so that row ``_NOT + o`` is ``t o``."""
_TYPES: Final = (
    "void(float32[::1], int32[::1], float32[::1], b1[::1], int32[:, ::1], float64[:, ::1], float64[:, ::1],"
    " int32[::1], int32[::1], float64[::1], float64[:, ::1], float64[:, ::1], float64[::1])"
)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rule:
    """`LANES` points of the integral: ``basics`` ``(4, LANES)`` are the rows named above.

    ``inverse`` ``(2 n + 1, LANES)`` has ``1 / (t + (1 - t) z)`` of every edge, and at last ``1 / (1 - t)``.
    """

    basics: Float64
    inverse: Float64


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ShapleyTable:
    """The trees prepared: one row per split, and in it an edge to the left and one to the right.

    ``child`` ``(n, 2)`` is the split behind an edge (below 0: a leaf), ``value`` ``(n, 2)`` the leaf's output less its
    tree's expectation, ``share`` ``(n, 2)`` the ``z`` of the split's input on the path so far, ``above`` ``(n,)`` the
    nearest edge above (``2 split + side``) that belongs to the same input, or -1. ``ends`` ``(trees + 1,)`` are the
    borders of the trees, ``target`` the output each adds to. ``rules`` together are the points of the integral: one
    for paths of up to ``2 LANES`` different inputs, two for twice that, and so on.
    """

    feature: Int32
    threshold: Float32
    missing_left: NDArray[np.bool_]
    child: Int32
    value: Float64
    share: Float64
    above: Int32
    ends: Int32
    target: Int32
    rules: tuple[Rule, ...]


def shapley_table(table: TreeTable) -> ShapleyTable:
    """Return a tree table prepared for `shapley_values`; trees without a split carry nothing and are left out."""
    nodes, count = table.nodes, len(table.nodes)
    feature = np.ascontiguousarray(nodes["feature"], dtype=np.int32)
    gains = np.stack([nodes["gain_left"], nodes["gain_right"]], axis=1).astype(np.float64)
    child = np.stack([nodes["left"], nodes["right"]], axis=1).astype(np.int32)
    value, share, above = np.zeros((count, 2)), np.ones((count, 2)), np.full(count, -1, dtype=np.int32)
    deepest = _follow(feature, child, gains, value, share, above)
    grown = table.roots >= 0
    return ShapleyTable(
        feature=feature,
        threshold=np.ascontiguousarray(nodes["threshold"]),
        missing_left=nodes["missing_left"] != 0,
        child=child,
        value=value,
        share=share,
        above=above,
        ends=np.append(table.roots[grown], count).astype(np.int32),
        target=table.target[grown],
        rules=_rules(share, deepest),
    )


def _rules(share: Float64, deepest: int) -> tuple[Rule, ...]:
    """Return the rules that integrate polynomials of the degree of so many different inputs exactly."""
    rounds = max(-(-deepest // (2 * LANES)), 1)
    points, weights = np.polynomial.legendre.leggauss(rounds * LANES)
    rules = []
    for t, weight in zip(((points + 1.0) / 2.0).reshape(-1, LANES), (weights / 2.0).reshape(-1, LANES), strict=True):
        inverse = 1.0 / (t + (1.0 - t) * np.append(share.ravel(), 0.0)[:, None])
        inverse[-1] = 1.0 / (1.0 - t)
        rules.append(Rule(basics=np.stack([weight, 1.0 - t, np.zeros(LANES), t]), inverse=inverse))
    return tuple(rules)


def shapley_values(table: ShapleyTable, row: Float32, weights: Float32) -> Float64:
    """Return the Shapley value of each input of a row ``(inputs,)``, the outputs weighted by ``weights``.

    They sum to the weighted outputs less their expectation.
    """
    shares = np.zeros(row.size)
    if len(table.target):
        scales = weights[table.target].astype(np.float64)
        for rule in table.rules:
            _add_values(
                row, table.feature, table.threshold, table.missing_left, table.child, table.value, table.share,
                table.above, table.ends, scales, rule.basics, rule.inverse, shares,
            )  # fmt: skip
    return shares


@numba.njit(
    "int64(int32[::1], int32[:, ::1], float64[:, ::1], float64[:, ::1], float64[:, ::1], int32[::1])",
    cache=True,
    nogil=True,
)
def _follow(feature: Int32, child: Int32, gains: Float64, value: Float64, share: Float64, above: Int32) -> int:
    """Fill leaf values, shares and edges above; return how many different inputs there are on a path at most."""
    parent = np.full(feature.size, -1, dtype=np.int64)
    different = np.zeros(feature.size, dtype=np.int64)
    deepest = 0
    for i in range(feature.size):
        came = parent[i]
        base = value[came // 2, came % 2] if came >= 0 else 0.0
        edge = came
        while edge >= 0 and feature[edge // 2] != feature[i]:
            edge = parent[edge // 2]
        above[i] = edge
        different[i] = (different[came // 2] if came >= 0 else 0) + (1 if edge < 0 else 0)
        deepest = max(deepest, different[i])
        spread = gains[i, 1] - gains[i, 0]
        left = min(max(gains[i, 1] / spread, 0.0), 1.0) if spread != 0.0 else 0.5
        for side in range(2):
            went = left if side == 0 else 1.0 - left
            share[i, side] = went if edge < 0 else went * share[edge // 2, edge % 2]
            value[i, side] = base + gains[i, side]
            if child[i, side] >= 0:
                parent[child[i, side]] = 2 * i + side
    return deepest


@numba.njit(nogil=True, error_model="numpy")
def _down(  # noqa: PLR0913, PLR0917 - numba takes columns one by one
    row: Float32, feature: Int32, threshold: Float32, missing_left: NDArray[np.bool_], child: Int32, value: Float64,
    share: Float64, above: Int32, first: int, end: int, basics: Float64, inverse: Float64, product: Float64,
    holds: NDArray[np.bool_], parent: NDArray[np.int64],
) -> None:  # fmt: skip
    """Set the products of the edges of a tree: over the path, and times the value at a leaf.

    What stood for the same input above is divided out first; once a condition on it fails, only ``z`` still shrinks.
    """
    spare = len(product) - 1
    for i in range(first, end):
        given = row[feature[i]]
        go_left = missing_left[i] if np.isnan(given) else given <= threshold[i]
        at, came, edge, unbroken = 2 * (i - first), parent[i - first], above[i], True
        if edge >= 0:
            if holds[edge - 2 * first]:
                multiply(product, spare, product, came, inverse, edge)
            else:
                unbroken = False
                before = share[edge >> 1, edge & 1]
                scale(product, spare, product, came, 1.0 / before if before > 0.0 else 0.0)
            came = spare
        for side in range(2):
            hold = unbroken and (go_left if side == 0 else not go_left)
            holds[at + side] = hold
            if unbroken:
                multiply_line(product, at + side, product, came, basics, _NOT + hold, _REST, share[i, side])
            else:
                scale(product, at + side, product, came, share[i, side])
            if child[i, side] >= 0:
                parent[child[i, side] - first] = at + side
            else:
                scale(product, at + side, product, at + side, value[i, side])


@numba.njit(nogil=True, error_model="numpy")
def _up(  # noqa: PLR0913, PLR0917 - numba takes columns one by one
    feature: Int32, share: Float64, above: Int32, first: int, end: int, inverse: Float64, product: Float64,
    holds: NDArray[np.bool_], parent: NDArray[np.int64], shares: Float64,
) -> None:  # fmt: skip
    """Add what each split of a tree gives its input: its edges' sums times ``(o - z) / (t o + (1 - t) z)``.

    What the edge above gave these leaves for the same input is taken off again; where that one's condition had failed
    already, both are the same.
    """
    total, last = np.empty((1, LANES)), len(inverse) - 1
    for i in range(end - 1, first - 1, -1):
        at, edge = 2 * (i - first), above[i]
        add(total, 0, product, at, at + 1)
        if edge < 0 or holds[edge - 2 * first]:
            found = 0.0
            for side in range(2):
                hold = holds[at + side]
                part = dot(product, at + side, inverse, 2 * i + side if hold else last)
                found += part * (1.0 - share[i, side] if hold else -1.0)
            if edge >= 0:
                found -= dot(total, 0, inverse, edge) * (1.0 - share[edge >> 1, edge & 1])
            shares[feature[i]] += found
        if i > first:
            scale(product, parent[i - first], total, 0, 1.0)


@numba.njit(_TYPES, cache=True, nogil=True, error_model="numpy")
def _add_values(  # noqa: PLR0913, PLR0917 - numba takes columns one by one
    row: Float32, feature: Int32, threshold: Float32, missing_left: NDArray[np.bool_], child: Int32, value: Float64,
    share: Float64, above: Int32, ends: Int32, scales: Float64, basics: Float64, inverse: Float64, shares: Float64,
) -> None:  # fmt: skip
    """Add to ``shares`` ``(inputs,)`` what the points of one rule give, tree by tree."""
    most = np.max(np.diff(ends))
    product, holds = np.empty((2 * most + 1, LANES)), np.empty(2 * most, dtype=np.bool_)
    parent = np.full(most, 2 * most, dtype=np.int64)
    for tree in range(ends.size - 1):
        first, end = int(ends[tree]), int(ends[tree + 1])
        scale(product, 2 * most, basics, _WEIGHTS, scales[tree])
        _down(
            row, feature, threshold, missing_left, child, value, share, above, first, end, basics, inverse, product,
            holds, parent,
        )  # fmt: skip
        _up(feature, share, above, first, end, inverse, product, holds, parent, shares)
