"""One bundle in service: its session, what it remembers, and the arrays its answers are worded with.

The graph is loaded from bytes, so that it can name no file, and runs on one thread, node after node. Before a
bundle is used its golden rows must give the scores that it says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from lineside.adapters.onnx_judge.explain import Explainer, explainer_for, feeder_for
from lineside.adapters.onnx_judge.region import Region, region_of
from lineside.adapters.onnx_judge.setups import baselines_of
from lineside.domain.baselines import Baselines
from lineside.domain.errors import IntegrityError
from lineside.domain.following import FollowedLimit, FollowFacts
from lineside.domain.judging.late_values import Foreseen, LateValues, moved_score
from lineside.domain.judging.memory import Memory
from lineside.domain.judging.state import ModelState
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import NORMAL_FAMILIES, ModelFamily, Role
from lineside.domain.readings import Float64
from lineside.wire.bundle import GOLDEN_INPUTS, GOLDEN_SCORES, MODEL_FILE, RESIDUALS, Bundle

Float32 = NDArray[np.float32]
_TOLERANCE: Final = 1e-4
"""Greatest relative difference of golden scores between machines (another processor may sum in another order)."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Answer:
    """What the graph says of one part: score, other outputs by name, and the share of each input."""

    score: float
    outputs: Mapping[str, Float32]
    shares: Float64


@dataclass(kw_only=True, slots=True, eq=False)
class OpenModel:
    """An opened bundle; ``inputs`` are the positions of the recipe that the graph reads.

    ``usual`` has, per feature of the recipe, name, signal, usual value, low, high and unit. ``signals`` are the
    signals behind the inputs, ``signal_of`` the position of each input's signal among these.
    The first ``judged`` inputs may carry a share of the score; behind them stand conditions that they are judged by.
    ``bands`` are, by position in the recipe, the bands about what is usual under a part's conditions, as differences.
    ``conditions`` are the environment features that carry no share, shown beside the contributions. ``late`` is what
    late measurements say of a regression.
    """

    bundle: Bundle
    name: str
    inputs: NDArray[np.int64]
    session: Any
    outputs: list[str]
    memory: Memory
    feed: Callable[[Float32], dict[str, Float32]]
    explain: Explainer
    region: Region | None
    judged: int
    bands: Mapping[int, tuple[float, float]]
    conditions: tuple[int, ...]
    baselines: Baselines | None
    followed: FollowedLimit | None
    late: LateValues | None
    residuals: Float64
    usual: tuple[tuple[str, str, float, float, float, str], ...]
    signals: tuple[str, ...]
    signal_of: NDArray[np.int64]
    newest: tuple[int, str] = (-1, "")
    until: tuple[int, str] = (-1, "")

    def answer(self, features: Float32) -> Answer:
        """Return the answer for one row of inputs, shape ``(1, n)``; the memory stays as it is."""
        feeds = self.feed(features)
        if self.memory.kept:
            feeds |= self.memory.inputs()
        values = self.session.run(self.outputs, feeds)
        outputs = dict(zip(self.outputs, values, strict=True))
        return Answer(score=float(outputs["score"][0, 0]), outputs=outputs, shares=self.explain(features, outputs))

    @property
    def limit(self) -> float:
        """The limit that a score is held against now, before what a setup makes of it."""
        return self.bundle.manifest.limit if self.followed is None else self.followed.value

    def corrected(self, answer: Answer, part: PartRecord, regime: str, *, new: bool) -> tuple[Answer, Foreseen | None]:
        """Return a regression's answer as late measurements correct it, and how; a new part is remembered."""
        assert self.late is not None
        value, manifest = float(answer.outputs["value"][0, 0]), self.bundle.manifest
        foreseen = self.late.foresee(regime)
        if new:
            self.late.made(part.unit or part.cycle_id, regime, value)
        if foreseen is None:
            return answer, None
        score = moved_score(value + foreseen.bias, manifest.calibration["spread"], manifest.lsl, manifest.usl)
        return (answer if score is None else replace(answer, score=score)), foreseen

    def is_new(self, part: PartRecord) -> bool:
        """Return whether a part is not yet in what was restored, and take note of it."""
        stamp = (part.ended, part.unit)
        if stamp <= self.until:
            return False
        self.newest = max(self.newest, stamp)
        return True

    def state(self) -> ModelState:
        """Return what is remembered as plain values."""
        baselines = None if self.baselines is None else self.baselines.state()
        followed = None if self.followed is None else self.followed.state()
        late = None if self.late is None else self.late.state()
        return ModelState(
            memory=self.memory.state(), baselines=baselines, followed=followed, late=late, newest=self.newest
        )

    def restore(self, state: ModelState) -> None:
        """Take over stored values; raises `ValueError` where they are of another model."""
        self.memory.restore(state.memory)
        if self.baselines is not None and state.baselines is not None:
            self.baselines.restore(state.baselines)
        if self.followed is not None and state.followed is not None:
            self.followed.restore(state.followed)
        if self.late is not None and state.late is not None:
            self.late.restore(state.late)
        self.newest = self.until = state.newest

    def forget(self) -> None:
        """Remember what the bundle holds, and nothing else."""
        self.memory.reset()
        if self.baselines is not None:
            self.baselines = baselines_of(self.bundle)
        if self.followed is not None:
            self.followed = followed_limit(self.bundle)
        if self.late is not None:
            self.late = late_values(self.bundle)
        self.newest = self.until = (-1, "")


def open_model(bundle: Bundle, *, setups: bool = True) -> OpenModel:
    """Open a bundle and check its golden rows; without ``setups`` it follows nothing that is learned at the line.

    Raises:
        IntegrityError: the graph cannot be loaded, or does not answer as the bundle says.
    """
    manifest = bundle.manifest
    session = _session(bundle)
    outputs = [item.name for item in session.get_outputs()]
    behind = [manifest.features[position].signal for position in manifest.inputs]
    signals = tuple(dict.fromkeys(behind))
    place = {name: i for i, name in enumerate(signals)}
    judged = len(manifest.inputs) - manifest.conditions
    model = OpenModel(
        bundle=bundle,
        name=bundle.name,
        inputs=np.array(manifest.inputs, dtype=np.int64),
        session=session,
        outputs=outputs,
        memory=Memory(
            width=judged,
            weight=manifest.memory,
            lags=manifest.lags,
            drift=manifest.drift,
            allowance=manifest.cusum,
        ),
        feed=feeder_for(bundle),
        explain=explainer_for(bundle, session),
        region=region_of(manifest.experience),
        baselines=baselines_of(bundle) if setups else None,
        followed=followed_limit(bundle) if setups else None,
        late=late_values(bundle) if setups else None,
        residuals=bundle.array(RESIDUALS) if RESIDUALS in bundle.files else np.empty(0),
        usual=tuple((f.name, f.signal, f.usual, f.low, f.high, f.unit) for f in manifest.features),
        signals=signals,
        signal_of=np.array([place[name] for name in behind], dtype=np.int64),
        judged=judged,
        bands={fact.feature: (fact.low, fact.high) for fact in manifest.responses},
        conditions=tuple(
            i
            for i, fact in enumerate(manifest.features)
            if fact.role == Role.ENVIRONMENT and i not in set(manifest.inputs[:judged])
        ),
    )
    _check_golden(model)
    return model


def followed_limit(bundle: Bundle) -> FollowedLimit | None:
    """Return the limit of a bundle as it follows slow change, as learning left it; None where it stays."""
    fact = bundle.manifest.follow
    if fact is None:
        return None
    facts = FollowFacts(watch=fact.watch, share=fact.share, step=fact.step, reach=fact.reach)
    return FollowedLimit(bundle.manifest.limit, facts)


def late_values(bundle: Bundle) -> LateValues | None:
    """Return what corrects a bundle's values, before anything was measured; None where it expects none."""
    manifest = bundle.manifest
    regression = manifest.family == ModelFamily.REGRESSION and {"half_width", "spread"} <= set(manifest.calibration)
    return LateValues(manifest.calibration["half_width"]) if regression else None


def open_session(graph: bytes, *, repack: bool = True) -> Any:
    """Return a session of one thread that runs node after node, waits without spinning, and reports to nobody.

    A line's processor has other work: a thread that spins between two parts would take it. Without ``repack`` constants
    stay as they are: a matrix that a graph uses twice then stands in memory, and passes through the cache, once.
    """
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    if not repack:
        options.add_session_config_entry("session.disable_prepacking", "1")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _session(bundle: Bundle) -> Any:
    try:
        return open_session(bundle.files[MODEL_FILE], repack=bundle.manifest.family not in NORMAL_FAMILIES)
    except Exception as error:  # ONNX Runtime raises a dozen classes of its own, all meaning: not this graph
        raise IntegrityError(f"a bundle's graph cannot be loaded: {error}", field=bundle.name) from error


def _check_golden(model: OpenModel) -> None:
    rows, expected = model.bundle.array(GOLDEN_INPUTS), model.bundle.array(GOLDEN_SCORES)
    for row, score in zip(rows, expected, strict=True):
        answer = model.answer(np.ascontiguousarray(row[None, :], dtype=np.float32))
        given = answer.score if model.memory.ready else float("nan")
        if not np.isclose(given, score, rtol=_TOLERANCE, atol=_TOLERANCE, equal_nan=True):
            raise IntegrityError(
                "a bundle's golden row gives another score here", field=model.name, value=given, choices=(float(score),)
            )
        model.memory.advance(answer.outputs)
    model.memory.reset()
