"""Ridge regression (Hoerl and Kennard, Technometrics 12, 1970) on robustly standardised features.

The penalty is chosen by the leave-one-out error, which ridge gives in closed form. A missing value counts as usual.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import RidgeCV

from lineside.domain.readings import Float64
from lineside.learn.export_trees import Scale, add_value_score
from lineside.learn.graph import Graph
from lineside.learn.normal import robust_scale, standardise
from lineside.learn.standardised import add_standardised


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Ridge:
    """``value = intercept + sum_j slope_j z_j`` with ``z`` the standardised features; arrays ``(n,)``."""

    centre: Float64
    scale: Float64
    slope: Float64
    intercept: float

    def value(self, features: Float64) -> Float64:
        """Return the expected values of rows ``(r, n)``."""
        expected: Float64 = standardise(features, self.centre, self.scale) @ self.slope + self.intercept
        return expected


def fit_ridge(features: Float64, value: Float64) -> Ridge:
    """Learn a value from rows ``(r, n)``."""
    centre, scale = robust_scale(features)
    found = RidgeCV(alphas=np.logspace(-2, 4, 13)).fit(standardise(features, centre, scale), value)
    return Ridge(centre=centre, scale=scale, slope=found.coef_, intercept=float(found.intercept_))


def ridge_graph(model: Ridge, scale: Scale) -> bytes:
    """Return the graph of a ridge regression; outputs ``value``, ``score`` and ``parts`` of the score ``(1, n)``."""
    graph = Graph("ridge")
    z = add_standardised(graph, model.centre, model.scale)
    terms = graph.add("Mul", [z, graph.constant("slopes", model.slope[None, :])])
    value = graph.add("Add", [graph.sum(terms), graph.constant("intercept", np.array([[model.intercept]]))])
    graph.output("value", value, 1)
    graph.output("parts", graph.add("Mul", [terms, add_value_score(graph, value, scale)]), len(model.centre))
    return graph.to_bytes()
