"""The first step of linear models and models of normal in a graph: from values to scales from the centre."""

from __future__ import annotations

import numpy as np

from lineside.domain.readings import Float64
from lineside.learn.graph import Graph
from lineside.learn.normal import FARTHEST


def add_standardised(graph: Graph, centre: Float64, scale: Float64) -> str:
    """Add the input ``x`` and its standardisation; missing values become 0."""
    x = graph.input("x", len(centre))
    usual = graph.constant("centre", centre[None, :])
    filled = graph.add("Where", [graph.add("IsNaN", [x]), usual, x])
    scaled = graph.add("Mul", [graph.add("Sub", [filled, usual]), graph.constant("inverse", 1.0 / scale[None, :])])
    borders = [graph.constant(name, np.array(value)) for name, value in (("least", -FARTHEST), ("most", FARTHEST))]
    return graph.add("Clip", [scaled, *borders])
