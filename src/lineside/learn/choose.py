"""Which family of models: the one the plan names, or the one that the data carries.

Left open, a measured value is learned by regression. For attributes a model of normal stands unless boosted trees find
more held-out bad parts within the budget of false alarms, by more than a standard error (`lineside.learn.compare`):
with few defects a distance to normal is often hard to beat, and needs no labels. Where rows of a continuous process
follow one another, which model of normal it is, and with how much memory, is searched for (`lineside.learn.search`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

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
from lineside.learn.compare import Comparison, Judged, compare
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
from lineside.learn.suspects import usual
from lineside.learn.validation import HeldOut


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
        asked = "the plan asks for memory, lags, drift or a cumulative sum, which only a model of normal has"
        return learn_normal(task), asked
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
    trail = comparison.lines("boosted trees", "normal", task.characteristic.cost.currency)
    if comparison.clear:
        learned = learn_supervised(task, held)
        return replace(learned, trail=trail), _with(f"boosted trees are better: {comparison.words}", view)
    why = f"boosted trees are not clearly better: {comparison.words}"
    return replace(learn_normal(task), trail=trail), why


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
            "cusum": setting.cusum,
        }
    )
    chosen = replace(task, characteristic=task.characteristic.model_copy(update={"model": wish}))
    return replace(learn_normal(chosen), trail=found.lines()), found.why


def _too_few(wished: ModelFamily) -> str:
    rows = f"fewer than {LEAST_PER_VALUE} conforming parts for each value of a row"
    return f"the plan asks for {wished.value}, which {rows} do not carry: the shrunk shape instead"


def _with(why: str, view: str) -> str:
    return f"{why}; {view}" if view else why


def _compare(task: Task, held: HeldOut) -> Comparison | None:
    """Compare both families on the same held-out rows with known outcome.

    The good ones among them are those that set a limit: an alarm on a suspect one is not false.
    """
    rows = task.rows.take(known(task.rows))
    normal = validate_normal(replace(task, rows=rows))
    if normal is None:
        return None
    bad = nonconforming(rows, task.characteristic)
    both = held.judged & normal.judged & (bad | usual(rows, task.characteristic, timed=task.timed))
    calibration = calibrate(held.score[held.judged], labels(task, rows)[held.judged])
    supervised: Float64 = log_odds(calibration.logits(held.score), bad_classes(task))
    judged = Judged(bad=bad[both], fold=held.fold[both], group=rows.group[both])
    return compare(task, judged, supervised[both], normal.score[both])
