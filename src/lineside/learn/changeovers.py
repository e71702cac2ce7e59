"""Parts judged one after another across changeovers, as at the line: for limits, and to see how new setups fare.

What a changeover does to the limit is measured on setups that were left out of the learning altogether: their parts are
judged from the first one on, and how far their scores lie beyond the limit of theory gives the steps of
`lineside.domain.baselines`. Setups, not parts, are what is drawn here: few setups give coarse steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.baselines import Baselines, Scatter, SetupFacts, Step
from lineside.domain.limits import conformal_limit
from lineside.domain.readings import Float64
from lineside.learn.runtime import ExportedModel, Stepper
from lineside.learn.setups import Runs

FOLDS: Final = 6
"""Into so many pieces the setups are cut at most, each left out in turn."""
LEAST_SETUPS: Final = 3
"""Setups below which none can be left out: the limit is then widened by theory alone."""
MOST_FOLLOWED: Final = 150
"""Parts of a left-out setup that are followed."""
BEYOND: Final = 0.2
"""Share of new setups whose parts may need a wider limit than the steps give: their own scatter, or people, say so."""
_AFTER: Final = (0, 3, 10, 30)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Passed:
    """Rows judged in order: score, what the limit was to be multiplied by, good parts before, and whether enough.

    ``usual`` is the width without the setup's own scatter.
    """

    score: Float64
    width: Float64
    usual: Float64
    count: Float64
    known: NDArray[np.bool_]

    @property
    def relative(self) -> Float64:
        """The scores over their widths: comparable with a limit."""
        result: Float64 = self.score / self.width
        return result


def pass_through(
    facts: SetupFacts,
    exported: ExportedModel,
    limit: float,
    rows: Float64,
    setup: NDArray[np.object_],
    group: NDArray[np.object_],
    *,
    all_teach: bool = False,
) -> Passed:
    """Judge rows ``(r, inputs)`` in order by a model and its baselines, which start empty in each group.

    ``all_teach``: parts above the limit teach too, for rows that are known to be good.
    """
    stepper, given = Stepper(exported), np.asarray(rows, dtype=np.float32)
    columns = np.full((5, len(rows)), np.nan)
    baselines = Baselines(facts, given.shape[1])
    for i in range(len(given)):
        if i and group[i] != group[i - 1]:
            baselines = Baselines(facts, given.shape[1])
            stepper.reset()
        view = baselines.view(dict(zip(facts.signals, setup[i], strict=True)))
        score = stepper.score(view.adjusted(given[i : i + 1]))
        columns[:, i] = (score, view.width, view.usual, view.count, view.known)
        suspected = not score <= limit * view.width and not all_teach
        baselines.observe(view, given[i], score / limit, unit=str(i), ended=i + 1, suspected=suspected)
    scores, widths, usual, counts, known = columns
    return Passed(score=scores, width=widths, usual=usual, count=counts, known=known > 0.5)


Learner = Callable[[NDArray[np.bool_]], tuple[SetupFacts, ExportedModel, float]]
"""From a mask of rows to facts, model and limit that know these rows only."""


def with_steps(facts: SetupFacts, learn: Learner, rows: Float64, runs: Runs, rate: float) -> tuple[SetupFacts, int]:
    """Return facts with the steps that left-out setups show, and how many setups were left out in turn."""
    names = list(dict.fromkeys(runs.setup))
    if len(names) < LEAST_SETUPS:
        return facts, 0
    followed: list[Passed] = []
    limits: list[float] = []
    for number in range(min(FOLDS, len(names))):
        out = set(names[number :: min(FOLDS, len(names))])
        chosen = [i for i, name in enumerate(runs.setup) if name in out]
        inside = np.ones(len(rows), dtype=np.bool_)
        for i in chosen:
            inside[runs.first[i] : runs.end[i]] = False
        other, exported, limit = learn(inside)
        for i in _first_runs(runs, chosen):
            some = np.arange(runs.first[i], min(runs.end[i], runs.first[i] + MOST_FOLLOWED))
            followed.append(_follow(other, exported, limit, rows[some], runs.setup[i]))
            limits.append(limit)
    excess = [item.score / limit / item.usual for item, limit in zip(followed, limits, strict=True)]
    steps = _steps([item.count for item in followed], excess, rate)
    return replace(facts, steps=steps, scatter=_scatter(followed, excess, steps, facts.parts)), len(names)


def _first_runs(runs: Runs, chosen: list[int]) -> list[int]:
    """Return the first run of each setup among those chosen."""
    first: dict[tuple[str, ...], int] = {}
    for i in chosen:
        first.setdefault(runs.setup[i], i)
    return list(first.values())


def _follow(facts: SetupFacts, exported: ExportedModel, limit: float, rows: Float64, name: tuple[str, ...]) -> Passed:
    setup = np.empty(len(rows), dtype=object)
    setup[:] = [name] * len(rows)
    return pass_through(facts, exported, limit, rows, setup, np.zeros(len(rows), dtype=object), all_teach=True)


def _steps(counts: list[Float64], excess: list[Float64], rate: float) -> tuple[Step, ...]:
    """Return the steps, never less than later on.

    A width is what all but a share ``rate`` of the parts stay below in all but a share `BEYOND` of the setups.
    """
    steps: list[Step] = []
    width, gross = 1.0, 1.0
    for first, end in reversed(list(zip(_AFTER, (*_AFTER[1:], np.inf), strict=True))):
        some = [
            value[(count >= first) & (count < end) & np.isfinite(value)]
            for count, value in zip(counts, excess, strict=True)
        ]
        each = np.array([conformal_limit(own, rate).value for own in some if len(own)])
        if len(each):
            width = max(width, conformal_limit(each, BEYOND).value)
            gross = max(gross, width, float(max(own.max() for own in some if len(own))))
        steps.append(Step(parts=first, width=width, gross=gross))
    return tuple(reversed(steps))


def _scatter(followed: list[Passed], excess: list[Float64], steps: tuple[Step, ...], parts: int) -> Scatter:
    """Return how the scores of known setups scatter: between setups, and between the parts of one."""
    means, spent, counts = [], [], []
    for item, value in zip(followed, excess, strict=True):
        width = np.array([next(s.width for s in reversed(steps) if s.parts <= n) for n in item.count])
        own = value[(item.count >= parts) & (value > 0.0)] / width[(item.count >= parts) & (value > 0.0)]
        if len(own) > 1:
            levels = np.log(own)
            means.append(float(levels.mean()))
            spent.append(float(levels.var(ddof=1)))
            counts.append(len(levels))
    if len(means) <= LEAST_SETUPS:
        return Scatter()
    within = max(float(np.mean(spent)), 1e-6)
    between = max(float(np.var(means, ddof=1)) - within * float(np.mean(1.0 / np.array(counts))), 0.0)
    return Scatter(centre=float(np.mean(means)), between=between, within=within)
