"""Who is judged: Lineside as a user would run it, a plain boosted model, and those that know nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import lightgbm
import numpy as np
from numpy.typing import NDArray

from lineside.adapters.onnx_judge import OnnxJudge
from lineside.domain.alerting import AlertEngine
from lineside.domain.alerts import AlertEvent
from lineside.domain.features.recipe import recipe_for
from lineside.domain.plan.model import ConditionsWish, ModelWish, Plan
from lineside.domain.predictions import Contribution, JudgementState, Prediction
from lineside.domain.silence import ContextGate
from lineside.learn.fit import FitRequest, fit
from lineside.wire.bundle import Bundle
from seasons.judged import Bools, Judged, alerts_from, folded
from seasons.stream import ATTRIBUTES, STATION, Lesson, Stream

Columns = dict[str, Judged]
WRITER = "year"
_VALIDATED = 0.25
"""Share of the spring, its end, by which the plain model's threshold is chosen."""
_DICE = 0.02


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a contender says, by characteristic, and facts about it."""

    columns: Columns
    facts: Mapping[str, str] = field(default_factory=dict)


# -- Lineside -------------------------------------------------------------------------------------------------


def left_open(plan: Plan) -> Plan:
    """Return the plan with family and limits of every attribute left to Lineside: its budget says what is accepted."""
    return with_wish(plan, ModelWish())


def with_wish(plan: Plan, wish: ModelWish) -> Plan:
    """Return the plan with one wish for the models of all attributes."""
    changed = tuple(
        item.model_copy(update={"model": wish}) if item.id in ATTRIBUTES else item for item in plan.characteristics
    )
    return plan.model_copy(update={"characteristics": changed})


def ablations(lesson: Lesson) -> dict[str, Lesson]:
    """Return the lesson with other wishes in its plan: conditions ignored, and baselines per setup.

    A plan that names no setup has no baselines, which is how the demo's is.
    """
    return {
        "lineside_without_response": _wishing(lesson, ModelWish(conditions=ConditionsWish.IGNORE)),
        "lineside_with_baselines": _wishing(lesson, ModelWish(setup=("variant", "tool"))),
    }


def _wishing(lesson: Lesson, wish: ModelWish) -> Lesson:
    return replace(lesson, plan=with_wish(lesson.plan, wish))


def learn(lesson: Lesson, seed: int, tell: Callable[[str], None]) -> tuple[list[Bundle], dict[str, str]]:
    """Learn every attribute from the spring; return the bundles, and family and reason of each."""
    bundles, facts = [], {}
    for name in ATTRIBUTES:
        result = fit(
            FitRequest(
                plan=lesson.plan,
                characteristic=name,
                table=lesson.table(name),
                seed=seed,
                now=lesson.now,
                data_version="a simulated spring",
                timed=True,
            )
        )
        tell(f"{name}: {result.report.family}, limit {result.report.limit:.3g}")
        bundles.append(result.bundle)
        facts[name] = f"{result.report.family}: {result.report.reason}"
    return bundles, facts


def lineside(lesson: Lesson, stream: Stream, seed: int, tell: Callable[[str], None]) -> Answer:
    """Learn from the spring and judge what follows, part by part, by the judge and the alert engine of the line."""
    bundles, facts = learn(lesson, seed, tell)
    judge = OnnxJudge(lesson.plan, STATION, bundles).open()
    return Answer(columns=judged_live(lesson, stream, judge), facts=facts)


def judged_live(lesson: Lesson, stream: Stream, judge: OnnxJudge) -> Columns:
    """Judge parts in order; what is learned on the way comes from the last day of the lesson on."""
    engine, gate = AlertEngine(lesson.plan, STATION, WRITER), ContextGate(lesson.plan.station(STATION).silence)
    for part in lesson.parts[-600:]:
        judge.judge(part, part.received)
    margin = {name: np.full(len(stream), np.nan) for name in ATTRIBUTES}
    state = {name: np.full(len(stream), "", dtype=object) for name in ATTRIBUTES}
    events: dict[str, list[tuple[int, AlertEvent]]] = {name: [] for name in ATTRIBUTES}
    for row, part in enumerate(stream.parts):
        silence = gate.see(part)
        for item in judge.judge(part, part.received).predictions:
            name = item.characteristic
            margin[name][row] = item.score - item.limit
            state[name][row] = str(item.state)
            events[name] += [(row, event) for event in engine.observe(item, part.received, silence)]
    found = {name: alerts_from(events[name]) for name in ATTRIBUTES}
    return {
        name: Judged(margin=margin[name], state=state[name], alerts=found[name][0], advisories=found[name][1])
        for name in ATTRIBUTES
    }


# -- the plain boosted model ----------------------------------------------------------------------------------


def plain(lesson: Lesson, stream: Stream, seed: int, budget: float) -> Answer:
    """Learn by LightGBM's defaults from the same features, conditions among them, and the same outcomes.

    The threshold of each characteristic keeps its share of the budget of false alarms per shift on the last quarter of
    the spring, by a model of the quarters before; the model that judges has learned from all of the spring.
    """
    columns: Columns = {}
    later = np.stack([part.features for part in stream.parts])
    for name in ATTRIBUTES:
        table = lesson.table(name)
        known = np.array([outcome != "" for outcome in table.outcome])
        features, bad = table.features[known], np.array(table.outcome)[known] == "nonconforming"
        border = int(len(bad) * (1 - _VALIDATED))
        first = _boosted(features[:border], bad[:border], seed)
        days = np.unique(np.array(table.group)[known], return_inverse=True)[1][border:]
        shifts = len(bad[border:]) / 600.0
        threshold = _threshold(first(features[border:]), bad[border:], days, budget / len(ATTRIBUTES) * shifts)
        model = _boosted(features, bad, seed)
        columns[name] = _plain_judged(lesson.plan, name, model, later, threshold, stream)
    return Answer(columns=columns, facts={"model": f"LightGBM {lightgbm.__version__}, defaults"})


def _boosted(features: NDArray[np.float64], bad: Bools, seed: int) -> _Scores:
    model = lightgbm.LGBMClassifier(random_state=seed, n_jobs=1, verbosity=-1)
    model.fit(features, bad)
    return _Scores(model)


class _Scores:
    """A model that answers with log-odds, and says what carried them."""

    def __init__(self, model: lightgbm.LGBMClassifier) -> None:
        self._model = model

    def __call__(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return log-odds of rows."""
        return np.asarray(self._model.predict(features, raw_score=True), dtype=np.float64)

    def shares(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the exact contribution of each feature (TreeSHAP)."""
        return np.asarray(self._model.predict(features, pred_contrib=True), dtype=np.float64)[:, :-1]


def _threshold(scores: NDArray[np.float64], bad: Bools, day: NDArray[np.int64], allowed: float) -> float:
    """Return the lowest of a hundred thresholds at which the alerts on good parts are no more than allowed."""
    everything = np.ones(len(scores), dtype=np.bool_)
    for threshold in np.quantile(scores, np.linspace(0.9, 1.0, 201)):
        alerts = folded(scores > threshold, everything, day)
        if sum(not bad[item.first : item.last + 1].any() for item in alerts) <= allowed:
            return float(threshold)
    return float(scores.max())


def _plain_judged(
    plan: Plan, name: str, model: _Scores, features: NDArray[np.float64], threshold: float, stream: Stream
) -> Judged:
    """Return what the model says, with alerts by the line's engine; only what is in alarm is explained."""
    margin = model(features) - threshold
    alarm = margin > 0
    recipe = recipe_for(plan, STATION)
    shares = model.shares(features[alarm]) if alarm.any() else np.zeros((0, features.shape[1]))
    top = iter(np.argmax(shares, axis=1).tolist())
    engine, events = AlertEngine(plan, STATION, WRITER), []
    for row, part in enumerate(stream.parts):
        said: tuple[Contribution, ...] = ()
        if alarm[row]:
            said = (Contribution("", recipe.features[next(top)].signal, 0.0, 0.0, 0.0, 0.0, "", 1.0),)
        prediction = Prediction(
            cycle_id=part.cycle_id,
            unit=part.unit,
            station=STATION,
            characteristic=name,
            model="plain",
            plan="",
            started=part.started,
            ended=part.ended,
            received=part.received,
            judged=part.received,
            state=JudgementState.ALARM if alarm[row] else JudgementState.NORMAL,
            score=float(margin[row]),
            limit=0.0,
            contributions=said,
        )
        events += [(row, event) for event in engine.observe(prediction, part.received)]
    state = np.where(alarm, "alarm", "normal").astype(object)
    return Judged(margin=margin, state=state, alerts=alerts_from(events)[0])


# -- those that know nothing ----------------------------------------------------------------------------------


def trivial(stream: Stream, seed: int) -> dict[str, Answer]:
    """Return who says of every part that it is normal, that it is bad, or throws dice: one part in fifty."""
    chance = np.random.default_rng(seed).random((len(ATTRIBUTES), len(stream))) < _DICE
    alarms = {"never": np.zeros_like(chance), "always": np.ones_like(chance), "dice": chance}
    return {
        name: Answer(columns={item: _said(row, stream) for item, row in zip(ATTRIBUTES, rows, strict=True)})
        for name, rows in alarms.items()
    }


def _said(alarm: Bools, stream: Stream) -> Judged:
    state = np.where(alarm, "alarm", "normal").astype(object)
    alerts = folded(alarm, np.ones(len(alarm), dtype=np.bool_), stream.day)
    return Judged(margin=np.where(alarm, 1.0, -1.0), state=state, alerts=alerts)
