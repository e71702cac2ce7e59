"""Whether made-up parts help: kept only if they do where it counts, in conditions that were left out.

Every band of a declared condition is left out in turn. Trees are learned from the other parts, once as they are and
once with parts made up for the gap that is now there, and rank the *observed* parts of the band. Made-up parts are kept
if the area under the ROC curve rises, in the mean over bands, by more than one standard error.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from lineside.domain.backtests.regimes import LEAST_CONFORMING, LEAST_NONCONFORMING
from lineside.domain.features.recipe import FeatureRecipe
from lineside.domain.metrics.ranking import roc_auc
from lineside.domain.plan.model import ModelFamily, Plan
from lineside.domain.splits import Fold
from lineside.learn.augment import augmenter
from lineside.learn.augmented import Augment
from lineside.learn.learned import Learned, Task
from lineside.learn.regime_check import folds_of
from lineside.learn.rows import Rows, known, nonconforming, thinned
from lineside.learn.supervised_family import learn_supervised, supervised_scorer

MOST_ROWS: Final = 8_000
MOST_BANDS: Final = 4
_LEAST_BANDS: Final = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """What made-up parts changed: the gain of each band left out, and the verdict."""

    gains: tuple[float, ...]
    kept: bool
    words: str


def with_augmentation(plan: Plan, recipe: FeatureRecipe, task: Task, learned: Learned) -> tuple[Task, Learned, str]:
    """Return task and model, learned anew with made-up parts where these help, and in words what was tried and why."""
    if learned.family is not ModelFamily.SUPERVISED:
        return task, learned, ""
    if task.characteristic.model.augment == "off":
        return task, learned, "not tried: the plan says off"
    if learned.setups is not None:
        return task, learned, "not tried: parts are judged against their setup's own baseline"
    augment = augmenter(plan, recipe, task)
    rows = _few(task)
    if augment(rows) is None:
        return (
            task,
            learned,
            "not tried: no gap in the declared envelope, or no feature that responds to the conditions",
        )
    trial = try_augmentation(plan, recipe, task, augment)
    if not trial.kept:
        return task, learned, trial.words
    beside = "; learned with made-up parts beside the observed ones, which are counted and judged nowhere"
    task = replace(task, augment=augment)
    return task, learn_supervised(task), trial.words + beside


def _few(task: Task) -> Rows:
    """Return the rows with known outcome, thinned evenly to as many as a trial needs."""
    labelled = np.flatnonzero(known(task.rows))
    return task.rows.take(labelled[thinned(len(labelled), MOST_ROWS)])


def try_augmentation(plan: Plan, recipe: FeatureRecipe, task: Task, augment: Augment) -> Trial:
    """Return what made-up parts change in bands of conditions that are left out."""
    rows, gains = _few(task), list[float]()
    for item in plan.envelope:
        for regime, fold in folds_of(plan, recipe, task, rows, [f"band:{item.signal}"], MOST_BANDS):
            task.progress(f"making parts up for {regime.name}, and judging its own by them")
            gain = _gain(task, rows, fold, augment)
            gains += [] if gain is None else [gain]
    if len(gains) < _LEAST_BANDS:
        words = f"tried, not kept, because only {len(gains)} bands with defects can be left out"
        return Trial(gains=tuple(gains), kept=False, words=f"{words} ({_LEAST_BANDS} are needed)")
    mean, error = float(np.mean(gains)), float(np.std(gains, ddof=1) / np.sqrt(len(gains)))
    kept = mean > error
    verdict = "kept, because" if kept else "not kept, because only"
    words = f"tried, {verdict} AUC changes by {mean:+.4f} +- {error:.4f} in {len(gains)} bands left out"
    return Trial(gains=tuple(gains), kept=kept, words=words)


def _gain(task: Task, rows: Rows, fold: Fold, augment: Augment) -> float | None:
    """Return how much better a band is ranked with made-up parts; None where it cannot be told."""
    train, test = rows.take(fold.train), rows.take(fold.test)
    bad, taught = nonconforming(test, task.characteristic), nonconforming(train, task.characteristic)
    if bad.sum() < LEAST_NONCONFORMING or np.sum(~bad) < LEAST_CONFORMING or not taught.any():
        return None
    made = augment(train)
    if made is None:
        return None
    plain, helped = (supervised_scorer(replace(task, augment=one), train)(test) for one in (None, lambda _: made))
    return roc_auc(bad, helped) - roc_auc(bad, plain)
