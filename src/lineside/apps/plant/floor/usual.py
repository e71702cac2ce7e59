"""What is usual: bands over the latest unsuspected parts, trends, and where a trend left its band."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final

import numpy as np

from lineside.apps.plant.floor.parts import StationParts
from lineside.apps.plant.floor.views import Trend, finite
from lineside.domain.features.recipe import FeatureRecipe
from lineside.domain.parts import PartRecord
from lineside.domain.predictions import JudgementState

REFERENCE: Final = 300
"""Latest unsuspected parts that a band is made of."""
LEAST: Final = 20
"""Fewer parts make no band."""
LEAST_RUN: Final = 3
"""Parts in a row outside the band that make a change."""
_BAND: Final = (0.5, 99.5)

Band = tuple[float, float] | None


def unsuspected(parts: StationParts) -> list[PartRecord]:
    """Return the latest parts that nothing speaks against, newest first."""
    good = (
        part
        for part in parts.newest_first()
        if not part.late
        and not part.incomplete
        and all(item.state is JudgementState.NORMAL for item in parts.judgements(part).values())
    )
    return list(islice(good, REFERENCE))


def bands(parts: StationParts, recipe: FeatureRecipe) -> tuple[Band, ...]:
    """Return for each feature the band in which 99 % of the latest unsuspected parts lie, None where unknown."""
    rows = [part.features for part in unsuspected(parts) if part.recipe == recipe.digest]
    if len(rows) < LEAST:
        return (None,) * len(recipe.features)
    table = np.vstack(rows)
    return tuple(_band(table[:, column]) for column in range(table.shape[1]))


def _band(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Band:
    known = values[np.isfinite(values)]
    if len(known) < LEAST:
        return None
    low, high = np.percentile(known, _BAND)
    return float(low), float(high)


def feature_trend(
    parts: StationParts,
    recipe: FeatureRecipe,
    feature: str,
    label: str,
    *,
    band: Band,
    window: tuple[int, int | None] = (0, None),
    most: int = 60,
    least_run: int = LEAST_RUN,
) -> Trend | None:
    """Return the trend of a feature over the latest parts; None where the recipe does not have it.

    ``window``: parts that ended at or after the first and, where it is given, before the second time (UTC ns).
    A change is marked where the last ``least_run`` parts or more are outside the band.
    """
    if feature not in recipe.names:
        return None
    column = recipe.names.index(feature)
    chosen = [
        part
        for part in islice(parts.newest_first(window[1]), most)
        if part.recipe == recipe.digest and part.ended >= window[0]
    ][::-1]
    times = tuple(part.ended for part in chosen)
    values = tuple(finite(float(part.features[column])) for part in chosen)
    low, high = band if band is not None else (None, None)
    unit = recipe.features[column].unit
    change = _change(times, values, low, high, least_run)
    return Trend(label=label, unit=unit, times=times, values=values, low=low, high=high, change=change)


def score_trend(parts: StationParts, characteristic: str, most: int = 60) -> Trend | None:
    """Return the trend of the score of a characteristic with its limit; None where nothing was judged."""
    judged = [
        (part.ended, found)
        for part in islice(parts.newest_first(), most)
        if (found := parts.judgements(part).get(characteristic)) is not None
    ][::-1]
    if not judged:
        return None
    normal = [item.score for _, item in judged if item.state is JudgementState.NORMAL]
    band = _band(np.array(normal, dtype=np.float64))
    return Trend(
        label="score",
        unit="",
        times=tuple(time for time, _ in judged),
        values=tuple(finite(item.score) for _, item in judged),
        low=None if band is None else band[0],
        high=None if band is None else band[1],
        limit=judged[-1][1].limit,
    )


def _change(
    times: Sequence[int], values: Sequence[float | None], low: float | None, high: float | None, least: int
) -> int | None:
    """Return the time of the first part of the last run of parts outside the band, None where it is too short."""
    if low is None or high is None:
        return None
    change, run = None, 0
    for time, value in zip(reversed(times), reversed(values), strict=True):
        if value is None or low <= value <= high:
            break
        change, run = time, run + 1
    return change if run >= least else None
