"""Which inputs moved a tree ensemble's score: attribution along the paths taken.

Every node of a tree has an expected output: the mean of the training rows that reached it. Walking down from the
root, the change of that expectation at a split belongs to the feature that was split on (Saabas, 2014; the path
attribution of Palczewska et al., "Interpreting random forest classification models", 2013). Over all trees the
shares sum exactly to the score less its expectation. It costs no more than scoring does, whereas exact Shapley
values cost about a hundred times that; the features it ranks first are nearly always the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from lineside.domain.readings import Float64, Int32

Float32 = NDArray[np.float32]

NODE: Final = np.dtype(
    [
        ("feature", "<i4"),
        ("missing_left", "<i4"),
        ("threshold", "<f4"),
        ("left", "<i4"),
        ("right", "<i4"),
        ("gain_left", "<f4"),
        ("gain_right", "<f4"),
    ]
)
"""One split: left where the value is <= threshold (or missing and ``missing_left``); a child below 0 is a leaf.

``gain_left``/``gain_right`` say how the expected output changes on going there.
"""
LEAF: Final = -1


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TreeTable:
    """The splits of all trees in one table.

    ``roots`` ``(trees,)`` are positions of first splits (below 0: the tree has none), ``target`` ``(trees,)`` the
    output each tree adds to, ``expected`` ``(outputs,)`` the outputs' expectations before anything is known.
    """

    nodes: NDArray[np.void]
    roots: Int32
    target: Int32
    expected: Float64


@numba.njit(
    numba.void(
        numba.float32[::1],
        numba.types.Array(numba.from_dtype(NODE), 1, "C"),
        numba.int32[::1],
        numba.int32[::1],
        numba.float32[::1],
        numba.float64[::1],
    ),
    cache=True,
    nogil=True,
)
def add_shares(row: Float32, nodes: Any, roots: Int32, target: Int32, weights: Float32, shares: Float64) -> None:
    """Add to ``shares`` ``(inputs,)`` what each input of a row contributes to the weighted sum of the outputs."""
    for tree in range(roots.size):
        weight = weights[target[tree]]
        i = roots[tree]
        while i >= 0:
            node = nodes[i]
            value = row[node.feature]
            go_left = node.missing_left != 0 if np.isnan(value) else value <= node.threshold
            if go_left:
                shares[node.feature] += weight * node.gain_left
                i = node.left
            else:
                shares[node.feature] += weight * node.gain_right
                i = node.right


@numba.njit(
    numba.void(
        numba.float32[::1],
        numba.types.Array(numba.from_dtype(NODE), 1, "C"),
        numba.int32[::1],
        numba.int32[::1],
        numba.float32[::1],
        numba.float64[::1],
    ),
    cache=True,
    nogil=True,
)
def add_outputs(row: Float32, nodes: Any, roots: Int32, target: Int32, leaves: Float32, outputs: Float64) -> None:
    """Add to ``outputs`` what every tree gives for a row; a child below 0 is leaf ``-1 - child`` of all ``leaves``."""
    for tree in range(roots.size):
        i = roots[tree]
        while i >= 0:
            node = nodes[i]
            value = row[node.feature]
            go_left = node.missing_left != 0 if np.isnan(value) else value <= node.threshold
            i = node.left if go_left else node.right
        outputs[target[tree]] += leaves[-1 - i]


def path_shares(table: TreeTable, row: Float32, weights: Float32) -> Float64:
    """Return the share of each input of a row ``(inputs,)``, the outputs weighted by ``weights`` ``(outputs,)``."""
    shares = np.zeros(row.size)
    add_shares(row, table.nodes, table.roots, table.target, weights, shares)
    return shares
