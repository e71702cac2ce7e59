"""A model of normal as an ONNX graph: pure, float32, memory going in and coming out.

Inputs: ``x`` ``(1, n)``, where it has a response with ``k`` conditions behind; ``shift`` ``(1, n)`` where the centre
follows drift; ``memory`` ``(1, n)`` where there is a moving average; ``past`` ``(1, n lags)`` where there are lags.
Outputs: ``score`` ``(1, 1)``; ``parts`` ``(1, n + k)``, the parts of the score that each input carries (they sum to the
score; a condition carries none); ``usual`` ``(1, n)`` where it has a response; ``shift_out``, ``memory_out`` and
``past_out``, to be given with the next part.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lineside.learn.graph import Graph
from lineside.learn.nearest import NEIGHBOURS
from lineside.learn.normal import NormalModel
from lineside.learn.response import Response
from lineside.learn.standardised import add_judged, add_standardised


def normal_graph(model: NormalModel, response: Response | None = None) -> bytes:
    """Return the graph's bytes; with a response, the model is one of its deviations."""
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
    _charts(graph, stacked, model, conditions=0 if response is None else len(response.conditions))
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


def _charts(graph: Graph, stacked: str, model: NormalModel, conditions: int) -> None:
    """Add score and parts, of the nearest known parts or of the two charts."""
    score, parts = _nearest(graph, stacked, model) if model.known is not None else _two_charts(graph, stacked, model)
    graph.output("score", score, 1)
    own = _per_input(graph, parts, model)
    if conditions:
        own = graph.add("Concat", [own, graph.constant("no_share", np.zeros((1, conditions)))], axis=1)
    graph.output("parts", own, len(model.centre) + conditions)


def _nearest(graph: Graph, stacked: str, model: NormalModel) -> tuple[str, str]:
    """Add the mean squared distance to the nearest known parts, and its parts.

    With ``d`` the difference from a known part and ``W`` the whitening, the squared distance is ``d W W' d'``: input
    ``j`` carries ``d_j (W W' d')_j``, taken as a mean over the nearest.
    """
    assert model.known is not None
    scaled = model.whitening / np.sqrt(model.t2_scale)
    whitening, known = graph.constant("whitening", scaled), graph.constant("known", model.known)
    apart = graph.add("Sub", [graph.add("MatMul", [stacked, whitening]), graph.constant("there", model.known @ scaled)])
    distance = graph.add("Transpose", [graph.sum(graph.add("Mul", [apart, apart]))])
    place = graph.smallest(distance, NEIGHBOURS)
    away = graph.add("Sub", [stacked, graph.add("Gather", [known, place])])
    white = graph.add("Gather", [apart, place])
    parts = graph.add("Mul", [away, graph.add("Gemm", [white, whitening], transB=1)])
    mean = graph.add("ReduceMean", [parts], axes=[0], keepdims=1)
    return graph.add("ReduceMean", [graph.sum(graph.add("Mul", [white, white]))], axes=[0], keepdims=1), mean


def _two_charts(graph: Graph, stacked: str, model: NormalModel) -> tuple[str, str]:
    """Add both charts with their parts; the chart that is the greater gives the score and the parts.

    With ``y = u W``, each column of ``W`` divided by the root of its chart's scale, the charts are sums of ``y^2``,
    and ``u_j (W y)_j`` are the parts of input ``j``, ``y`` being zero outside the chart.
    """
    inside = np.arange(model.whitening.shape[1]) < model.kept
    scales = np.where(inside, model.t2_scale, model.residual_scale)
    whitening = graph.constant("whitening", model.whitening / np.sqrt(scales))
    white = graph.add("MatMul", [stacked, whitening])
    only_inside = graph.add("Mul", [white, graph.constant("inside", inside[None, :].astype(np.float64))])
    only_beside = graph.add("Sub", [white, only_inside])
    t2 = graph.sum(graph.add("Mul", [only_inside, only_inside]))
    residual = graph.sum(graph.add("Mul", [only_beside, only_beside]))
    chosen = graph.add("Where", [graph.add("GreaterOrEqual", [t2, residual]), only_inside, only_beside])
    parts = graph.add("Mul", [stacked, graph.add("Gemm", [chosen, whitening], transB=1)])
    return graph.add("Max", [t2, residual]), parts


def _per_input(graph: Graph, parts: str, model: NormalModel) -> str:
    """Return the parts with those of earlier rows added to those of the same input now."""
    if not model.lags:
        return parts
    shape: NDArray[np.int64] = np.array([model.lags + 1, len(model.centre)], dtype=np.int64)
    table = graph.add("Reshape", [parts, graph.constant("table", shape)])
    return graph.add("ReduceSum", [table, graph.constant("rows", np.array([0], dtype=np.int64))], keepdims=1)
