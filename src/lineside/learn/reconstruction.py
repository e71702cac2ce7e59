"""What of a score would vanish if one signal were as usual given the others: contributions by reconstruction.

Plain contributions (Miller, Swanson and Heckler, Appl. Math. Comput. Sci. 8, 1998) smear: what one signal does shows
in all that usually move with it. So each signal is *reconstructed*: all its features, at all lags, are replaced by
what the others let expect, and the score is taken again. The difference is the signal's share (reconstruction-based
contributions: Alcala and Qin, Automatica 45, 2009; for several directions at once: Dunia and Qin, AIChE J. 44, 1998).

A chart is a quadratic form ``u M u'`` of the stacked row ``u``, and ``L = sum of s M`` over the charts, with their
scales ``s``, is the inverse of the covariance. For a signal's places ``G`` the step to what the others let expect is
``d = (L_GG)^-1 (u L)_G`` (the mean of a normal distribution given the rest), and a chart falls by
``2 d (u M)_G - d M_GG d'``. The score is the greater of the charts, before and after.

A signal's share is divided among its places as ``d_i (u L)_i``, which are the terms of its squared distance.
Shares do not sum to the score: signals that all are out of the ordinary can each explain most of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.readings import Float64, Int64
from lineside.learn.graph import Graph

_LEAST: Final = 1e-12
"""What a squared distance is taken as at least where it is divided by."""
_RIDGE: Final = 1e-6
"""Keeps what a signal's features tell of each other solvable where one follows from the others."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Chart:
    """A quadratic form in a graph: its value ``(1, 1)`` and ``u M`` ``(1, m)`` by name, its matrix as ``root root'``.

    ``root`` has shape ``(m, c)``; ``scale`` times the matrix is the chart's part of the inverse covariance.
    """

    value: str
    slope: str
    root: Float64
    scale: float


def add_reconstructed(graph: Graph, charts: Sequence[Chart], signal: Int64) -> str:
    """Add the shares of all places of a stacked row ``(1, m)``; ``signal`` ``(m,)`` numbers the signal of each."""
    places, there = _places(signal)
    index, mask = graph.constant("signal_places", places), graph.constant("signal_taken", there)
    sides = [_gathered(graph, chart.slope, index, mask) for chart in charts]
    forms = [_blocks(chart.root, places, there) for chart in charts]
    scales = [graph.constant(f"signal_scale_{i}", np.array(chart.scale)) for i, chart in enumerate(charts)]
    whole = graph.total([graph.add("Mul", list(pair)) for pair in zip(sides, scales, strict=True)])
    precision = np.sum([chart.scale * form for chart, form in zip(charts, forms, strict=True)], axis=0)
    step = _times(graph, graph.constant("signal_inverse", _inverse(precision, there)), whole)
    after = [
        _fallen(graph, chart.value, step, side, graph.constant(f"signal_blocks_{i}", form))
        for i, (chart, side, form) in enumerate(zip(charts, sides, forms, strict=True))
    ]
    before = [chart.value for chart in charts]
    share = graph.add("Sub", [_greatest(graph, before), _greatest(graph, after)])
    return _divided(graph, share, graph.add("Mul", [step, whole]), places, there)


def _places(signal: Int64) -> tuple[Int64, NDArray[np.bool_]]:
    """Return the places of each signal ``(g, s)``, and which of them there are: signals may have fewer than ``s``."""
    numbers, kind = np.unique(signal, return_inverse=True)
    own = [np.flatnonzero(kind == g) for g in range(len(numbers))]
    places = np.zeros((len(own), max(len(item) for item in own)), dtype=np.int64)
    there = np.zeros(places.shape, dtype=np.bool_)
    for g, item in enumerate(own):
        places[g, : len(item)], there[g, : len(item)] = item, True
    return places, there


def _blocks(root: Float64, places: Int64, there: NDArray[np.bool_]) -> Float64:
    """Return the blocks ``M_GG`` of a form ``(g, s, s)``, 0 where a signal has fewer places."""
    rows = root[places] * there[:, :, None]
    blocks: Float64 = rows @ rows.transpose(0, 2, 1)
    return blocks


def _inverse(blocks: Float64, there: NDArray[np.bool_]) -> Float64:
    diagonal = np.einsum("gii->gi", blocks)
    ridge = np.where(there, _RIDGE * diagonal.max(axis=1, keepdims=True, initial=_LEAST), 1.0)
    filled = blocks + np.eye(blocks.shape[1]) * ridge[:, :, None]
    return np.asarray(np.linalg.inv(filled), dtype=np.float64) * (there[:, :, None] & there[:, None, :])


def _gathered(graph: Graph, row: str, index: str, mask: str) -> str:
    """Add the places of each signal out of a row ``(1, m)``, as a table ``(g, s)``."""
    flat = graph.add("Squeeze", [row, graph.shared("signal_row", np.array([0]))])
    return graph.add("Mul", [graph.add("Gather", [flat, index]), mask])


def _times(graph: Graph, blocks: str, table: str) -> str:
    """Add the product of each block ``(g, s, s)`` with its row of a table ``(g, s)``: so small, sums are quickest."""
    rows = graph.add("Unsqueeze", [table, graph.shared("signal_middle", np.array([1]))])
    products = graph.add("Mul", [blocks, rows])
    return graph.add("ReduceSum", [products, graph.shared("signal_last", np.array([2]))], keepdims=0)


def _fallen(graph: Graph, value: str, step: str, side: str, blocks: str) -> str:
    """Add a chart's value after each signal's step, ``(g, 1)``: ``v - d (2 (u M)_G - M_GG d)``."""
    bent = graph.add("Sub", [graph.add("Add", [side, side]), _times(graph, blocks, step)])
    return graph.add("Sub", [value, graph.sum(graph.add("Mul", [step, bent]))])


def _divided(graph: Graph, share: str, terms: str, places: Int64, there: NDArray[np.bool_]) -> str:
    """Add the shares by place ``(1, m)``: each signal's ``(g, 1)``, divided by terms ``(g, s)``."""
    whole = graph.add("Max", [graph.sum(terms), graph.constant("signal_least", np.array(_LEAST))])
    divided = graph.add("Mul", [terms, graph.add("Div", [share, whole])])
    flat = graph.add("Reshape", [divided, graph.constant("signal_flat", np.array([1, places.size]))])
    back = np.argsort(np.where(there, places, places.size).ravel(), kind="stable")[: int(there.sum())]
    return graph.add("Gather", [flat, graph.constant("signal_back", back)], axis=1)


def _greatest(graph: Graph, tensors: list[str]) -> str:
    return tensors[0] if len(tensors) == 1 else graph.add("Max", tensors)
