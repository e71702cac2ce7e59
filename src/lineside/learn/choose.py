"""Which family of models: the one the plan names, or the one that the data carries.

Left open, a measured value is learned by regression. For attributes a model of normal stands unless boosted trees rank
held-out parts better by more than a standard error over the folds: with few defects a distance to normal is hard
to beat, and needs no labels. Where rows of a continuous process follow one another, which model of normal it is, and
with how much memory, is searched for (`lineside.learn.search`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lineside.domain.metrics.ranking import roc_auc
from lineside.domain.plan.model import (
    NORMAL_FAMILIES,
    Characteristic,
    CharacteristicKind,
    CycleByWindow,
    ModelFamily,
    Plan,
)
from lineside.domain.readings import Float64
from lineside.learn.calibrate import calibrate, log_odds
from lineside.learn.learned import Learned, Task
from lineside.learn.normal_family import learn_normal, validate_normal
from lineside.learn.regression_family import LEAST_MEASURED, learn_regression
from lineside.learn.robust import LEAST_PER_VALUE
from lineside.learn.rows import classes_of, known, measured, nonconforming, remembers_parts
from lineside.learn.search import candidates, search, stages_of
from lineside.learn.supervised_family import (
    LEAST_BAD,
    LEAST_KNOWN,
    bad_classes,
    labels,
    learn_supervised,
    validate_supervised,
    viewed,
)
from lineside.learn.validation import HeldOut


@dataclass(frozen=True, kw_only=True, slots=True)
class _Comparison:
    supervised: float
    normal: float
    gain: float
    error: float

    @property
    def words(self) -> str:
        return (
            f"AUC {self.supervised:.3f} against {self.normal:.3f} of the model of normal on held-out parts"
            f" (difference {self.gain:+.3f} +- {self.error:.3f} per fold)"
        )


def choose_and_learn(task: Task) -> tuple[Learned, str]:
    """Return the learned model and, in words, why it is of its family.

    Raises:
        DataError: the parts do not carry the family that the plan names.
    """
    wished = task.characteristic.model.family
    if wished in NORMAL_FAMILIES:
        learned = learn_normal(task)
        return learned, "the plan asks for it" if learned.family is wished else _too_few(wished)
    if wished is ModelFamily.SUPERVISED:
        task, view = viewed(task)
        return learn_supervised(task), _with("the plan asks for it", view)
    if wished is ModelFamily.REGRESSION:
        return learn_regression(task), "the plan asks for it"
    if task.characteristic.kind is CharacteristicKind.VARIABLE:
        return _for_variable(task)
    return _for_attribute(task)


def left_to_search(plan: Plan, characteristic: Characteristic) -> bool:
    """Return whether the plan leaves open how normal is learned, and the rows follow one another."""
    wish = characteristic.model
    by_window = isinstance(plan.station(characteristic.station).cycle, CycleByWindow)
    return by_window and wish.family is ModelFamily.AUTO and not wish.setup and not remembers_parts(wish)


def _for_variable(task: Task) -> tuple[Learned, str]:
    count = int(np.sum(~np.isnan(measured(task.rows))))
    if count < LEAST_MEASURED:
        return learn_normal(task), f"only {count} parts are measured ({LEAST_MEASURED} are needed for a regression)"
    return learn_regression(task), f"a variable with {count} measured parts"


def _for_attribute(task: Task) -> tuple[Learned, str]:
    wish = task.characteristic.model
    bad, labelled = nonconforming(task.rows, task.characteristic), known(task.rows)
    if remembers_parts(wish):
        return learn_normal(task), "the plan asks for memory, lags or drift, which only a model of normal has"
    if bad.sum() < LEAST_BAD or labelled.sum() - bad.sum() < LEAST_KNOWN:
        return _without_labels(task, int(bad.sum()), int(labelled.sum()))
    task, view = viewed(task)
    held = validate_supervised(task)
    if len(classes_of(task.characteristic)) > 2:
        words = "several classes are to be told apart, and their outcomes are known"
        return learn_supervised(task, held), _with(words, view)
    comparison = _compare(task, held)
    if comparison is None:
        return learn_supervised(task, held), _with("too few conforming parts for a model of normal", view)
    if comparison.gain > comparison.error:
        return learn_supervised(task, held), _with(f"boosted trees rank better: {comparison.words}", view)
    return learn_normal(task), f"boosted trees are not clearly better: {comparison.words}"


def _without_labels(task: Task, bad: int, labelled: int) -> tuple[Learned, str]:
    if task.continuous:
        return _searched(task)
    counts = f"{bad} nonconforming among {labelled} parts with known outcome"
    why = f"{counts} ({LEAST_BAD} among {LEAST_BAD + LEAST_KNOWN} are needed to learn from them)"
    return learn_normal(task), why


def _searched(task: Task) -> tuple[Learned, str]:
    """Learn normal by the setting that a search on conforming rows finds."""
    inputs = task.columns.inputs
    good = task.rows.take(~nonconforming(task.rows, task.characteristic))
    later = task.calibration
    if later is not None:
        later = later.take(~nonconforming(later, task.characteristic))
    stages = stages_of(
        good.features[:, inputs],
        good.group,
        None if later is None else later.features[:, inputs],
        None if later is None else later.group,
    )
    found = search(stages, candidates(continuous=True), task.alarms, seed=task.seed, progress=task.progress)
    setting = found.setting
    wish = task.characteristic.model.model_copy(
        update={
            "family": setting.family,
            "memory": setting.memory,
            "lags": setting.lags,
            "drift": setting.drift,
        }
    )
    chosen = replace(task, characteristic=task.characteristic.model_copy(update={"model": wish}))
    return replace(learn_normal(chosen), trail=found.lines()), found.why


def _too_few(wished: ModelFamily) -> str:
    rows = f"fewer than {LEAST_PER_VALUE} conforming parts for each value of a row"
    return f"the plan asks for {wished.value}, which {rows} do not carry: the shrunk shape instead"


def _with(why: str, view: str) -> str:
    return f"{why}; {view}" if view else why


def _compare(task: Task, held: HeldOut) -> _Comparison | None:
    """Compare both families on the same held-out rows with known outcome."""
    rows = task.rows.take(known(task.rows))
    normal = validate_normal(replace(task, rows=rows))
    if normal is None:
        return None
    bad = nonconforming(rows, task.characteristic)
    judged = held.judged & normal.judged
    calibration = calibrate(held.score[held.judged], labels(task, rows)[held.judged])
    supervised: Float64 = log_odds(calibration.logits(held.score), bad_classes(task))
    folds = [judged & (held.fold == number) for number in range(len(held.split.folds))]
    gains = [
        roc_auc(bad[fold], supervised[fold]) - roc_auc(bad[fold], normal.score[fold])
        for fold in folds
        if bad[fold].any() and not bad[fold].all()
    ]
    if len(gains) < 2:
        return None
    return _Comparison(
        supervised=roc_auc(bad[judged], supervised[judged]),
        normal=roc_auc(bad[judged], normal.score[judged]),
        gain=float(np.mean(gains)),
        error=float(np.std(gains, ddof=1) / np.sqrt(len(gains))),
    )
