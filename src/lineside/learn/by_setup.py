"""Learning where the plan names setups: every part as the judge will give it to the model, off its setup's baseline.

1. Learn how setups differ from the conforming parts of all of them (`lineside.learn.setups`).
2. Take from each part what the earlier good parts of its setup say, as the judge does, and leave out the parts that
   come before a setup is known. So model, limit and validation see what there will be at the line, with all the
   uncertainty that a young baseline has.
3. Leave setups out in turn, to see what a changeover does to the limit (`lineside.learn.changeovers`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lineside.domain.baselines import KnownSetup, SetupFacts
from lineside.domain.limits import conformal_limit
from lineside.domain.plan.model import NORMAL_FAMILIES, CharacteristicKind
from lineside.domain.readings import Float64
from lineside.learn.changeovers import with_steps
from lineside.learn.choose import choose_and_learn
from lineside.learn.export_setups import setups_fact, setups_files, setups_seen
from lineside.learn.given import Given
from lineside.learn.learned import Learned, Task
from lineside.learn.normal_family import export, fit_rows
from lineside.learn.rows import Rows, nonconforming
from lineside.learn.runtime import ExportedModel
from lineside.learn.setups import Place, follow, learn_setups, runs_of

LIMIT_SHARE = 0.3
"""Share of each run that sets the limit, where setups are left out in turn."""

LEAST_SHARE = 0.5
"""Share of a feature's scatter within setups that a model takes for its scale at least."""
LEAST_RATE = 0.01
"""Least rate at which setups left out are looked at: what is rarer, few setups do not show."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class BySetup:
    """A task whose parts are off their setups' baselines, what is known of setups, and the setups seen.

    ``plain`` is the task with the same parts as they were measured.
    """

    task: Task
    plain: Task
    facts: SetupFacts
    seen: tuple[KnownSetup, ...]


def by_setup(task: Task) -> BySetup | None:
    """Return the task off its setups' baselines; None where the plan names no setup, or none can move a feature.

    Nor has a regression baselines.
    """
    wish = task.characteristic.model
    expected = task.characteristic.kind is CharacteristicKind.VARIABLE and wish.family not in NORMAL_FAMILIES
    if not wish.setup or expected:  # where a value is expected, a setup's own level is part of it
        return None
    good = ~nonconforming(task.rows, task.characteristic)
    facts = _facts(task, task.rows.take(good))
    if facts is None:
        return None
    places: dict[tuple[str, ...], Place] = {}
    rows, measured = _followed(task, facts, task.rows, places)
    later, plain = (None, None) if task.calibration is None else _followed(task, facts, task.calibration, places)
    return BySetup(
        task=replace(task, rows=rows, calibration=later, least_scale=_least_scale(task, facts)),
        plain=replace(task, rows=measured, calibration=plain),
        facts=facts,
        seen=setups_seen(places),
    )


def learn_by_setup(task: Task, wish: BySetup) -> tuple[Task, Learned, str]:
    """Return the task that was learned, what was learned of it, and why it is of its family.

    A model of normal is always one of parts off their baselines. Any other is, unless it ranks held-out parts better
    as they were measured: where the level itself decides what is good, a baseline takes away what matters.
    """
    learned, reason = choose_and_learn(wish.task)
    if learned.family not in NORMAL_FAMILIES:
        plain, why = choose_and_learn(wish.plain)
        off, as_measured = learned.metrics.get("auc", 0.0), plain.metrics.get("auc", 0.0)
        ranked = f"held-out parts rank by an AUC of {off:.3f} off their setups' baselines, of {as_measured:.3f} without"
        if as_measured > off:
            return wish.plain, plain, f"{why}; {ranked}"
        reason = f"{reason}; {ranked}"
    return wish.task, _finish(task, wish, learned), reason


def _finish(task: Task, wish: BySetup, learned: Learned) -> Learned:
    """Return what was learned of a task off its baselines, with what a judge must know of setups."""
    task.progress("leaving setups out in turn")
    fact_inputs, task = task.columns.inputs, replace(task, columns=learned.columns)
    rows = task.rows.take(~nonconforming(task.rows, task.characteristic))
    facts = replace(wish.facts, widens=learned.family in NORMAL_FAMILIES)
    if facts.widens:
        inputs = rows.features[:, task.columns.inputs]
        runs = runs_of(rows.setup, rows.group)
        rate = max(task.alarms.rate, LEAST_RATE)
        facts, _ = with_steps(
            facts, lambda chosen: _relearn(task, rows.take(chosen), learned.given), inputs, runs, rate
        )
    files = {**learned.files, **setups_files(facts, wish.seen)}
    return replace(learned, setups=setups_fact(facts, fact_inputs), files=files)


def _facts(task: Task, rows: Rows) -> SetupFacts | None:
    inputs = task.columns.inputs
    process = np.flatnonzero(~np.isin(inputs, task.columns.environment))
    runs = runs_of(rows.setup, rows.group)
    return learn_setups(rows.features[:, inputs], runs, process, task.characteristic.model)


def _least_scale(task: Task, facts: SetupFacts) -> Float64:
    """Return for each input the least scale that a model may see: a share of its scatter within setups."""
    least = np.zeros(len(task.columns.inputs))
    least[facts.places] = LEAST_SHARE * facts.scale
    return least


def _followed(task: Task, facts: SetupFacts, rows: Rows, places: dict[tuple[str, ...], Place]) -> tuple[Rows, Rows]:
    """Return the rows whose setup is known by then: off its baseline, and as they were measured."""
    inputs = task.columns.inputs
    teaches = ~nonconforming(rows, task.characteristic)
    given, counts = follow(facts, rows.features[:, inputs], runs_of(rows.setup, rows.group), teaches, places)
    features = rows.features.copy()
    features[:, inputs] = given
    known = counts >= facts.parts
    dropped = {**rows.dropped, "before their setup was known": int(np.sum(~known))}
    plain = replace(rows.take(known), dropped=dropped)
    return replace(plain, features=features[known]), plain


def _relearn(task: Task, rows: Rows, response: Given | None) -> tuple[SetupFacts, ExportedModel, float]:
    """Return facts, a model of normal and its limit of conforming rows: the last of each run set the limit.

    The response to conditions stays as it was learned: setups are left out, not weather.
    """
    facts = _facts(task, rows)
    assert facts is not None
    runs = runs_of(rows.setup, rows.group)
    given, counts = follow(facts, rows.features[:, task.columns.inputs], runs, np.ones(len(rows), dtype=np.bool_), {})
    features = rows.features.copy()
    features[:, task.columns.inputs] = given
    rows, last = replace(rows, features=features), np.zeros(len(rows), dtype=np.bool_)
    for first, end in zip(runs.first, runs.end, strict=True):
        last[end - int(LIMIT_SHARE * (end - first)) : end] = True
    known = counts >= facts.parts
    task = replace(task, least_scale=_least_scale(task, facts))
    exported = export(fit_rows(task, rows.take(known & ~last), response), response)
    back = rows.take(known & last)
    scores = exported.run(back.features[:, task.columns.inputs], back.group)["score"].ravel().astype(np.float64)
    rate = max(task.alarms.rate, LEAST_RATE)
    return facts, exported, conformal_limit(scores[~np.isnan(scores)], rate).value
