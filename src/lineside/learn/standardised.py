"""The first step of linear models and models of normal in a graph: from values to scales from the centre."""

from __future__ import annotations

import numpy as np

from lineside.domain.readings import Float64
from lineside.learn.graph import Graph
from lineside.learn.normal import FARTHEST
from lineside.learn.response import Response
from lineside.learn.response_graph import add_deviations


def add_judged(graph: Graph, width: int, response: Response | None) -> str:
    """Add the input ``x`` and return what is judged of it ``(1, width)``: itself, or what a response leaves of it."""
    if response is None:
        return graph.input("x", width)
    return add_deviations(graph, graph.input("x", width + len(response.conditions)), response)


def add_standardised(graph: Graph, centre: Float64, scale: Float64, x: str = "") -> str:
    """Add the standardisation of ``x``, by default of an input of that name; missing values become 0."""
    x = x or add_judged(graph, len(centre), None)
    usual = graph.constant("centre", centre[None, :])
    filled = graph.add("Where", [graph.add("IsNaN", [x]), usual, x])
    scaled = graph.add("Mul", [graph.add("Sub", [filled, usual]), graph.constant("inverse", 1.0 / scale[None, :])])
    borders = [graph.constant(name, np.array(value)) for name, value in (("least", -FARTHEST), ("most", FARTHEST))]
    return graph.add("Clip", [scaled, *borders])
