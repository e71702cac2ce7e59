"""The family for measured values: ridge or boosted trees, a conformal interval, and the risk from the residuals.

Trees are taken only where they beat the line by more than a standard error over the validation's folds. The interval
is split-conformal on held-out residuals (Lei et al., JASA 113, 2018): it covers `COVERAGE` of parts like those.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from lineside.domain.costs import CostReport
from lineside.domain.errors import DataError
from lineside.domain.limits import Limit, conformal_limit
from lineside.domain.metrics.regression import rmse
from lineside.domain.plan.model import ModelFamily
from lineside.domain.readings import Float64
from lineside.learn.boosting import Boosted, boost_value, tables
from lineside.learn.export_trees import Scale, value_graph
from lineside.learn.learned import Learned, Task
from lineside.learn.limiting import by_cost, held_out_metrics, limit_on
from lineside.learn.ridge import Ridge, fit_ridge, ridge_graph
from lineside.learn.rows import Rows, measured, nonconforming
from lineside.learn.runtime import ExportedModel, check_parity
from lineside.learn.supervised_family import tree_files
from lineside.learn.validation import HeldOut, Scorer, choose_split, finite, hold_out
from lineside.wire.bundle import RESIDUALS, array_bytes

LEAST_MEASURED: Final = 30
COVERAGE: Final = 0.9
_PARITY_ROWS: Final = 500


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Candidate:
    name: str
    fit: Callable[[Float64, Float64, int], Ridge | Boosted]
    held: HeldOut
    errors: Float64
    """Root mean squared error of each fold."""


def learn_regression(task: Task) -> Learned:
    """Learn the measured value of a task's parts.

    Raises:
        DataError: too few parts have a measured value.
    """
    rows = task.rows.take(~np.isnan(measured(task.rows)))
    if len(rows) < LEAST_MEASURED:
        raise DataError(
            f"a measured value is learned from {LEAST_MEASURED} parts at least",
            field=task.characteristic.id,
            value=len(rows),
            next_step="import more outcomes, or choose the family 'normal'",
        )
    truth = measured(rows)
    candidate, why = _choose(task, rows)
    task.progress(f"learning the value from {len(rows)} parts by {candidate.name}")
    inputs = task.all_columns.inputs
    model = candidate.fit(rows.features[:, inputs], truth, task.seed)
    judged = candidate.held.judged
    residuals = np.sort((truth - candidate.held.score)[judged])
    scale = _scale(task, truth, residuals)
    exported, files = _export(model, scale, len(inputs))
    parity = _parity(task, model, exported)
    limit, costs, limit_from = _limit(task, exported, rows.take(judged), _scores(scale, candidate.held.score)[judged])
    half_width = conformal_limit(np.abs(residuals), 1.0 - COVERAGE).value
    return Learned(
        family=ModelFamily.REGRESSION,
        exported=exported,
        columns=task.all_columns,
        limit=limit,
        usual=~nonconforming(task.rows, task.characteristic),
        parity=parity,
        scheme=f"{candidate.held.split.scheme}; {why}",
        metrics=_metrics(task, candidate, rows, scale),
        limit_from=limit_from,
        costs=costs,
        files={**files, RESIDUALS: array_bytes(residuals)},
        calibration={"half_width": half_width, "coverage": COVERAGE, "spread": scale.spread},
    )


def _choose(task: Task, rows: Rows) -> tuple[_Candidate, str]:
    """Return the simpler model unless the other is better by more than a standard error, and why."""
    task.progress(f"validating a line and boosted trees on parts they have not seen, {len(rows)} measured")
    line = _validate(task, rows, "ridge regression", _fit_line)
    trees = _validate(task, rows, "boosted trees", boost_value)
    gains = line.errors - trees.errors
    error = float(np.std(gains, ddof=1) / np.sqrt(len(gains)))
    words = f"trees against line: error lower by {gains.mean():.4g} +- {error:.2g} per fold"
    return (trees if gains.mean() > error else line), words


def _validate(task: Task, rows: Rows, name: str, fit: Callable[[Float64, Float64, int], Ridge | Boosted]) -> _Candidate:
    inputs = task.all_columns.inputs

    def learn(part: Rows) -> Scorer:
        model = fit(part.features[:, inputs], measured(part), task.seed)
        return lambda later: _values(model, later.features[:, inputs])

    labels = np.where(nonconforming(rows, task.characteristic), "bad", "good").astype(object)
    held = hold_out(learn, rows, choose_split(rows, labels, timed=task.timed, seed=task.seed))
    truth = measured(rows)
    folds = [held.fold == number for number in range(len(held.split.folds))]
    errors = np.array([rmse(truth[fold], held.score[fold]) for fold in folds])
    return _Candidate(name=name, fit=fit, held=held, errors=errors)


def _values(model: Ridge | Boosted, features: Float64) -> Float64:
    return model.value(features) if isinstance(model, Ridge) else model.raw(features)[:, 0]


def regression_values(task: Task, rows: Rows, *, trees: bool) -> Scorer:
    """Return the values that trees or a line, learned from some measured rows, expect of others."""
    inputs = task.all_columns.inputs
    fit = boost_value if trees else _fit_line
    model = fit(rows.features[:, inputs], measured(rows), task.seed)
    return lambda later: _values(model, later.features[:, inputs])


def _fit_line(features: Float64, truth: Float64, seed: int) -> Ridge:
    del seed
    return fit_ridge(features, truth)


def _scale(task: Task, truth: Float64, residuals: Float64) -> Scale:
    limits = task.characteristic.specification
    return Scale(
        lsl=None if limits is None else limits.lsl,
        usl=None if limits is None else limits.usl,
        centre=float(np.median(truth)),
        spread=max(float(np.sqrt(np.mean(residuals**2))), 1e-9),
    )


def _scores(scale: Scale, value: Float64) -> Float64:
    """Return the scores of values, as the graph gives them."""
    upper, lower = scale.usl, scale.lsl
    if upper is None and lower is None:
        upper = lower = scale.centre
    above = np.full(len(value), -np.inf) if upper is None else (value - upper) / scale.spread
    below = np.full(len(value), -np.inf) if lower is None else (lower - value) / scale.spread
    return np.maximum(above, below)


def _export(model: Ridge | Boosted, scale: Scale, width: int) -> tuple[ExportedModel, dict[str, bytes]]:
    if isinstance(model, Ridge):
        return ExportedModel(graph=ridge_graph(model, scale), width=width), {}
    table, leaves = tables(model)
    return ExportedModel(graph=value_graph(table, leaves, width, scale), width=width), tree_files(table)


def _limit(task: Task, exported: ExportedModel, rows: Rows, scores: Float64) -> tuple[Limit, CostReport | None, str]:
    """Return the limit, that of least cost among those that keep the false-alarm rate, and what it costs."""
    bad = nonconforming(rows, task.characteristic)
    if task.calibration is None:
        basis, group, words = scores[~bad], rows.group[~bad], "held-out scores of conforming parts"
    else:
        later = task.calibration.take(~nonconforming(task.calibration, task.characteristic))
        outputs = exported.run(later.features[:, task.all_columns.inputs], later.group)
        basis, group = outputs["score"].ravel().astype(np.float64), later.group
        words = "a calibration segment of its own"
    limit, costs = by_cost(task, limit_on(task, basis, group), scores, rows.group, bad)
    return limit, costs, words


def _metrics(task: Task, candidate: _Candidate, rows: Rows, scale: Scale) -> dict[str, float]:
    held, truth = candidate.held, measured(rows)
    judged = held.judged
    last = np.concatenate(([truth[0]], truth[:-1]))
    covered = []
    for number in range(len(held.split.folds)):
        here = held.fold == number
        others = judged & ((held.fold < number) if held.split.ordered else ~here)
        if others.any():
            half = conformal_limit(np.abs(truth - held.score)[others], 1.0 - COVERAGE).value
            covered += (np.abs(truth - held.score)[here] <= half).tolist()
    found = {
        "rmse": rmse(truth[judged], held.score[judged]),
        "trivial_rmse_mean": float(np.std(truth[judged])),
        "trivial_rmse_last_value": rmse(truth[judged], last[judged]),
        "interval_coverage": float(np.mean(covered)) if covered else float("nan"),
    }
    bad, scores = nonconforming(rows, task.characteristic), _scores(scale, held.score)
    return {**finite(found), **held_out_metrics(task, held, scores, rows, ~bad, priced=True)}


def _parity(task: Task, model: Ridge | Boosted, exported: ExportedModel) -> float:
    rows = task.rows.features[:_PARITY_ROWS, task.all_columns.inputs].copy()
    for i in range(0, len(rows), 5):
        rows[i, i % rows.shape[1]] = np.nan
    outputs = exported.run(rows, task.rows.group[:_PARITY_ROWS])
    return check_parity(_values(model, rows), outputs["value"].ravel().astype(np.float64))
