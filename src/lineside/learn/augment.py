"""How parts are made up at conditions that no part has seen.

A made-up part is an observed one moved to other conditions. For each gap that parts leave in the plan's declared
envelope (`lineside.domain.coverage`), a value of the condition is drawn evenly from the gap, and an observed part among
those nearest to it. With the environment's response ``d`` (`lineside.learn.response`), estimated from conforming parts,
the part's process features become ``x + d(c') - d(c)``: what conditions do is the model's; what the part has of its
own, its residual and its outcome, is observed. It is a parametric form of domain generalisation by augmentation (Volpi
et al., NeurIPS 2018), and right only as far as the response is: whether it helps, `lineside.learn.try_augment` decides.

What comes out is no `Rows`: see `lineside.learn.augmented`.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from lineside.domain.coverage.facts import Coverage, condition_columns, coverage_of
from lineside.domain.coverage.gaps import Gap, Side, gaps_of
from lineside.domain.features.recipe import FeatureRecipe
from lineside.domain.plan.model import Plan
from lineside.domain.readings import Int64
from lineside.learn.augmented import Augment, Augmented
from lineside.learn.learned import Task
from lineside.learn.response import Response, fit_response
from lineside.learn.rows import Rows, nonconforming, thinned

SHARE: Final = 0.1
MOST: Final = 2_000
"""Made-up parts per gap: this share of the observed ones, at most so many."""
_NEAREST: Final = 0.1
"""Share of the observed parts, those nearest to a gap, that are moved into it."""
_LEAST_NEAREST: Final = 50
_RESPONSE_ROWS: Final = 20_000
_REACH: Final = 0.5
"""A gap is entered by this share of the range seen at most: farther, a response is a guess."""


def augmenter(plan: Plan, recipe: FeatureRecipe, task: Task) -> Augment:
    """Return what makes parts up for a task; the same rows and seed give the same parts."""
    columns = condition_columns(recipe, tuple(item.signal for item in plan.envelope))
    environment = task.all_columns.environment
    process = np.setdiff1d(task.all_columns.inputs, environment)

    def augment(rows: Rows) -> Augmented | None:
        coverage = coverage_of(plan, recipe, rows.features)
        gaps = [gap for gap in open_gaps(coverage) if columns.get(gap.signal, -1) in environment]
        if not gaps or not len(process):
            return None
        good = np.flatnonzero(~nonconforming(rows, task.characteristic))
        conforming = rows.features[good[thinned(len(good), _RESPONSE_ROWS)]]
        response = fit_response(conforming[:, process], conforming[:, environment])
        if not response.responds.any():
            return None
        rng = np.random.default_rng([task.seed, len(rows)])
        pieces = [_into(rows, gap, columns[gap.signal], (process, environment), response, rng) for gap in gaps]
        return Augmented(
            features=np.vstack([item.features for item in pieces]),
            outcome=np.concatenate([item.outcome for item in pieces]),
            source=np.concatenate([item.source for item in pieces]),
        )

    return augment


def open_gaps(coverage: Coverage) -> list[Gap]:
    """Return the stretches of declared conditions to be filled: ends only as far as `_REACH`, no states."""
    gaps = []
    for condition in coverage.conditions:
        if condition.seen is None or condition.states:
            continue
        reach = _REACH * (condition.seen[1] - condition.seen[0])
        for gap in gaps_of(condition):
            low = max(gap.low, gap.high - reach) if gap.side is Side.BELOW else gap.low
            high = min(gap.high, gap.low + reach) if gap.side is Side.ABOVE else gap.high
            if high > low:
                gaps.append(Gap(signal=gap.signal, side=gap.side, low=low, high=high, parts=gap.parts))
    return gaps


def _into(
    rows: Rows, gap: Gap, column: int, kinds: tuple[Int64, Int64], response: Response, rng: np.random.Generator
) -> Augmented:
    """Return observed parts moved into a gap of the condition in a column; ``kinds``: process and environment."""
    process, environment = kinds
    values = rows.features[:, column]
    middle = (gap.low + gap.high) / 2
    order = np.argsort(np.where(np.isnan(values), np.inf, np.abs(values - middle)), kind="stable")
    near = order[: max(round(_NEAREST * len(rows)), min(_LEAST_NEAREST, len(rows)))]
    source = rng.choice(near, size=min(max(round(SHARE * len(rows)), 1), MOST))
    features = rows.features[source].copy()
    before = response.moved(features[:, environment])
    features[:, column] = rng.uniform(gap.low, gap.high, len(source))
    features[:, process] += np.nan_to_num(response.moved(features[:, environment]) - before, nan=0.0)
    return Augmented(
        features=features.astype(np.float32).astype(np.float64), outcome=rows.outcome[source], source=source
    )
