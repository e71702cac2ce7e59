"""The family for few or no nonconforming parts: learn what is normal, and set the limit on later parts."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.costs import CostReport
from lineside.domain.errors import DataError
from lineside.domain.limits import Limit
from lineside.domain.plan.model import NORMAL_FAMILIES, ModelFamily
from lineside.domain.readings import Float64, Int64
from lineside.learn.export_normal import normal_graph
from lineside.learn.given import Given, learn_given
from lineside.learn.given_pays import given_pays
from lineside.learn.learned import Learned, Task
from lineside.learn.limiting import costs_of, follow_on, held_out_metrics, limit_on
from lineside.learn.normal import LEAST_ROWS, NormalModel, check_reach, fit_normal, normal_scores, robust_scale
from lineside.learn.rows import Rows, columns_of, known, nonconforming, remembers_parts, several_groups, thinned
from lineside.learn.runtime import ExportedModel, check_parity
from lineside.learn.suspects import usual
from lineside.learn.validation import HeldOut, Scorer, choose_split, hold_out

Bools = NDArray[np.bool_]
_KEPT_BACK: Final = 0.3
"""Share of the conforming rows that set the limit, where no later rows are given for it."""
_CHART_RATE: Final = 0.01
"""Least rate at whose quantile the two charts are made comparable: one farther out has too few rows to be known."""
_LIKE_IT: Final = 0.9
"""Least share of the rows learned from that a model has learned from whose scores are like those of the one kept."""
_LEAST_VALIDATED: Final = 4 * LEAST_ROWS
MOST_ROWS: Final = 100_000
"""Parts from which a distance to normal is learned at most, evenly spaced: a covariance of some hundred features is
known to a few per mille by then."""
_MOST_SCORED: Final = 100_000
"""Rows that set a limit at most, evenly spaced: each is scored by itself, as a gateway would."""
_PARITY_ROWS: Final = 500


def learn_normal(task: Task) -> Learned:
    """Learn normal and set its limit.

    Raises:
        DataError: too few conforming parts.
    """
    task, why = decided(task)
    conforming = usual(task.rows, task.characteristic, timed=task.timed)
    shape, limit_rows, limit_from = _separate(task, np.flatnonzero(conforming))
    if task.characteristic.model.margin > 1.0:
        limit_from += f", times the plan's margin of {task.characteristic.model.margin:g}"
    shape = _enough(task, shape)
    task.progress(f"learning normal from {len(shape)} parts")
    given = _given(task, shape)
    columns = task.columns if given is None else replace(task.columns, inputs=given.inputs)
    model = fit_rows(task, shape, given)
    exported = export(model, given, task.columns.signal)
    parity = _parity(task, model, exported, given)
    task.progress(f"setting the limit on {len(limit_rows)} parts")
    held = validate_normal(task)
    if not remembers_parts(task.characteristic.model):
        limit_rows = limit_rows.take(thinned(len(limit_rows), _MOST_SCORED))
    answers = exported.run(columns_of(limit_rows.features, columns.inputs), limit_rows.group)
    scores: Float64 = answers["score"].ravel().astype(np.float64)
    limit, words = _limit(task, scores, limit_rows, held, len(shape))
    check_reach(model, limit.value)
    metrics = {} if held is None else _metrics(task, held)
    return Learned(
        family=model.family,
        exported=exported,
        columns=columns,
        limit=limit,
        usual=conforming,
        parity=parity,
        scheme="too few parts to validate" if held is None else held.split.scheme,
        metrics=metrics,
        limit_from=f"{limit_from}{words}",
        given=given,
        follow=follow_on(task, scores, limit),
        conditions_only=0 if given is None else len(given.conditions),
        conditions_why=why,
        costs=None if held is None else _costs(task, held, limit),
    )


def decided(task: Task) -> tuple[Task, str]:
    """Return the task with the decision whether features are judged given their conditions, and in words why."""
    if task.by_conditions is not None:
        return task, ""
    task.progress("asking whether conditions help on unseen ones")
    pays, why = given_pays(task.characteristic, task.columns, task.rows, task.older)
    return replace(task, by_conditions=pays), why


def _given(task: Task, rows: Rows) -> Given | None:
    return learn_given(task.characteristic, task.columns, rows, older=task.older) if task.by_conditions else None


def fit_rows(task: Task, rows: Rows, given: Given | None) -> NormalModel:
    """Fit the model that the plan wishes to conforming rows, or to what their conditions leave of them."""
    wish = task.characteristic.model
    judged = _judged(task, rows, None) if given is None else given.unseen(rows.features)
    return fit_normal(
        judged,
        rows.group,
        weight=wish.memory,
        lags=wish.lags,
        drift=wish.drift,
        allowance=wish.cusum,
        family=family_of(task),
        rate=max(task.alarms.rate, _CHART_RATE),
        scales=_scales(task, rows, given, judged),
    )


def _scales(task: Task, rows: Rows, given: Given | None, judged: Float64) -> tuple[Float64, Float64] | None:
    """Return centre and scale of each judged feature, None for those of the rows.

    What was taken off features hides how coarse they are, so that the task says their least scale.
    """
    if task.least_scale is None:
        return None if given is None else given.scale(rows.features, judged)
    places = task.columns.inputs if given is None else given.process
    centre, scale = robust_scale(judged) if given is None else given.scale(rows.features, judged)
    least = dict(zip(task.columns.inputs.tolist(), task.least_scale.tolist(), strict=True))
    return centre, np.maximum(scale, [least.get(place, 0.0) for place in places.tolist()])


def family_of(task: Task) -> ModelFamily:
    """Return the family of normal that the plan wishes; the robust distance where it wishes none of them."""
    wished = task.characteristic.model.family
    return wished if wished in NORMAL_FAMILIES else ModelFamily.NORMAL


def _judged(task: Task, rows: Rows, given: Given | None) -> Float64:
    """Return what is judged of some rows: their features, or the deviations from what is usual."""
    return columns_of(rows.features, task.columns.inputs) if given is None else given.rows(rows.features)


def export(model: NormalModel, given: Given | None = None, signal: Int64 | None = None) -> ExportedModel:
    """Return the model as a graph; ``signal`` numbers the signal of each input."""
    return ExportedModel(
        graph=normal_graph(model, None if given is None else given.response, signal),
        width=len(model.centre),
        weight=model.weight,
        lags=model.lags,
        drift=model.drift,
        allowance=model.allowance,
    )


def validate_normal(task: Task) -> HeldOut | None:
    """Return held-out scores of all rows by models of normal; None where there are too few rows for it."""
    bad = nonconforming(task.rows, task.characteristic)
    if np.sum(~bad) < _LEAST_VALIDATED:
        return None
    task, _ = decided(task)
    task.progress("validating the model of normal on parts it has not seen")
    labels = np.where(bad, "bad", "good").astype(object)
    split = choose_split(task.rows, labels, timed=task.timed, seed=task.seed)
    return hold_out(lambda rows: normal_scorer(task, rows), task.rows, split)


def _enough(task: Task, rows: Rows) -> Rows:
    """Return as many rows as a distance needs; what looks at consecutive parts needs every one."""
    if remembers_parts(task.characteristic.model) or family_of(task) not in (ModelFamily.NORMAL, ModelFamily.ROBUST):
        return rows
    return rows.take(thinned(len(rows), MOST_ROWS))


def normal_scorer(task: Task, rows: Rows) -> Scorer:
    """Return the scores that a model of normal, learned from some rows, gives to others."""
    task, _ = decided(replace(task, rows=rows))
    rows = _enough(task, rows)
    given = _given(task, rows)
    model = fit_rows(task, rows.take(usual(rows, task.characteristic, timed=task.timed)), given)
    return lambda later: normal_scores(model, _judged(task, later, given), later.group)


def _metrics(task: Task, held: HeldOut) -> dict[str, float]:
    labelled = known(task.rows)
    labelled = labelled if labelled.any() else ~labelled
    good = usual(task.rows, task.characteristic, timed=task.timed)
    return held_out_metrics(task, held, held.score, task.rows, good, priced=False, known=labelled)


def _costs(task: Task, held: HeldOut, limit: Limit) -> CostReport | None:
    """Return what the limit costs by held-out scores of the parts whose outcome is known."""
    counted = held.judged & known(task.rows)
    bad = nonconforming(task.rows, task.characteristic)[counted]
    return costs_of(task, limit, held.score[counted], task.rows.group[counted], bad)


def _separate(task: Task, conforming: NDArray[np.int64]) -> tuple[Rows, Rows, str]:
    """Return rows for the shape and rows for the limit, never the same: later ones where there is time."""
    if task.calibration is not None:
        good = task.calibration.take(usual(task.calibration, task.characteristic, timed=task.timed))
        return task.rows.take(conforming), good, "a calibration segment of its own"
    kept = max(round(len(conforming) * _KEPT_BACK), 1)
    if len(conforming) - kept < LEAST_ROWS:
        raise DataError(
            "too few conforming parts to learn normal and to set a limit by others",
            field=task.characteristic.id,
            value=len(conforming),
            next_step=f"collect {round(LEAST_ROWS / (1 - _KEPT_BACK)) + 1} at least",
        )
    if task.timed or remembers_parts(task.characteristic.model):
        back, words = conforming[len(conforming) - kept :], f"the latest {kept} conforming parts, not learned from"
    else:
        back, words = _at_random(task, conforming, kept)
    return task.rows.take(np.setdiff1d(conforming, back)), task.rows.take(np.sort(back)), words


def _at_random(task: Task, conforming: NDArray[np.int64], kept: int) -> tuple[NDArray[np.int64], str]:
    """Return about ``kept`` rows drawn at random, whole groups (or units) together."""
    names = task.rows.group if several_groups(task.rows.group) else task.rows.unit
    names = names[conforming]
    order = np.random.default_rng(task.seed).permutation(np.array(sorted(set(names)), dtype=object))
    rank = {name: place for place, name in enumerate(order)}
    places = np.array([rank[name] for name in names])
    by_place = np.argsort(places, kind="stable")
    last = places[by_place[kept - 1]]
    chosen = conforming[places <= last] if last < len(order) - 1 else conforming[by_place[:kept]]
    return chosen, f"{len(chosen)} conforming parts drawn at random and not learned from (parts have no time)"


def _later_stretches(task: Task, held: HeldOut | None, learned: int) -> Bools:
    """Return the conforming rows of later blocks whose models have learned from about ``learned`` rows."""
    if held is None or task.calibration is not None or not held.split.ordered:
        return np.zeros(len(task.rows), dtype=np.bool_)
    like = [number for number, fold in enumerate(held.split.folds) if len(fold.train) >= _LIKE_IT * learned]
    return held.judged & np.isin(held.fold, like) & usual(task.rows, task.characteristic, timed=task.timed)


def _limit(task: Task, scores: Float64, rows: Rows, held: HeldOut | None, learned: int) -> tuple[Limit, str]:
    """Return the limit by scores of rows or, and then with words, by later stretches that ask for a higher one."""
    limit, words = limit_on(task, scores, rows.group), ""
    later = _later_stretches(task, held, learned)
    if held is not None and later.any():
        stretches = limit_on(task, held.score[later], held.fold[later].astype(str).astype(object))
        if stretches.value > limit.value:
            count = len(set(held.fold[later].tolist()))
            limit, words = stretches, f"; raised by {count} later stretches, each judged by a model of all before it"
    # The promise is kept by a wider limit too.
    return replace(limit, value=limit.value * task.characteristic.model.margin), words


def _parity(task: Task, model: NormalModel, exported: ExportedModel, given: Given | None) -> float:
    """Return the difference between model and graph over the first rows, one in five with a missing value."""
    rows = task.rows.take(np.arange(min(len(task.rows), _PARITY_ROWS)))
    inputs = task.columns.inputs if given is None else given.inputs
    for i in range(0, len(rows), 5):
        rows.features[i, inputs[i % len(inputs)]] = np.nan
    found: Float64 = exported.run(rows.features[:, inputs], rows.group)["score"].ravel().astype(np.float64)
    return check_parity(normal_scores(model, _judged(task, rows, given), rows.group), found)
