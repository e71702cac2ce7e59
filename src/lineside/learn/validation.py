"""Honest validation: every row is scored by a model that has not seen it, nor anything later where there is time.

Random splits of production data inflate nearly every figure, because neighbouring parts are nearly copies. So a
later period is held out wherever parts have times; rows without time are split by group where there are groups,
and only else at random, stratified. What was done is said in words beside the figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.metrics.confusion import confusion
from lineside.domain.metrics.episodes import episodes_of
from lineside.domain.metrics.ranking import average_precision, roc_auc
from lineside.domain.plan.characteristics import AlertDelays
from lineside.domain.readings import Float64, Int64
from lineside.domain.splits import Amount, Fold, repeated_stratified_kfold, walk_forward
from lineside.learn.rows import Rows, several_groups

Bools = NDArray[np.bool_]
Scorer = Callable[[Rows], Float64]
"""Scores rows: shape ``(r,)`` or ``(r, classes)``; NaN where it cannot say."""
Learner = Callable[[Rows], Scorer]
LimitOf = Callable[[Bools], float]
"""Gives the limit that some of the rows set, of which one at least is usable."""
FOLDS: Final = 5


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Split:
    """Folds, and in words how they were made; ``ordered`` folds come one after the other in time."""

    scheme: str
    folds: tuple[Fold, ...]
    ordered: bool


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HeldOut:
    """Scores of rows by models that had not seen them.

    ``fold`` is -1 and the score NaN where a row was never held out.
    """

    split: Split
    score: Float64
    fold: Int64

    @property
    def judged(self) -> Bools:
        """The rows that were held out and have scores."""
        finite = np.isfinite(self.score if self.score.ndim == 1 else self.score.sum(axis=1))
        return np.asarray((self.fold >= 0) & finite, dtype=np.bool_)


def choose_split(rows: Rows, labels: NDArray[np.object_], *, timed: bool, seed: int) -> Split:
    """Return how rows are split for validation: by time, else by group, else at random within each label."""
    if timed:
        return Split(
            scheme=f"later periods held out ({FOLDS} blocks, each judged by all before it)",
            folds=walk_forward(len(rows), FOLDS, Amount(share=0.4)),
            ordered=True,
        )
    if several_groups(rows.group) and len(set(rows.group)) >= FOLDS:
        folds = repeated_stratified_kfold(list(rows.group), list(labels), FOLDS, 1, seed)
        return Split(scheme=f"whole groups held out ({FOLDS} folds)", folds=folds, ordered=False)
    folds = repeated_stratified_kfold(list(rows.unit), list(labels), FOLDS, 1, seed)
    scheme = f"stratified {FOLDS}-fold at random: rows have no time, so later parts may do worse"
    return Split(scheme=scheme, folds=folds, ordered=False)


def hold_out(learn: Learner, rows: Rows, split: Split) -> HeldOut:
    """Return the scores of every fold's test rows by a model learned from its training rows."""
    score: Float64 | None = None
    fold = np.full(len(rows), -1, dtype=np.int64)
    for number, part in enumerate(split.folds):
        given = learn(rows.take(part.train))(rows.take(part.test))
        if score is None:
            score = np.full((len(rows), *given.shape[1:]), np.nan)
        score[part.test] = given
        fold[part.test] = number
    assert score is not None
    return HeldOut(split=split, score=score, fold=fold)


def fold_limits(held: HeldOut, usable: Bools, limit_of: LimitOf) -> Float64:
    """Return for each row the limit it is judged by: from other folds' rows, only earlier ones in time.

    NaN where none of them is ``usable`` (the first period).
    """
    limits = np.full(len(held.fold), np.nan)
    judged = held.judged
    for number in range(len(held.split.folds)):
        others = (held.fold < number) & (held.fold >= 0) if held.split.ordered else held.fold != number
        basis = judged & others
        if (basis & usable).any():
            limits[held.fold == number] = limit_of(basis)
    return limits


def ranking_metrics(score: Float64, bad: Bools) -> dict[str, float]:
    """Return AUC and average precision, with what a random order would have; nothing where a class is missing."""
    if not bad.any() or bad.all():
        return {}
    return {
        "auc": roc_auc(bad, score),
        "average_precision": average_precision(bad, score),
        "trivial_auc": 0.5,
        "trivial_average_precision": float(bad.mean()),
    }


def alarm_metrics(alarm: Bools, bad: Bools) -> dict[str, float]:
    """Return recall, precision and false-alarm rate of alarms, with those of always and never alarming."""
    if not len(bad):
        return {}
    false_alarms = float(alarm[~bad].mean()) if (~bad).any() else float("nan")
    if not bad.any():
        return finite({"false_alarm_rate": false_alarms, "judged_by_limit": float(len(bad)), "bad_by_limit": 0.0})
    counts = confusion(bad, alarm)
    found = {
        "false_alarm_rate": false_alarms,
        "recall": counts.recall,
        "precision": counts.precision,
        "f1": counts.f1,
        "always_alarm_f1": confusion(bad, np.ones_like(bad)).f1,
        "judged_by_limit": float(len(bad)),
        "bad_by_limit": float(bad.sum()),
    }
    return finite(found)


def alert_metrics(alarm: Bools, bad: Bools, group: NDArray[np.object_], delays: AlertDelays) -> dict[str, float]:
    """Return for each conforming part the false alerts: those raised at one, as the alert engine folds alarms.

    Parts are in the order judged; an alert does not outlast a ``group``.
    """
    raised = [item.first for item in episodes_of(alarm, list(group), delays.clear_after, delays.raise_after)]
    good = int(np.sum(~bad))
    return {"false_alert_rate": float(np.sum(~bad[raised])) / good} if good else {}


def finite(values: Mapping[str, float]) -> dict[str, float]:
    """Return the entries that are numbers: what could not be measured is left out rather than shown as NaN."""
    return {name: float(value) for name, value in values.items() if np.isfinite(value)}
