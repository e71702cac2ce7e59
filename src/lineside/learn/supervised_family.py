"""The family for known outcomes: boosted trees, calibrated risk, a limit by cost within the false-alarm rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.costs import CostReport
from lineside.domain.errors import DataError
from lineside.domain.judging.trees import TreeTable
from lineside.domain.limits import Limit
from lineside.domain.metrics.calibration import brier_score, expected_calibration_error
from lineside.domain.plan.model import ModelFamily
from lineside.domain.readings import Float64, Int64
from lineside.learn.boosting import Boosted, boost_classes, tables
from lineside.learn.calibrate import Calibration, calibrate, full_scores, lean, log_odds
from lineside.learn.export_trees import class_graph
from lineside.learn.learned import Learned, Task
from lineside.learn.limiting import by_cost, held_out_metrics, limit_on
from lineside.learn.rows import Rows, bad_values, classes_of, known, nonconforming, thinned
from lineside.learn.runtime import ExportedModel, check_parity
from lineside.learn.suspects import usual
from lineside.learn.tree_view import TreeInputs, choose_view, tree_inputs
from lineside.learn.validation import HeldOut, Scorer, choose_split, finite, hold_out
from lineside.wire.bundle import TREE_EXPECTED, TREE_NODES, TREE_ROOTS, TREE_TARGET, array_bytes

LEAST_BAD: Final = 20
"""Fewest nonconforming parts from which boosted trees are tried when the family is left open."""
LEAST_KNOWN: Final = 50
MOST_VALIDATED: Final = 100_000
"""Conforming parts from which one model of the validation learns at most; the model itself learns from all."""
_PARITY_ROWS: Final = 500
_FARTHEST: Final = 20.0
"""Raw scores are taken as this at most: beyond it they only say that a fold never saw a class."""


def learn_supervised(task: Task, held: HeldOut | None = None) -> Learned:
    """Learn the classes of a task's parts with known outcome.

    Args:
        task: what is to be learned.
        held: held-out raw scores of `validate_supervised`, where they are at hand.

    Raises:
        DataError: the outcomes are of one kind only, or not of the plan's classes.
    """
    rows = task.rows.take(known(task.rows))
    label = labels(task, rows)
    held = held or validate_supervised(task)
    seen = tree_inputs(task.view, task.characteristic, task.all_columns, rows, task.older)
    task.progress(f"learning {len(classes_of(task.characteristic))} classes from {len(rows)} parts")
    boosted = _boosted(task, rows, seen.exact)
    calibration = calibrate(held.score[held.judged], label[held.judged])
    bad = bad_classes(task)
    table, leaves = tables(boosted)
    leaning = _lean(task, calibration.logits(held.score[held.judged]), label[held.judged])
    graph = class_graph(table, leaves, seen.add, calibration, bad, leaning)
    exported = ExportedModel(graph=graph, width=len(seen.inputs))
    scores = log_odds(calibration.logits(held.score), bad)
    limit, costs, limit_from = _limit(task, exported, seen.inputs, rows.take(held.judged), scores[held.judged])
    return Learned(
        family=ModelFamily.SUPERVISED,
        exported=exported,
        columns=replace(task.all_columns, inputs=seen.inputs),
        limit=limit,
        usual=~nonconforming(task.rows, task.characteristic),
        parity=_parity(task, boosted, calibration, exported, seen),
        scheme=held.split.scheme,
        metrics=_metrics(task, held, calibration, label, rows, leaning),
        limit_from=limit_from,
        costs=costs,
        files=tree_files(table),
        given=seen.given,
        conditions_only=seen.conditions_only,
        calibration={
            "slope": calibration.slope,
            **{f"offset_{k}": v for k, v in enumerate(calibration.offsets.tolist())},
            "lean": leaning,
        },
    )


def viewed(task: Task) -> tuple[Task, str]:
    """Return the task with what trees are to see of its parts, and in words why, where there was a choice."""
    rows = task.rows.take(known(task.rows))
    task.progress("choosing what trees see of conditions")
    view, words = choose_view(
        task.characteristic, task.all_columns, rows, labels(task, rows), _class_count(task), task.seed, task.older
    )
    return replace(task, view=view), words


def validate_supervised(task: Task) -> HeldOut:
    """Return held-out raw scores of the rows with known outcome.

    Raises:
        DataError: the outcomes are of one kind only, or not of the plan's classes.
    """
    rows = task.rows.take(known(task.rows))
    labels(task, rows)
    is_bad = nonconforming(rows, task.characteristic)
    if is_bad.all() or not is_bad.any():
        raise DataError(
            "supervised learning needs conforming and nonconforming parts with known outcome",
            field=task.characteristic.id,
            value=f"{int(is_bad.sum())} of {len(is_bad)} nonconforming",
            next_step="leave the family to 'auto' or choose 'normal'",
        )
    task.progress(f"validating boosted trees on parts they have not seen, {len(rows)} with known outcome")
    split = choose_split(rows, rows.outcome, timed=task.timed, seed=task.seed)
    if len(rows) > MOST_VALIDATED:
        split = replace(split, scheme=f"{split.scheme}, by models of at most {MOST_VALIDATED:,} conforming parts")
    return hold_out(lambda part: _scorer(task, part), rows, split)


def labels(task: Task, rows: Rows) -> Int64:
    """Return the position of each row's outcome among the plan's classes.

    Raises:
        DataError: an outcome is none of them.
    """
    return _positions(task, rows.outcome)


def _positions(task: Task, outcome: NDArray[np.object_]) -> Int64:
    place = {name: k for k, name in enumerate(classes_of(task.characteristic))}
    strange = sorted({str(name) for name in outcome if name not in place})
    if strange:
        raise DataError(
            "an outcome is none of the plan's classes",
            field=task.characteristic.id,
            value=strange[0],
            choices=tuple(place),
        )
    return np.array([place[name] for name in outcome], dtype=np.int64)


def _boosted(task: Task, rows: Rows, see: Callable[[Float64], Float64], stands_for: Float64 | None = None) -> Boosted:
    """Return trees learned from what they see of rows, and of parts made up from these where the task asks for it."""
    made = None if task.augment is None else task.augment(rows)
    features = rows.features if made is None else made.features_with(rows)
    outcome = rows.outcome if made is None else made.outcomes_with(rows)
    if made is not None and stands_for is not None:
        stands_for = np.append(stands_for, np.ones(len(made)))
    return boost_classes(see(features), _positions(task, outcome), _class_count(task), task.seed, stands_for=stands_for)


def bad_classes(task: Task) -> Int64:
    """Return the positions of the classes that do not conform."""
    bad = bad_values(task.characteristic)
    return np.array([k for k, name in enumerate(classes_of(task.characteristic)) if name in bad], dtype=np.int64)


def tree_files(table: TreeTable) -> dict[str, bytes]:
    """Return the arrays that path attribution needs, as files of a bundle."""
    return {
        TREE_NODES: array_bytes(table.nodes),
        TREE_ROOTS: array_bytes(table.roots),
        TREE_TARGET: array_bytes(table.target),
        TREE_EXPECTED: array_bytes(table.expected),
    }


def _lean(task: Task, logits: Float64, label: Int64) -> float:
    """Return by how much naming a class leans towards those that do not conform: only where there are several.

    Two classes are told apart by the limit.
    """
    several = len(classes_of(task.characteristic)) > 2
    return lean(logits, label, bad_classes(task), task.least_recall) if several else 0.0


def _class_count(task: Task) -> int:
    return len(classes_of(task.characteristic))


def supervised_scorer(task: Task, rows: Rows) -> Scorer:
    """Return the uncalibrated log-odds of not conforming that trees, learned from some rows, give to others."""
    raw = _scorer(task, rows)
    bad = bad_classes(task)
    return lambda later: log_odds(full_scores(raw(later)), bad)


def _scorer(task: Task, rows: Rows) -> Scorer:
    """Return raw scores by trees learned from some rows; where these are of one class, nothing can be said."""
    kept, stands_for = _fewer_conforming(task, rows)
    label = labels(task, kept)
    classes = _class_count(task)
    if len(set(label.tolist())) < 2:
        return lambda later: np.zeros((len(later), 1 if classes == 2 else classes))
    seen = tree_inputs(task.view, task.characteristic, task.all_columns, kept, task.older)
    boosted = _boosted(task, kept, seen.rows, stands_for)
    return lambda later: np.clip(boosted.raw(seen.rows(later.features)), -_FARTHEST, _FARTHEST)


def _fewer_conforming(task: Task, rows: Rows) -> tuple[Rows, Float64 | None]:
    """Return all nonconforming rows and at most `MOST_VALIDATED` conforming ones, and how many rows each stands for.

    Sampling the common class and weighing it back costs next to nothing in precision: what is known of rare defects
    hangs on their own number (King and Zeng, Political Analysis 9, 2001).
    """
    bad = nonconforming(rows, task.characteristic)
    good = np.flatnonzero(~bad)
    if len(good) <= MOST_VALIDATED:
        return rows, None
    chosen = bad.copy()
    chosen[good[thinned(len(good), MOST_VALIDATED)]] = True
    return rows.take(chosen), np.where(bad[chosen], 1.0, len(good) / MOST_VALIDATED)


def _limit(
    task: Task, exported: ExportedModel, inputs: Int64, rows: Rows, scores: Float64
) -> tuple[Limit, CostReport | None, str]:
    """Return the limit, that of least cost among those that keep the false-alarm rate, and what it costs."""
    if task.calibration is None:
        good = usual(rows, task.characteristic, timed=task.timed)
        least, words = limit_on(task, scores[good], rows.group[good]), "held-out scores of conforming parts"
    else:
        later = task.calibration.take(usual(task.calibration, task.characteristic, timed=task.timed))
        outputs = exported.run(later.features[:, inputs], later.group)
        least = limit_on(task, outputs["score"].ravel().astype(np.float64), later.group)
        words = "a calibration segment of its own"
    limit, costs = by_cost(task, least, scores, rows.group, nonconforming(rows, task.characteristic))
    if limit.value > least.value:
        words += f", raised from {least.value:.4g} because that costs less"
    return limit, costs, words


def _metrics(
    task: Task, held: HeldOut, calibration: Calibration, label: Int64, rows: Rows, leaning: float
) -> dict[str, float]:
    is_bad = nonconforming(rows, task.characteristic)
    logits = calibration.logits(held.score)
    scores = log_odds(logits, bad_classes(task))
    logits[:, bad_classes(task)] += leaning
    judged = held.judged
    risk = 1.0 / (1.0 + np.exp(-np.clip(scores[judged], -500.0, 500.0)))
    found = {
        "accuracy": float(np.mean(np.argmax(logits[judged], axis=1) == label[judged])),
        "trivial_accuracy": float(np.bincount(label[judged]).max() / judged.sum()),
        "ece": expected_calibration_error(is_bad[judged], risk),
        "brier": brier_score(is_bad[judged], risk),
    }
    good = usual(rows, task.characteristic, timed=task.timed)
    return {**held_out_metrics(task, held, scores, rows, good, priced=True), **finite(found)}


def _parity(task: Task, boosted: Boosted, calibration: Calibration, exported: ExportedModel, seen: TreeInputs) -> float:
    """Return the difference between model and graph over the first rows, one in five with a missing value."""
    rows = task.rows.features[:_PARITY_ROWS].copy()
    for i in range(0, len(rows), 5):
        rows[i, seen.inputs[i % len(seen.inputs)]] = np.nan
    outputs = exported.run(rows[:, seen.inputs], task.rows.group[:_PARITY_ROWS])
    expected = log_odds(calibration.logits(boosted.raw(seen.exact(rows))), bad_classes(task))
    return check_parity(expected, outputs["score"].ravel().astype(np.float64))
