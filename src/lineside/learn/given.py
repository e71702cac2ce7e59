"""Judging given conditions: which columns of a recipe a model with a response reads, and what it makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.plan.model import Characteristic, ConditionsWish
from lineside.domain.readings import Float64, Int64
from lineside.learn.normal import resolution, robust_scale
from lineside.learn.response import Response, fit_response, unseen_deviations
from lineside.learn.rows import Choice, Rows, nonconforming

Bools = NDArray[np.bool_]
_CONDITIONS: Final = 2
_QUARTER: Final = 0.25


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

    def unseen(self, features: Float64) -> Float64:
        """Return the deviations of whole rows that were learned from, as if their conditions were new."""
        return unseen_deviations(self.response, features[:, self.process], features[:, self.conditions])

    def scale(self, features: Float64, deviations: Float64) -> tuple[Float64, Float64]:
        """Return centre and scale ``(n,)`` of the deviations of rows ``(r, recipe)``.

        A scale is not below the resolution of the feature itself; one that does not respond keeps the floors that it
        would have without conditions.
        """
        own = features[:, self.process]
        centre, scale = robust_scale(deviations)
        coarse = np.array([resolution(column) for column in own.T])
        return centre, np.where(self.response.responds, np.maximum(scale, coarse), robust_scale(own)[1])


def learn_given(
    characteristic: Characteristic,
    columns: Choice,
    rows: Rows,
    *,
    older: Rows | None = None,
    all_conditions: bool = False,
) -> Given | None:
    """Learn from the conforming of some rows how the process features among the columns' inputs respond.

    ``older`` are conforming rows from before these, which teach it beside them. None where the plan ignores conditions,
    there are none, or nothing responds. Conditions to which nothing responds are left out unless ``all_conditions``.
    """
    conditions = columns.environment
    process = np.setdiff1d(columns.inputs, conditions)
    wanted = characteristic.model.conditions is ConditionsWish.AUTO
    if not wanted or not len(conditions) or not len(process):
        return None
    good = rows.features[~nonconforming(rows, characteristic)]
    good = good if older is None else np.vstack([older.features, good])
    response = fit_response(good[:, process], good[:, conditions])
    if not response.responds.any():
        return None
    if all_conditions:
        return Given(response=response, process=process, conditions=conditions)
    return Given(response=_renumbered(response), process=process, conditions=conditions[response.conditions])


def _renumbered(response: Response) -> Response:
    """Return a response whose conditions are the only ones given."""
    place = {int(old): new for new, old in enumerate(response.conditions)}
    effects = tuple(replace(item, condition=place[item.condition]) for item in response.effects)
    return replace(response, conditions=np.arange(len(place)), effects=effects)


def unseen_quarters(given: Given, features: Float64) -> Iterator[Bools]:
    """Yield which of whole rows ``(r, recipe)`` are in the lowest and in the highest quarter of a condition.

    It goes through the two conditions that move most features.
    """
    moved = given.response.uses.sum(axis=1)
    for place in np.argsort(-moved, kind="stable")[:_CONDITIONS].tolist():
        values = features[:, given.conditions[given.response.conditions[place]]]
        low, high = np.nanquantile(values, (_QUARTER, 1.0 - _QUARTER))
        yield np.asarray(values <= low, dtype=np.bool_)
        yield np.asarray(values >= high, dtype=np.bool_)
