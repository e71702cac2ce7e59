"""A response in a graph: from process features and conditions to deviations from what is usual under them."""

from __future__ import annotations

import numpy as np

from lineside.domain.readings import Float64
from lineside.learn.graph import Graph
from lineside.learn.response import Response
from lineside.learn.response_terms import FARTHEST, NEAREST, Terms


def add_deviations(graph: Graph, x: str, response: Response) -> str:
    """Add the deviations ``(1, n)`` of a row ``x`` ``(1, n + k)``: ``n`` features, behind them ``k`` conditions.

    The response's conditions are positions among these ``k``. The output ``usual`` ``(1, n)`` says what is usual under
    the row's conditions, NaN where no response says so.
    """
    n = len(response.centre)
    given = graph.add("Gather", [x, graph.constant("given_columns", response.conditions + n)], axis=1)
    lacking = graph.add("IsNaN", [given])
    location = graph.constant("given_location", response.terms.location[None, :])
    filled = graph.add("Where", [lacking, location, given])
    width = graph.constant("given_width", 1.0 / response.terms.width[None, :])
    u = graph.add("Mul", [graph.add("Sub", [filled, location]), width])
    primitives, weights = _primitives(graph, u, response.terms, response.weights)
    offset = graph.constant("given_moved_offset", response.offset[None, :])
    moved = graph.add("Gemm", [primitives, graph.constant("given_moved_weights", weights), offset])
    needed = graph.add(
        "MatMul", [graph.add("Cast", [lacking], to=1), graph.constant("given_uses", response.uses * 1.0)]
    )
    unknown = graph.add("Greater", [needed, graph.constant("given_none", np.zeros((1, 1)))])
    middle = graph.constant("given_middle", response.centre[None, :])
    apart = graph.add("Sub", [graph.slice(x, 0, n), middle])
    drawn_in = graph.add("Mul", [apart, graph.constant("given_narrow", response.narrow[None, :])])
    _usual(graph, response, unknown, graph.add("Add", [middle, moved]))
    return graph.add("Where", [unknown, drawn_in, graph.add("Sub", [apart, moved])])


def _usual(graph: Graph, response: Response, unknown: str, expected: str) -> None:
    silent = np.where(response.responds, 0.0, np.nan)[None, :]
    known = graph.add("Add", [expected, graph.constant("given_silent", silent)])
    nothing = graph.constant("given_nobody_knows", np.array([[np.nan]]))
    graph.output("usual", graph.add("Where", [unknown, nothing, known]), silent.shape[1])


def _primitives(graph: Graph, u: str, terms: Terms, weights: Float64) -> tuple[str, Float64]:
    """Add the primitives that have any weight; return them with their weights."""
    c = terms.count
    reach = [
        graph.constant(f"given_{name}", np.array(value))
        for name, value in (("nearest", NEAREST), ("farthest", FARTHEST))
    ]
    one, zero = graph.constant("given_inside", np.array(1.0)), graph.constant("given_begin", np.array(0.0))
    u = graph.add("Clip", [u, *reach])
    h = graph.add("Min", [u, one])
    rows, names = [np.arange(2 * c)], [h, graph.add("Sub", [u, h])]
    if np.any(weights[2 * c : 5 * c]):
        knots = graph.constant("given_knots", terms.knots.reshape(1, 3 * c))
        beyond = graph.add("Relu", [graph.add("Sub", [graph.add("Concat", [h, h, h], axis=1), knots])])
        names.append(graph.add("Mul", [graph.add("Mul", [beyond, beyond]), beyond]))
        rows.append(np.arange(2 * c, 5 * c))
    if terms.pairs:
        held = graph.add("Clip", [u, zero, one])
        sides = [
            graph.add("Gather", [held, graph.constant(f"given_{name}", np.array(side))], axis=1)
            for name, side in zip(("first", "second"), zip(*terms.pairs, strict=True), strict=True)
        ]
        names.append(graph.add("Mul", sides))
        rows.append(np.arange(5 * c, len(weights)))
    return graph.add("Concat", names, axis=1), weights[np.concatenate(rows)]
