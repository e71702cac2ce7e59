"""The environment-shift test of learning: whole regimes left out, and the worst of them by name.

For each regime (`lineside.domain.regimes`) a model of the same family is learned from 70 % of the other parts, takes
its limit from their other 30 %, which are the latest where there is time, and judges the regime it never saw. A part
whose conditions are outside what that model learned raises no alarm, as at the line. Of every kind the four largest
regimes are left out, of bands the two ends always. Many parts are thinned evenly, so that the test costs a few small
fits whatever the data.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.backtests.regimes import (
    LEAST_CONFORMING,
    LEAST_NONCONFORMING,
    RegimeRow,
    Worst,
    worst_regimes,
)
from lineside.domain.errors import DataError
from lineside.domain.features.recipe import FeatureRecipe
from lineside.domain.metrics.ranking import roc_auc
from lineside.domain.metrics.regression import rmse
from lineside.domain.plan.model import NORMAL_FAMILIES, ModelFamily, Plan
from lineside.domain.readings import Float64, Int64
from lineside.domain.regimes import Production, Regime, regimes_of
from lineside.domain.splits import Fold, leave_one_regime_out
from lineside.learn.experience import outside_experience
from lineside.learn.learned import Learned, Task
from lineside.learn.limiting import limit_on
from lineside.learn.local_time import local_times
from lineside.learn.normal_family import normal_scorer
from lineside.learn.regression_family import regression_values
from lineside.learn.rows import Rows, known, measured, nonconforming, thinned
from lineside.learn.supervised_family import supervised_scorer
from lineside.learn.validation import Scorer
from lineside.wire.bundle import TREE_NODES

Bools = NDArray[np.bool_]
MOST_ROWS: Final = 5_000
MOST_OF_A_KIND: Final = 4
MOST_REGIMES: Final = 30
_LEARNED: Final = 0.7
_WORDS: Final = {
    "false_alarm_rate": "false alarms",
    "recall": "found of nonconforming",
    "auc": "area under the ROC curve",
    "rmse": "error (root mean square)",
    "share_outside_experience": "outside experience",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class RegimeCheck:
    """Every regime left out, and the worst by each figure."""

    each: tuple[RegimeRow, ...]
    worst: tuple[Worst, ...]

    def lines(self) -> tuple[str, ...]:
        """Return the worst regimes in words, each beside the mean."""
        if not self.worst:
            return ("no two regimes large enough to be left out",)
        return tuple(_words(item) for item in self.worst)

    def metrics(self) -> dict[str, float]:
        """Return the worst figures by name."""
        return {f"worst_regime_{item.figure}": item.value for item in self.worst}


def check_regimes(plan: Plan, recipe: FeatureRecipe, task: Task, learned: Learned) -> RegimeCheck:
    """Return what a model like the one learned makes of regimes that it has not seen, nor any older part."""
    task = replace(task, older=None)
    family = learned.family
    rows = _usable(task.rows.take(thinned(len(task.rows), MOST_ROWS)), family)
    each = []
    for regime, fold in folds_of(plan, recipe, task, rows):
        task.progress(f"leaving out {regime.name}: {len(fold.test)} parts")
        if family is ModelFamily.REGRESSION:
            each.append(_value_regime(task, rows, regime, fold, trees=TREE_NODES in learned.files))
            continue
        found = judge_regime(task, family, rows, regime, fold)
        each += [] if found is None else [found]
    return RegimeCheck(each=tuple(each), worst=worst_regimes(each))


def folds_of(
    plan: Plan, recipe: FeatureRecipe, task: Task, rows: Rows, kinds: Sequence[str] = (), most: int = MOST_OF_A_KIND
) -> list[tuple[Regime, Fold]]:
    """Return the regimes to leave out, at most so many of a kind, each with its fold; none where rows have no two."""
    made = Production(
        recipe=recipe,
        features=rows.features,
        context=rows.context.tolist(),
        group=rows.group.tolist(),
        local=local_times(rows.started, plan.line.timezone) if task.timed else None,
    )
    try:
        found = regimes_of(plan, made, kinds).kept
    except DataError:
        return []
    chosen = _chosen(found, most)
    folds = leave_one_regime_out([(item.kind, item.name, item.rows) for item in chosen], len(rows))
    return list(zip(chosen, folds, strict=True))


def judge_regime(task: Task, family: ModelFamily, rows: Rows, regime: Regime, fold: Fold) -> RegimeRow | None:
    """Return the figures of a regime by a model of the others; None where these are too few to learn from."""
    learned, kept_back = _parted(task, fold.train)
    test = rows.take(fold.test)
    try:
        score = scorer(task, family, rows.take(learned))
        limit = _limit(task, family, score, rows.take(kept_back))
    except DataError:
        return None
    outside = outside_experience(rows.features[fold.train], test.features, task.columns.environment)
    given = score(test)
    bad = nonconforming(test, task.characteristic)
    figures = {"share_outside_experience": float(outside.mean()), **_figures(bad, given, (given > limit) & ~outside)}
    return _row(regime, bad, figures)


def _value_regime(task: Task, rows: Rows, regime: Regime, fold: Fold, *, trees: bool) -> RegimeRow:
    """Return the error of values expected in a regime, by a model of the others."""
    test = rows.take(fold.test)
    given = regression_values(task, rows.take(fold.train), trees=trees)(test)
    outside = outside_experience(rows.features[fold.train], test.features, task.columns.environment)
    figures = {"rmse": rmse(measured(test), given), "share_outside_experience": float(outside.mean())}
    return _row(regime, nonconforming(test, task.characteristic), figures)


def _row(regime: Regime, bad: Bools, figures: dict[str, float]) -> RegimeRow:
    count = int(bad.sum())
    return RegimeRow(kind=regime.kind, name=regime.name, units=len(bad), nonconforming=count, figures=figures)


def scorer(task: Task, family: ModelFamily, rows: Rows) -> Scorer:
    """Return what scores rows, bigger is worse, by a model of normal or of classes learned from some rows."""
    return normal_scorer(task, rows) if family in NORMAL_FAMILIES else supervised_scorer(task, rows)


def _usable(rows: Rows, family: ModelFamily) -> Rows:
    """Return the rows that a family learns from."""
    if family in NORMAL_FAMILIES:
        return rows
    return rows.take(~np.isnan(measured(rows)) if family is ModelFamily.REGRESSION else known(rows))


def _chosen(regimes: tuple[Regime, ...], most: int) -> list[Regime]:
    by_kind: dict[str, list[Regime]] = defaultdict(list)
    for item in regimes:
        by_kind[item.kind].append(item)
    chosen = []
    for kind, items in by_kind.items():
        ends = [items[0], items[-1]] if kind.startswith("band:") else []
        others = sorted((item for item in items if item not in ends), key=lambda item: -len(item.rows))
        wanted = [*ends, *others][:most]
        chosen += [item for item in items if item in wanted]
    return chosen[:MOST_REGIMES]


def _parted(task: Task, train: Int64) -> tuple[Int64, Int64]:
    """Return rows to learn from and rows to set the limit by, of those that are not left out."""
    if not task.timed:
        train = np.random.default_rng(task.seed).permutation(train)
    kept = round(_LEARNED * len(train))
    return np.sort(train[:kept]), np.sort(train[kept:])


def _limit(task: Task, family: ModelFamily, score: Scorer, rows: Rows) -> float:
    good = rows.take(~nonconforming(rows, task.characteristic))
    margin = task.characteristic.model.margin if family in NORMAL_FAMILIES else 1.0
    return limit_on(task, score(good), good.group).value * margin


def _figures(bad: Bools, score: Float64, alarm: Bools) -> dict[str, float]:
    """Return the figures of alarms and scores that a regime has enough parts for."""
    figures = {}
    good_count, bad_count = int(np.sum(~bad)), int(np.sum(bad))
    if good_count >= LEAST_CONFORMING:
        figures["false_alarm_rate"] = float(alarm[~bad].mean())
    if bad_count >= LEAST_NONCONFORMING:
        figures["recall"] = float(alarm[bad].mean())
    scored = np.isfinite(score)
    if bad_count >= LEAST_NONCONFORMING and good_count >= LEAST_CONFORMING and scored.any():
        figures["auc"] = roc_auc(bad[scored], score[scored])
    return figures


def _words(item: Worst) -> str:
    if item.figure in {"auc", "rmse"}:
        value, mean = f"{item.value:.3g}", f"{item.mean:.3g}"
    else:
        value, mean = f"{item.value:.2%}", f"{item.mean:.2%}"
    return f"{_WORDS[item.figure]}: worst {value} at {item.regime} ({item.units} parts), mean of {item.of} {mean}"
