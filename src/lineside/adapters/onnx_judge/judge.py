"""A judge of one station's parts: a row at a time, the same bits whether alone or in a stream.

For each characteristic: check the row, score it, say what carried the score, decide the state. States in the order
in which they prevail: `bad_data` (there is too little to judge by), `warming_up` (the memory is not filled yet),
`outside_experience` (the conditions were never learned from), `warming_up` (too few parts of this setup yet, and the
score is not beyond all that setups have shown), `alarm` (score above limit), `normal`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.adapters.onnx_judge.model import Answer, OpenModel, open_model
from lineside.adapters.onnx_judge.verdict import Verdict, contributions, judged_by_setup, limit_by_setup, predicted
from lineside.domain.baselines import SetupView
from lineside.domain.errors import ConfigurationError, IntegrityError
from lineside.domain.features.recipe import recipe_for
from lineside.domain.judging.late_values import Foreseen, regime_of
from lineside.domain.judging.rows import take_inputs
from lineside.domain.judging.state import ModelState
from lineside.domain.judging.wording import word_outside
from lineside.domain.parts import PartRecord
from lineside.domain.plan.digest import judging_digest
from lineside.domain.plan.model import Plan, Reaction
from lineside.domain.predictions import JudgementState, Prediction
from lineside.domain.reactions import choose_reaction
from lineside.ports import Judgement
from lineside.wire.bundle import Bundle

_LEAST_PRESENT: Final = 0.5
"""Least share of a model's inputs that a part must have to be judged."""
_ABNORMAL: Final = frozenset({JudgementState.ALARM, JudgementState.OUTSIDE_EXPERIENCE})
_TEACHES: Final = _ABNORMAL | {JudgementState.NORMAL}
"""The states after which the limit's following takes note of a part: to learn from it, or to learn no further."""
_SCORED: Final = frozenset({JudgementState.ALARM, JudgementState.NORMAL})
Float32 = NDArray[np.float32]
_NAN: Final = float("nan")
_ORDINARY: Final = 1e9
"""Inputs below this, none of them missing, give every sound model a number; beyond it float32 may overflow."""


class OnnxJudge:
    """Implements `lineside.ports.Judge` with one bundle per characteristic of a station.

    `open` loads and checks the bundles; `judge` does so by itself on first use. Without ``setups`` every part is judged
    as if its setup lay where all do.
    """

    def __init__(self, plan: Plan, station: str, bundles: Sequence[Bundle], *, setups: bool = True) -> None:
        self._plan = plan
        self._setups = setups
        self._station = station
        self._bundles = tuple(bundles)
        self._models: tuple[OpenModel, ...] | None = None
        self._digest = ""
        self._recipe = ""
        self._width = 0
        self._reactions: dict[str, tuple[Reaction, ...]] = {}
        self._places: dict[str, tuple[tuple[str, int], ...]] = {}
        self._setup: dict[str, tuple[str, ...]] = {}

    def open(self) -> OnnxJudge:
        """Load the bundles, check them against the plan and their golden rows, and compile the kernels.

        Raises:
            ConfigurationError: a bundle is for another station, plan or recipe, or two are for one characteristic.
            IntegrityError: a bundle does not answer as it says.
        """
        recipe = recipe_for(self._plan, self._station)
        self._digest, self._recipe, self._width = judging_digest(self._plan), recipe.digest, len(recipe.features)
        for bundle in self._bundles:
            self._check(bundle)
        names = [bundle.manifest.characteristic for bundle in self._bundles]
        if len(set(names)) < len(names):
            raise ConfigurationError("two bundles for one characteristic", value=names)
        self._reactions = {name: self._plan.reactions_to(name) for name in names}
        self._models = tuple(open_model(bundle, setups=self._setups) for bundle in self._bundles)
        self._places = {model.name: self._places_in(model) for model in self._models}
        self._setup = {
            bundle.name: self._plan.characteristic(bundle.manifest.characteristic).model.setup
            for bundle in self._bundles
        }
        return self

    def _places_in(self, model: OpenModel) -> tuple[tuple[str, int], ...]:
        """Return the signals that the plan's reactions name, and their positions among a model's."""
        reactions = self._reactions[model.bundle.manifest.characteristic]
        named = {signal for reaction in reactions for signal in reaction.signals}
        return tuple((signal, place) for place, signal in enumerate(model.signals) if signal in named)

    def judge(self, part: PartRecord, now: int) -> Judgement:
        """Return the judgement of a part; ``now`` in UTC ns. Bad data never raises: the state says so.

        Raises:
            IntegrityError: a model answers ordinary inputs with no number: it is broken.
        """
        return Judgement(part=part, predictions=tuple(self._judge(model, part, now) for model in self._opened()))

    def reset(self) -> None:
        """Forget earlier parts, as at the start of another process or product."""
        for model in self._opened():
            model.forget()

    def state(self) -> Mapping[str, ModelState]:
        """Return what is remembered of earlier parts as plain values, by model name, for a checkpoint."""
        return {model.name: model.state() for model in self._opened()}

    def restore(self, state: Mapping[str, ModelState]) -> None:
        """Take over a checkpoint; models that it does not name start anew. Parts that are in it change nothing again.

        Raises:
            ValueError: it is of another model.
        """
        for model in self._opened():
            model.forget()
            if model.name in state:
                model.restore(state[model.name])

    @property
    def learns(self) -> bool:
        """Whether a model has baselines, or is corrected by measurements: a restart must not lose them."""
        return any(model.baselines is not None or model.late is not None for model in self._opened())

    def measured(self, found: Iterable[tuple[str, float]]) -> None:
        """Take in what was measured of parts, by unit, in the order in which it came."""
        known = list(found)
        for late in (model.late for model in self._opened() if model.late is not None):
            for unit, value in known:
                late.measured(unit, value)

    def suspect(self, units: Collection[str]) -> None:
        """Take parts out of the baselines of their setups: they are suspected after all, or found nonconforming."""
        for model in self._opened():
            if model.baselines is not None:
                model.baselines.suspect(units)

    def clear(self, units: Collection[str]) -> None:
        """Let parts teach the baselines of their setups that were suspected and are found good."""
        for model in self._opened():
            if model.baselines is not None:
                model.baselines.clear(units)

    def _opened(self) -> tuple[OpenModel, ...]:
        if self._models is None:
            self.open()
        assert self._models is not None
        return self._models

    def _check(self, bundle: Bundle) -> None:
        manifest = bundle.manifest
        for field, found, wanted in (
            ("station", manifest.station, self._station),
            ("plan", manifest.plan_digest, self._digest),
            ("recipe", manifest.recipe, self._recipe),
        ):
            if found != wanted:
                raise ConfigurationError(
                    f"the model {bundle.name} is for another {field}",
                    field=field,
                    value=found,
                    choices=(wanted,),
                    next_step="train it again with this plan",
                )

    def _judge(self, model: OpenModel, part: PartRecord, now: int) -> Prediction:
        row, problem = self._row(model, part)
        if row is None:
            return self._prediction(model, part, now, Verdict(JudgementState.BAD_DATA, problem))
        setup = None if model.baselines is None else model.baselines.view(part.context)
        given = row if setup is None else setup.adjusted(row)
        answer = model.answer(given)
        ready = model.memory.ready
        if not math.isfinite(answer.score):
            if np.abs(given).max() < _ORDINARY:  # NaN is not below it
                raise IntegrityError("a model answers with no number to ordinary inputs", field=model.name)
            return self._prediction(model, part, now, Verdict(JudgementState.BAD_DATA, "the score is not a number"))
        new = model.is_new(part)
        if new and model.memory.kept:
            model.memory.advance(answer.outputs, part.ended)
        late = None
        if model.late is not None:
            answer, late = model.corrected(answer, part, regime_of(part.context, self._setup[model.name]), new=new)
        verdict = self._verdict(model, part, answer, ready=ready)
        if setup is not None:
            verdict = self._learned(model, part, row, setup, answer, verdict)
        prediction = self._prediction(model, part, now, verdict, answer, setup, late)
        if new and model.followed is not None and verdict.state in _TEACHES:
            width = 1.0 if setup is None else setup.width
            suspected = verdict.state is not JudgementState.NORMAL
            model.followed.observe(answer.score / width, ended=part.ended, suspected=suspected)
        return prediction

    def _learned(
        self, model: OpenModel, part: PartRecord, row: Float32, setup: SetupView, answer: Answer, verdict: Verdict
    ) -> Verdict:
        """Return the verdict under the limit of the part's setup, and let an unsuspected part teach its baseline."""
        assert model.baselines is not None
        learned, limit = model.bundle.manifest.limit, model.limit
        scored = verdict.state in _SCORED
        suspected = not scored or answer.score > limit * setup.width
        ratio = answer.score / learned if learned > 0.0 else 0.0
        model.baselines.observe(setup, row[0], ratio, unit=part.unit, ended=part.ended, suspected=suspected)
        return judged_by_setup(setup, answer.score, limit) if scored else verdict

    def _row(self, model: OpenModel, part: PartRecord) -> tuple[Float32 | None, str]:
        """Return the model's inputs of a part, or None and why it cannot be judged."""
        if part.recipe != self._recipe:
            return None, f"the part was made by another recipe ({part.recipe})"
        if part.features.shape != (self._width,):
            return None, f"{part.features.size} features instead of {self._width}"
        if part.incomplete:
            return None, "the cycle had no proper end"
        row = np.empty((1, len(model.inputs)), dtype=np.float32)
        present = take_inputs(np.ascontiguousarray(part.features, dtype=np.float64), model.inputs, row[0])
        if model.judged < row.size:  # conditions alone are nothing to judge, and without them there is enough
            present = int(np.isfinite(row[0, : model.judged]).sum())
        if present < _LEAST_PRESENT * model.judged or not present:
            return None, f"{model.judged - present} of {model.judged} features are missing"
        return row, ""

    def _verdict(self, model: OpenModel, part: PartRecord, answer: Answer, *, ready: bool) -> Verdict:
        if not ready:
            return Verdict(JudgementState.WARMING_UP, f"the model looks {model.memory.lags} parts back")
        if model.region is not None:
            level, worst = model.region.strangeness(np.ascontiguousarray(part.features, dtype=np.float64))
            if level > 1.0 and worst >= 0:
                return Verdict(JudgementState.OUTSIDE_EXPERIENCE, self._outside(model, part, worst))
        if answer.score > model.limit:
            return Verdict(JudgementState.ALARM, "")
        return Verdict(JudgementState.NORMAL, "")

    def _outside(self, model: OpenModel, part: PartRecord, worst: int) -> str:
        """Return which condition is outside experience, in the operator's words."""
        assert model.region is not None
        position = int(model.region.features[worst])
        fact = model.bundle.manifest.features[position]
        label = self._plan.signal(fact.signal).label
        return word_outside(label, float(part.features[position]), model.region.seen[worst], fact.unit)

    def _prediction(
        self,
        model: OpenModel,
        part: PartRecord,
        now: int,
        verdict: Verdict,
        answer: Answer | None = None,
        setup: SetupView | None = None,
        late: Foreseen | None = None,
    ) -> Prediction:
        manifest = model.bundle.manifest
        said = predicted(model, answer, late)
        return Prediction(
            cycle_id=part.cycle_id,
            unit=part.unit,
            station=part.station,
            characteristic=manifest.characteristic,
            model=model.name,
            plan=self._digest,
            started=part.started,
            ended=part.ended,
            received=part.received,
            judged=now,
            state=verdict.state,
            score=_NAN if answer is None else answer.score,
            limit=model.limit if setup is None else limit_by_setup(setup, model.limit),
            risk=said.risk,
            predicted=said.text,
            low=said.low,
            high=said.high,
            contributions=() if answer is None else contributions(model, part.features, answer, setup),
            cause=self._cause(model, answer, said.text) if verdict.state in _ABNORMAL and answer is not None else "",
            late=part.late,
            reason=verdict.reason,
            bias=None if late is None else late.bias,
            measured=0 if late is None else late.measured,
        )

    def _cause(self, model: OpenModel, answer: Answer, expected: str) -> str:
        """Return the id of the plan's reaction to what carried the score."""
        by_signal = np.bincount(model.signal_of, weights=answer.shares, minlength=len(model.signals))
        positive = np.maximum(by_signal, 0.0)
        shares = {signal: float(positive[place]) for signal, place in self._places[model.name]}
        reactions = self._reactions[model.bundle.manifest.characteristic]
        return choose_reaction(reactions, shares, expected, total=float(positive.sum()))
