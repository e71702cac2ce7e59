"""Which shape of normal, with how much memory: candidates tried on conforming rows alone, with simulated faults.

1. *Rehearse* what production will do: learn from earlier rows, set the limit on later ones by the plan's own rule,
   judge those behind. Rows given for the limit serve once for each half of the task, in turn.
2. *Judge* calm rows: as they are, and drifting as far as the means of neighbouring stretches of the rows learned
   from lie apart, since a later stretch of production is never quite like the one before. The share of alarms
   is counted as the plan counts them. Then the same rows with a fault in one signal: a step and a small one, a ramp,
   more noise (in units of its deviation), or its values of another time, which fit no longer to the other signals.
3. *Choose*: among the candidates that keep the false alarms asked for and whose limit can promise them (a long memory
   leaves too few independent rows for that), the one that has most faulty rows in alarm is the mark. Where no limit can
   promise them, at most twice what the firmest can promise is asked for; where no candidate keeps them, the fewest.
   The simplest candidate within a standard error of the mark, over the faults and paired, is taken (Breiman et al.,
   Classification and Regression Trees, 1984, section 3.4.3).

The search is bounded: rows, signals and candidates are counted beforehand as work, and what exceeds the budget is left
out and said to be. Work and not seconds, so that the same data gives the same choice everywhere.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.errors import DataError
from lineside.domain.limits import Limit
from lineside.domain.metrics.episodes import episodes_of
from lineside.domain.plan.budget import FalseAlarms
from lineside.domain.plan.model import ModelFamily
from lineside.domain.readings import Float64
from lineside.learn.limiting import limit_by
from lineside.learn.nearest import REFERENCES
from lineside.learn.normal import check_reach, fit_normal, normal_scores

MEMORIES: Final = (1.0, 0.3, 0.1)
DRIFTS: Final = (0.0, 0.003, 0.01)
CUSUM: Final = 0.5
"""Allowance of the cumulative sums that are tried: for shifts of one usual deviation."""
LAGS: Final = {
    ModelFamily.NORMAL: (0, 2),
    ModelFamily.ROBUST: (0, 2),
    ModelFamily.KNN: (0,),
    ModelFamily.INNOVATION: (1, 2),
    ModelFamily.CVA: (1, 2),
}
SUMMED: Final = {ModelFamily.NORMAL: (0,), ModelFamily.ROBUST: (0,), ModelFamily.INNOVATION: (1, 2)}
"""Lags with which a family's deviations are summed up."""
BUDGET: Final = 3e11
"""Multiplications that a search may take: about a minute on one core."""
FAULTS: Final = ("step", "small step", "ramp", "noise", "of another time")
MOST_SIGNALS: Final = 12
MOST_ROWS: Final = 4_000
"""Rows that a stage has at most: the newest of each of its parts."""
_CHART_RATE: Final = 0.01
_SIZE: Final = 3.0
_STRETCHES: Final = 5
_FIRM: Final = 2.0
_CONCENTRATING: Final = 60
"""Covariances that a robust shape takes, about."""

Progress = Callable[[str], None]
Judge = Callable[[Float64], NDArray[np.bool_]]
"""Says of each of a stage's later rows whether it is in alarm."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """A candidate: how normal is learned."""

    family: ModelFamily
    memory: float = 1.0
    lags: int = 0
    drift: float = 0.0
    cusum: float = 0.0

    @property
    def complexity(self) -> tuple[int, int, int]:
        """How much there is to a candidate; less is simpler."""
        extras = self.lags + (self.memory < 1.0 or self.cusum > 0.0) + (self.drift > 0.0)
        return extras + _RANK[self.family], _RANK[self.family], self.lags

    @property
    def words(self) -> str:
        """The candidate as a person reads it."""
        memory = f"cusum {self.cusum:g}" if self.cusum else f"memory {self.memory:g}"
        return f"{self.family.value}, {memory}, lags {self.lags}, drift {self.drift:g}"


_RANK: Final = {
    ModelFamily.NORMAL: 0,
    ModelFamily.ROBUST: 1,
    ModelFamily.KNN: 1,
    ModelFamily.INNOVATION: 1,
    ModelFamily.CVA: 2,
}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stage:
    """A rehearsal: conforming rows ``(r, n)`` in order, with the group of each.

    ``learn`` is learned from. Of ``later``, the first ``limit`` rows set the limit, the rest is judged, with faults
    from row ``onset`` on.
    """

    learn: Float64
    learn_group: NDArray[np.object_]
    later: Float64
    later_group: NDArray[np.object_]
    limit: int
    onset: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Tried:
    """A candidate with what came of it; ``detected`` has a value per fault and stage, empty where it was left out.

    ``promised`` is the share of false alarms that its limit could promise by all the later rows.
    """

    setting: Setting
    false_alarms: float
    promised: float
    detected: Float64
    why_not: str = ""

    @property
    def share(self) -> float:
        """Mean share of faulty rows in alarm."""
        return float(self.detected.mean()) if len(self.detected) else float("nan")

    @property
    def words(self) -> str:
        """What came of it, as a person reads it."""
        if not len(self.detected):
            return self.why_not
        figures = f"detected {self.share:.3f}, false alarms {self.false_alarms:.4f}, can promise {self.promised:.4f}"
        return f"{figures}; {self.why_not}" if self.why_not else figures


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Found:
    """The setting that was chosen, in words why, and every candidate."""

    setting: Setting
    why: str
    trail: tuple[Tried, ...]

    def lines(self) -> tuple[str, ...]:
        """Return the trail as text, best first."""
        ranked = sorted(self.trail, key=lambda item: (not len(item.detected), -float(np.nan_to_num(item.share))))
        return tuple(f"{item.setting.words:42} {item.words}" for item in ranked)


def candidates(*, continuous: bool) -> tuple[Setting, ...]:
    """Return the candidates, simplest first; parts that do not follow one another have no memory."""
    if not continuous:
        return tuple(Setting(family=family) for family in (ModelFamily.NORMAL, ModelFamily.ROBUST, ModelFamily.KNN))
    averaged = [
        Setting(family=family, memory=memory, lags=lags, drift=drift)
        for family, all_lags in LAGS.items()
        for lags, memory, drift in itertools.product(all_lags, MEMORIES, DRIFTS)
    ]
    summed = [
        Setting(family=family, cusum=CUSUM, lags=lags, drift=drift)
        for family, all_lags in SUMMED.items()
        for lags, drift in itertools.product(all_lags, DRIFTS)
    ]
    return tuple(sorted([*averaged, *summed], key=lambda item: item.complexity))


def search(
    stages: Sequence[Stage],
    settings: Sequence[Setting],
    alarms: FalseAlarms,
    *,
    seed: int,
    budget: float = BUDGET,
    progress: Progress = lambda _: None,
) -> Found:
    """Try the candidates in their order and choose one.

    Raises:
        DataError: none of them can be learned from these rows.
    """
    trail: list[Tried] = []
    spent = 0.0
    for number, setting in enumerate(settings, start=1):
        spent += sum(_work(stage, setting) for stage in stages)
        if spent > budget and trail:
            trail.append(_left_out(setting, "left out: the budget of the search is spent"))
            continue
        progress(f"candidate {number} of {len(settings)}: {setting.words}")
        trail.append(_try(stages, setting, alarms, seed))
    return choose(tuple(trail), alarms.rate)


def choose(trail: tuple[Tried, ...], rate: float) -> Found:
    """Return the simplest candidate within a standard error of the best that keeps its false alarms.

    Raises:
        DataError: no candidate was tried with success.
    """
    judged = [item for item in trail if len(item.detected)]
    if not judged:
        raise DataError("no candidate can be learned from so few parts", value=len(trail))
    promising = [item for item in judged if item.promised <= rate]
    if not promising:
        least = min(item.promised for item in judged)
        promising = [item for item in judged if item.promised <= _FIRM * least]
    most = max(rate, min(item.false_alarms for item in promising))
    calm = [item for item in promising if item.false_alarms <= most]
    best = max(calm, key=lambda item: item.share)
    near = [item for item in calm if _behind(best, item) <= _standard_error(best, item)]
    chosen = min(near, key=lambda item: item.setting.complexity)
    noted = tuple(replace(item, why_not=_noted(item, chosen, best, calm, most)) for item in trail)
    why = (
        f"{chosen.setting.words}: the simplest of {len(judged)} candidates within a standard error of the best"
        f" ({best.setting.words}); {chosen.share:.0%} of simulated faulty rows in alarm (best {best.share:.0%}),"
        f" false alarms {chosen.false_alarms:.2%} of calm rows"
    )
    return Found(setting=chosen.setting, why=why, trail=noted)


def _noted(item: Tried, chosen: Tried, best: Tried, calm: list[Tried], most: float) -> str:
    """Return what the trail says of a candidate beside its figures."""
    if item is chosen:
        return "taken"
    if item is best:
        return "the mark: no more than a standard error ahead"
    if not len(item.detected) or item in calm:
        return item.why_not
    return "more false alarms than asked for" if item.false_alarms > most else "too few independent rows for its limit"


def _left_out(setting: Setting, why: str) -> Tried:
    return Tried(setting=setting, false_alarms=float("nan"), promised=float("nan"), detected=np.empty(0), why_not=why)


def _behind(best: Tried, item: Tried) -> float:
    return float(np.mean(best.detected - item.detected))


def _standard_error(best: Tried, item: Tried) -> float:
    """Return the standard error of the paired difference over faults and stages."""
    difference = best.detected - item.detected
    return float(np.std(difference, ddof=1) / np.sqrt(len(difference))) if len(difference) > 1 else 0.0


def _work(stage: Stage, setting: Setting) -> float:
    """Return about how many multiplications a candidate takes on a stage."""
    width = stage.learn.shape[1]
    stacked = width * (setting.lags + 1)
    across = stacked + (REFERENCES if setting.family is ModelFamily.KNN else 0)
    faulty = (1 + len(FAULTS) * min(width, MOST_SIGNALS)) * len(stage.later)
    moments = 6 + (_CONCENTRATING if setting.family is ModelFamily.ROBUST else 0)
    return float(moments * (len(stage.learn) * stacked**2 + 10 * stacked**3) + faulty * stacked * across)


def _try(stages: Sequence[Stage], setting: Setting, alarms: FalseAlarms, seed: int) -> Tried:
    false: list[float] = []
    promised: list[float] = []
    detected: list[float] = []
    try:
        for stage in stages:
            judge, limit = _rehearsed(stage, setting, alarms)
            promised.append(limit.guaranteed)
            group = stage.later_group[stage.limit :]
            calm = [_false_share(judge(rows)[stage.limit :], group, alarms) for rows in calm_rows(stage)]
            false.append(float(np.mean(calm)))
            detected += [float(judge(rows)[stage.onset :].mean()) for rows in faults(stage, seed)]
    except DataError as error:
        return _left_out(setting, f"not possible: {error}")
    return Tried(setting=setting, false_alarms=max(false), promised=max(promised), detected=np.array(detected))


def _rehearsed(stage: Stage, setting: Setting, alarms: FalseAlarms) -> tuple[Judge, Limit]:
    """Return what says of each later row whether it is in alarm, and the limit that all of these would set."""
    model = fit_normal(
        stage.learn,
        stage.learn_group,
        weight=setting.memory,
        lags=setting.lags,
        drift=setting.drift,
        rate=max(alarms.rate, _CHART_RATE),
        family=setting.family,
        allowance=setting.cusum,
    )
    if model.family is not setting.family:
        raise DataError("too few rows for this family; they would be learned as another", value=model.family.value)
    scores = normal_scores(model, stage.later, stage.later_group)
    known = np.isfinite(scores)
    early = known & (np.arange(len(scores)) < stage.limit)
    limit, whole = (limit_by(alarms, scores[of], stage.later_group[of], timed=True) for of in (early, known))
    check_reach(model, limit.value)
    return lambda rows: np.asarray(normal_scores(model, rows, stage.later_group) > limit.value, dtype=np.bool_), whole


def _false_share(alarm: NDArray[np.bool_], group: NDArray[np.object_], alarms: FalseAlarms) -> float:
    if not alarms.per_episode:
        return float(alarm.mean())
    return len(episodes_of(alarm, list(group), alarms.fold, alarms.raise_after)) / len(alarm)


def calm_rows(stage: Stage) -> Iterator[Float64]:
    """Yield the later rows as they are, and drifting from the first judged row on."""
    yield stage.later
    means = np.array([np.nanmean(part, axis=0) for part in np.array_split(stage.learn, _STRETCHES)])
    slowly = np.linspace(0.0, 1.0, len(stage.later) - stage.limit)[:, None]
    for way in np.nan_to_num(np.diff(means, axis=0)):
        drifting = stage.later.copy()
        drifting[stage.limit :] += slowly * way
        yield drifting


def faults(stage: Stage, seed: int) -> Iterator[Float64]:
    """Yield the later rows with one fault after the other in one signal after the other, from the onset on."""
    rng = np.random.default_rng(seed)
    width, behind = stage.later.shape[1], len(stage.later) - stage.onset
    deviation = np.nanstd(stage.learn, axis=0)
    shapes = (
        np.full(behind, _SIZE),
        np.full(behind, _SIZE / 2.0),
        np.linspace(0.0, _SIZE, behind),
        rng.normal(0.0, _SIZE / 2.0, behind),
    )
    for column in np.unique(np.linspace(0, width - 1, min(width, MOST_SIGNALS)).astype(np.int64)):
        for shape in shapes:
            rows = stage.later.copy()
            rows[stage.onset :, column] += shape * deviation[column]
            yield rows
        elsewhere = stage.later.copy()
        elsewhere[stage.onset :, column] = np.roll(stage.later[stage.onset :, column], behind // 2)
        yield elsewhere


def stages_of(
    rows: Float64, group: NDArray[np.object_], later: Float64 | None, later_group: NDArray[np.object_] | None
) -> tuple[Stage, ...]:
    """Return the rehearsals that conforming rows allow: with rows for the limit each half of these in turn.

    Without, the first half of the rows is learned from, the next quarter sets the limit, the last is judged.
    """
    if later is None or later_group is None:
        half = len(rows) // 2
        return (_stage(rows[:half], group[:half], rows[half:], group[half:]),)
    middle = len(later) // 2
    turned = np.concatenate([np.arange(middle, len(later)), np.arange(middle)])
    return tuple(_stage(rows, group, later[order], later_group[order]) for order in (np.arange(len(later)), turned))


def _stage(learn: Float64, learn_group: NDArray[np.object_], later: Float64, later_group: NDArray[np.object_]) -> Stage:
    learn, learn_group = learn[-MOST_ROWS:], learn_group[-MOST_ROWS:]
    later, later_group = later[-MOST_ROWS:], later_group[-MOST_ROWS:]
    limit = len(later) // 2
    onset = limit + (len(later) - limit) // 6
    return Stage(learn=learn, learn_group=learn_group, later=later, later_group=later_group, limit=limit, onset=onset)
