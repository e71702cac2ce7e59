"""A model of normal as an ONNX graph: pure, float32, memory going in and coming out.

Inputs: ``x`` ``(1, n)``, where it has a response with ``k`` conditions behind; ``shift`` ``(1, n)`` where the centre
follows drift; ``memory`` ``(1, n)`` where there is a moving average; ``past`` ``(1, n lags)`` where there are lags;
``sums`` ``(1, n (lags + 1))`` where rows are summed up.
Outputs: ``score`` ``(1, 1)``; ``parts`` ``(1, n + k)``, what of the score would vanish if each input's signal were as
usual given the others (`lineside.learn.reconstruction`; a condition carries none); ``usual`` ``(1, n)`` where it has a
response; ``shift_out``, ``memory_out``, ``past_out`` and ``sums_out``, to be given with the next part.
"""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.readings import Float64, Int64
from lineside.learn.graph import Graph
from lineside.learn.nearest import NEIGHBOURS
from lineside.learn.normal import NormalModel
from lineside.learn.reconstruction import Chart, add_reconstructed
from lineside.learn.response import Response
from lineside.learn.standardised import add_judged, add_standardised

_MOST_BLOCKS: Final = 4
_LEAST_BLOCK: Final = 200
"""Columns of a block, at least: narrower ones cost more in nodes than they save in memory."""
_SHORTEST: Final = 1e-9
"""A sum shorter than any allowance, to divide by where there is none."""


def normal_graph(model: NormalModel, response: Response | None = None, signal: Int64 | None = None) -> bytes:
    """Return the graph's bytes; with a response, the model is one of its deviations.

    ``signal`` ``(n,)`` numbers the signal of each input (None: each is one of its own).
    """
    graph = Graph("normal")
    width = len(model.centre)
    x = add_judged(graph, width, response)
    away = _followed(graph, x, add_standardised(graph, model.centre, model.scale, x), model)
    current = _remembered(graph, away, model)
    stacked = current
    if model.lags:
        past = graph.input("past", width * model.lags)
        stacked = graph.add("Concat", [current, past], axis=1)
        graph.output("past_out", graph.slice(stacked, 0, width * model.lags), width * model.lags)
    if model.allowance:
        stacked = _summed(graph, stacked, model)
    signals = np.arange(width) if signal is None else signal
    _charts(graph, stacked, model, signals, conditions=0 if response is None else len(response.conditions))
    return graph.to_bytes()


def _followed(graph: Graph, x: str, z: str, model: NormalModel) -> str:
    """Return the distance from where drift has taken the centre; a missing value is at it and does not move it."""
    if model.drift <= 0.0:
        return z
    width = len(model.centre)
    shift = graph.input("shift", width)
    nothing = graph.constant("nothing", np.zeros((1, width)))
    away = graph.add("Where", [graph.add("IsNaN", [x]), nothing, graph.add("Sub", [z, shift])])
    borders = [graph.constant(name, np.array(value)) for name, value in (("back", -1.0), ("on", 1.0))]
    step = graph.add("Mul", [graph.add("Clip", [away, *borders]), graph.constant("drift", np.array(model.drift))])
    graph.output("shift_out", graph.add("Add", [shift, step]), width)
    return away


def _remembered(graph: Graph, z: str, model: NormalModel) -> str:
    if model.weight >= 1.0:
        return z
    memory = graph.input("memory", len(model.centre))
    newest = graph.add("Mul", [z, graph.constant("weight", np.array(model.weight))])
    older = graph.add("Mul", [memory, graph.constant("keep", np.array(1.0 - model.weight))])
    return graph.output("memory_out", graph.add("Add", [newest, older]), len(model.centre))


def _summed(graph: Graph, stacked: str, model: NormalModel) -> str:
    """Return the cumulative sum of stacked rows; whitening is linear, so that it is as good as one of whitened rows."""
    width = model.whitening.shape[0]
    total = graph.add("Add", [graph.input("sums", width), stacked])
    white = graph.add("MatMul", [total, graph.constant("whitening_sums", model.whitening)])
    length = graph.add("Sqrt", [graph.sum(graph.add("Mul", [white, white]))])
    beyond = graph.add("Sub", [length, graph.constant("allowance", np.array(model.allowance))])
    borders = [graph.constant(name, np.array(value)) for name, value in (("no_sum", 0.0), ("longest_sum", model.most))]
    kept = graph.add("Clip", [beyond, *borders])
    share = graph.add("Div", [kept, graph.add("Max", [length, graph.constant("shortest_sum", np.array(_SHORTEST))])])
    return graph.output("sums_out", graph.add("Mul", [total, share]), width)


def _charts(graph: Graph, stacked: str, model: NormalModel, signal: Int64, conditions: int) -> None:
    """Add score and parts, of the nearest known parts or of the two charts; each signal is reconstructed as a whole."""
    charts = _nearest(graph, stacked, model) if model.known is not None else _two_charts(graph, stacked, model)
    graph.output("score", graph.add("Max", [chart.value for chart in charts]), 1)
    own = _per_input(graph, add_reconstructed(graph, charts, np.tile(signal, model.lags + 1)), model)
    if conditions:
        own = graph.add("Concat", [own, graph.constant("no_share", np.zeros((1, conditions)))], axis=1)
    graph.output("parts", own, len(model.centre) + conditions)


def _nearest(graph: Graph, stacked: str, model: NormalModel) -> list[Chart]:
    """Add the mean squared distance to the nearest known parts, as a chart of the mean difference from them.

    With ``d`` the difference from a known part and ``W`` the whitening, the squared distance is ``d W W' d'``.
    """
    assert model.known is not None
    scaled = model.whitening / np.sqrt(model.t2_scale)
    whitening = graph.constant("whitening", scaled)
    apart = graph.add("Sub", [graph.add("MatMul", [stacked, whitening]), graph.constant("there", model.known @ scaled)])
    distance = graph.add("Transpose", [graph.sum(graph.add("Mul", [apart, apart]))])
    white = graph.add("Gather", [apart, graph.smallest(distance, NEIGHBOURS)])
    value = graph.add("ReduceMean", [graph.sum(graph.add("Mul", [white, white]))], axes=[0], keepdims=1)
    mean = graph.add("ReduceMean", [white], axes=[0], keepdims=1)
    slope = graph.add("Gemm", [mean, whitening], transB=1)
    return [Chart(value=value, slope=slope, root=scaled, scale=1.0)]


def _two_charts(graph: Graph, stacked: str, model: NormalModel) -> list[Chart]:
    """Add both charts: with ``y = u W``, each divided by the root of its chart's scale, they are sums of ``y^2``."""
    sides = (
        ("t2", model.whitening[:, : model.kept], model.t2_scale),
        ("residual", model.whitening[:, model.kept :], model.residual_scale),
    )
    charts = []
    for name, columns, scale in sides:
        if columns.shape[1]:
            root = _triangular(columns / np.sqrt(scale))
            value, slope = _quadratic(graph, stacked, root, f"whitening_{name}")
            charts.append(Chart(value=value, slope=slope, root=root, scale=scale))
    return charts


def _triangular(root: Float64) -> Float64:
    """Return a root ``(m, c)`` of the same form ``root root'`` that has nothing above its diagonal."""
    return np.linalg.qr(root.T).R.T


def _quadratic(graph: Graph, row: str, root: Float64, name: str) -> tuple[str, str]:
    """Add value ``(1, 1)`` and slope ``(1, m)`` of a form by its triangular root, block of columns by block.

    A wide root is read from memory for each part, twice; what is above its diagonal need not be.
    """
    height, columns = root.shape
    edges = np.linspace(0, columns, 1 + max(1, min(_MOST_BLOCKS, columns // _LEAST_BLOCK)), dtype=np.int64)
    values, slopes = [], []
    for first, end in itertools.pairwise(edges.tolist()):
        block = graph.constant(f"{name}_{first}", root[first:, first:end])
        rest = graph.slice(row, first, height) if first else row
        white = graph.add("MatMul", [rest, block])
        values.append(graph.sum(graph.add("Mul", [white, white])))
        slope = graph.add("Gemm", [white, block], transB=1)
        before = [graph.constant(f"{name}_before_{first}", np.zeros((1, first)))] if first else []
        slopes.append(graph.add("Concat", [*before, slope], axis=1) if first else slope)
    return graph.total(values), graph.total(slopes)


def _per_input(graph: Graph, parts: str, model: NormalModel) -> str:
    """Return the parts with those of earlier rows added to those of the same input now."""
    if not model.lags:
        return parts
    shape: NDArray[np.int64] = np.array([model.lags + 1, len(model.centre)], dtype=np.int64)
    table = graph.add("Reshape", [parts, graph.constant("table", shape)])
    return graph.add("ReduceSum", [table, graph.constant("rows", np.array([0], dtype=np.int64))], keepdims=1)
