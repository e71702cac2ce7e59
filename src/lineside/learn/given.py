"""Judging given conditions: which columns of a recipe a model with a response reads, and what it makes of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lineside.domain.plan.model import Characteristic, ConditionsWish
from lineside.domain.readings import Float64, Int64
from lineside.learn.normal import resolution, robust_scale
from lineside.learn.response import Response, fit_response
from lineside.learn.rows import Choice, Rows, nonconforming


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Given:
    """A response, and where its features and conditions stand in the recipe.

    ``process`` ``(n,)`` are the columns that are judged, ``conditions`` ``(k,)`` those they are judged by; the
    response's conditions are positions among these ``k``.
    """

    response: Response
    process: Int64
    conditions: Int64

    @property
    def inputs(self) -> Int64:
        """The columns that the graph reads: the features, behind them the conditions."""
        return np.concatenate([self.process, self.conditions])

    def rows(self, features: Float64) -> Float64:
        """Return how far the features of whole rows ``(r, recipe)`` are from what is usual under their conditions."""
        return self.response.deviations(features[:, self.process], features[:, self.conditions])

    def scale(self, features: Float64) -> tuple[Float64, Float64]:
        """Return centre and scale ``(n,)`` of the deviations of rows ``(r, recipe)``.

        A scale is not below the resolution of the feature itself; one that does not respond keeps the floors that it
        would have without conditions.
        """
        own = features[:, self.process]
        centre, scale = robust_scale(self.rows(features))
        coarse = np.array([resolution(column) for column in own.T])
        return centre, np.where(self.response.responds, np.maximum(scale, coarse), robust_scale(own)[1])


def learn_given(characteristic: Characteristic, columns: Choice, rows: Rows) -> Given | None:
    """Learn from the conforming of some rows how the process features among the columns' inputs respond.

    None where the plan ignores conditions, there are none, or nothing responds.
    """
    conditions = columns.environment
    process = np.setdiff1d(columns.inputs, conditions)
    wanted = characteristic.model.conditions is ConditionsWish.AUTO
    if not wanted or not len(conditions) or not len(process):
        return None
    good = rows.features[~nonconforming(rows, characteristic)]
    response = fit_response(good[:, process], good[:, conditions])
    if not response.responds.any():
        return None
    used = conditions[response.conditions]
    return Given(response=_renumbered(response), process=process, conditions=used)


def _renumbered(response: Response) -> Response:
    """Return a response whose conditions are the only ones given."""
    place = {int(old): new for new, old in enumerate(response.conditions)}
    effects = tuple(replace(item, condition=place[item.condition]) for item in response.effects)
    return replace(response, conditions=np.arange(len(place)), effects=effects)


def conditions_only(given: Given | None) -> int:
    """Return how many of a model's inputs are conditions that the others are judged by."""
    return 0 if given is None else len(given.conditions)
