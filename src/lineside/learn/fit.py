"""Learn a model of one characteristic from its parts, and pack it: the one entrance to learning.

1. Choose columns and rows; drop duplicates and count them.
2. Choose the family: the plan's, or by what the data carries.
3. Learn, validate honestly, export to ONNX, and compare the export with the model row by row.
4. Set the limit by what the export gives for parts that were not learned from.
5. Seal a bundle with all that is known of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside import __version__
from lineside.domain.cost_words import cost_lines
from lineside.domain.costs import CostReport
from lineside.domain.coverage.facts import Coverage, coverage_of
from lineside.domain.coverage.gaps import summary_line
from lineside.domain.errors import DataError
from lineside.domain.parts import PartTable
from lineside.domain.plan.budget import false_alarms
from lineside.domain.plan.digest import judging_digest
from lineside.domain.plan.model import CharacteristicKind, Plan
from lineside.domain.readings import Float64
from lineside.learn.by_setup import by_setup, learn_by_setup
from lineside.learn.choose import choose_and_learn, left_to_search
from lineside.learn.experience import learn_experience
from lineside.learn.golden import golden_parts
from lineside.learn.learned import Learned, Progress, Task
from lineside.learn.limiting import following, promise
from lineside.learn.older import Experienced, experienced, older_rows
from lineside.learn.regime_check import check_regimes
from lineside.learn.response_words import response_facts, word_responses
from lineside.learn.rows import (
    Rows,
    bad_values,
    choose_columns,
    classes_of,
    has_time,
    known,
    nonconforming,
    prepare,
    remembers_parts,
)
from lineside.learn.software import bill_of_materials
from lineside.learn.suspects import mostly_otherwise
from lineside.learn.try_augment import with_augmentation
from lineside.wire.bundle import (
    GOLDEN_INPUTS,
    GOLDEN_SCORES,
    MODEL_FILE,
    REFERENCE_PARTS,
    SOFTWARE,
    Bundle,
    FeatureFact,
    FollowFact,
    Manifest,
    TrainingFacts,
    array_bytes,
    seal,
)

_GOLDEN_ROWS: Final = 8
_MOST_REFERENCE: Final = 4_000


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FitRequest:
    """What is to be learned, from what.

    ``table`` holds the parts to learn from; ``calibration`` later parts that set the limit and are not learned from
    (None: learning keeps some of its own back). ``now`` is UTC ns. ``timed`` says whether the parts have times of
    their own (None: as the plan's sources say). ``unseen`` asks what becomes of the model in conditions that it was
    not shown, and whether made-up parts help there; a few small models more are learned for it. ``release`` names the
    model, by default after the characteristic. ``data_version`` and ``data_marks`` say where the parts are from,
    ``since`` that only those made since then (UTC ns; 0: any) are among them; ``older`` are parts made before, which
    teach what `lineside.learn.older` says.
    """

    plan: Plan
    characteristic: str
    table: PartTable
    calibration: PartTable | None = None
    older: PartTable | None = None
    seed: int = 0
    now: int = 0
    data_version: str = ""
    data_marks: Mapping[str, int] = field(default_factory=dict)
    since: int = 0
    release: str = ""
    version: int = 1
    timed: bool | None = None
    progress: Progress = field(default=lambda _: None)
    unseen: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class FitReport:
    """What was learned, in words and numbers; ``lines`` is the report a person reads."""

    characteristic: str
    family: str
    reason: str
    scheme: str
    metrics: Mapping[str, float]
    limit: float
    limit_from: str
    limit_rows: int
    nominal_rate: float
    guaranteed_rate: float
    likely_rate: float
    promise: tuple[str, ...]
    parity: float
    rows: int
    known: int
    nonconforming: int
    otherwise: str
    dropped: Mapping[str, int]
    features: int
    coverage: Coverage
    responses: tuple[str, ...]
    conditions: str
    trail: tuple[str, ...] = ()
    regimes: tuple[str, ...] = ()
    augmentation: str = ""
    older: str = ""
    costs: CostReport | None = None

    def lines(self) -> tuple[str, ...]:
        """Return the report as lines of text."""
        dropped = ", ".join(f"{count} {reason}" for reason, count in self.dropped.items() if count) or "none"
        figures = [f"    {name.replace('_', ' '):28} {value:.4g}" for name, value in self.metrics.items()]
        found = f"{self.known} with known outcome, {self.nonconforming} nonconforming{self.otherwise}"
        counts = f"{self.rows} ({found}; dropped: {dropped})"
        return (
            f"{self.characteristic}: {self.family}",
            f"  why          {self.reason}",
            f"  parts        {counts}",
            f"  features     {self.features}",
            f"  coverage     {summary_line(self.coverage)}",
            *self._conditions(),
            f"  validation   {self.scheme}",
            *figures,
            *(f"  {'regimes' if not place else '':12} {words}" for place, words in enumerate(self.regimes)),
            *([f"  made up      {self.augmentation}"] if self.augmentation else []),
            *([f"  made before  {self.older}"] if self.older else []),
            f"  limit        {self.limit:.6g} from {self.limit_from}",
            *(f"               {words}" for words in self.promise),
            *self._costs(),
            f"  parity       export and model differ by at most {self.parity:.1e}",
            *(f"  tried        {words}" for words in self.trail),
        )

    def _costs(self) -> tuple[str, ...]:
        """Return what the limit costs beside its alternatives."""
        words = () if self.costs is None else cost_lines(self.costs)
        return tuple(f"  {'cost' if not place else '':12} {line}" for place, line in enumerate(words))

    def _conditions(self) -> tuple[str, ...]:
        """Return whether conditions are considered, and what moves with them, the most first."""
        why = [f"  conditions   {self.conditions}"] if self.conditions else []
        found = ["  judged given their conditions:"] if self.responses else []
        return (*why, *found, *(f"    {line}" for line in self.responses))


@dataclass(frozen=True, kw_only=True, slots=True)
class FitResult:
    """The bundle and the report."""

    bundle: Bundle
    report: FitReport


def fit(request: FitRequest) -> FitResult:
    """Learn one characteristic.

    Raises:
        DataError: the parts do not carry what learning needs; the message says what is missing.
        IntegrityError: the exported model differs from the learned one.
    """
    task = _task(request)
    setups = by_setup(task)
    if setups is None:
        learned, reason = choose_and_learn(task)
    else:
        task, learned, reason = learn_by_setup(task, setups)
    if not request.unseen:
        return _sealed(request, task, learned, reason)
    task, learned, augmentation = with_augmentation(request.plan, request.table.recipe, task, learned)
    check = check_regimes(request.plan, request.table.recipe, task, learned)
    learned = replace(learned, metrics={**learned.metrics, **check.metrics()})
    return _sealed(request, task, learned, reason, augmentation=augmentation, regimes=check.lines())


def seal_brought(request: FitRequest, make: Callable[[Task], tuple[Learned, str]]) -> FitResult:
    """Seal what was not learned here: ``make`` gives it from the task, and in words where it comes from."""
    task = _task(request)
    return _sealed(request, task, *make(task))


def _sealed(
    request: FitRequest,
    task: Task,
    learned: Learned,
    reason: str,
    *,
    augmentation: str = "",
    regimes: tuple[str, ...] = (),
) -> FitResult:
    shown = experienced(task, learned)
    report = replace(_report(request, task, learned, reason, shown), augmentation=augmentation, regimes=regimes)
    return FitResult(bundle=_bundle(request, task, learned, report, shown), report=report)


def _task(request: FitRequest) -> Task:
    try:
        characteristic = request.plan.characteristic(request.characteristic)
    except KeyError:
        raise DataError(
            "no such characteristic in the plan",
            field="characteristic",
            value=request.characteristic,
            choices=[item.id for item in request.plan.characteristics],
        ) from None
    columns = choose_columns(request.table.recipe, characteristic, with_environment=False)
    continuous = left_to_search(request.plan, characteristic)
    remembers, setup = continuous or remembers_parts(characteristic.model), characteristic.model.setup
    rows = prepare(request.table, columns.inputs, remembers=remembers, setup=setup)
    calibration = request.calibration
    task = Task(
        characteristic=characteristic,
        columns=columns,
        all_columns=choose_columns(request.table.recipe, characteristic, with_environment=True),
        rows=rows,
        calibration=None
        if calibration is None
        else prepare(calibration, columns.inputs, remembers=remembers, setup=setup),
        alarms=false_alarms(request.plan, characteristic),
        timed=has_time(request.plan, characteristic.station) if request.timed is None else request.timed,
        seed=request.seed,
        progress=request.progress,
        continuous=continuous,
        least_recall=request.plan.service_levels.least_recall,
    )
    return replace(task, older=older_rows(request.older, characteristic, task))


def _report(request: FitRequest, task: Task, learned: Learned, reason: str, shown: Experienced) -> FitReport:
    return FitReport(
        characteristic=task.characteristic.id,
        family=str(learned.family),
        reason=reason,
        scheme=learned.scheme,
        metrics=dict(learned.metrics),
        limit=learned.limit.value,
        limit_from=learned.limit_from,
        limit_rows=learned.limit.rows,
        nominal_rate=learned.limit.nominal,
        guaranteed_rate=learned.limit.guaranteed,
        likely_rate=learned.limit.likely_at_most,
        promise=(*promise(learned.limit, task.alarms), *following(learned.limit, learned.follow)),
        parity=learned.parity,
        rows=len(task.rows),
        known=int(known(task.rows).sum()),
        nonconforming=int(nonconforming(task.rows, task.characteristic).sum()),
        otherwise=_otherwise(task.rows),
        dropped=dict(task.rows.dropped),
        coverage=coverage_of(request.plan, request.table.recipe, shown.features),
        older=shown.words,
        features=len(learned.columns.inputs) - learned.conditions_only,
        conditions=learned.conditions_why,
        responses=word_responses(response_facts(learned.given), request.table.recipe.features),
        trail=learned.trail,
        # With setups each has a limit of its own, so that one limit's costs say nothing.
        costs=learned.costs if learned.setups is None else None,
    )


def _bundle(request: FitRequest, task: Task, learned: Learned, report: FitReport, shown: Experienced) -> Bundle:
    characteristic, plan = task.characteristic, request.plan
    specification = characteristic.specification
    attribute = characteristic.kind is CharacteristicKind.ATTRIBUTE
    manifest = Manifest(
        release=request.release or characteristic.id,
        version=request.version,
        site=plan.site.id,
        line=plan.line.id,
        station=characteristic.station,
        characteristic=characteristic.id,
        kind=str(characteristic.kind),
        family=str(learned.family),
        classes=classes_of(characteristic) if attribute else (),
        nonconforming=tuple(sorted(bad_values(characteristic))) if attribute else (),
        plan_digest=judging_digest(plan),
        plan_revision=plan.revision.number,
        recipe=request.table.recipe.digest,
        features=_feature_facts(request.table, task.rows.features, learned.usual),
        inputs=tuple(learned.columns.inputs.tolist()),
        conditions=learned.conditions_only,
        responses=response_facts(learned.given),
        limit=learned.limit.value,
        false_alarm_rate=task.alarms.rate,
        memory=learned.exported.weight,
        lags=learned.exported.lags,
        drift=learned.exported.drift,
        cusum=learned.exported.allowance,
        calibration=dict(learned.calibration),
        lsl=None if specification is None else specification.lsl,
        usl=None if specification is None else specification.usl,
        setups=learned.setups,
        follow=None if learned.follow is None else FollowFact(**asdict(learned.follow)),
        experience=learn_experience(shown.features, learned.columns.environment),
        training=_training(request, task, learned, report),
    )
    golden = _golden(task, learned) | golden_parts(task, learned)
    beside = {
        REFERENCE_PARTS: array_bytes(_spread(task.rows.features)),
        SOFTWARE: bill_of_materials(f"{manifest.release}/{manifest.version}"),
    }
    return seal(manifest, {MODEL_FILE: learned.exported.graph, **learned.files, **golden, **beside})


def _spread(features: Float64) -> NDArray[np.float32]:
    """Return rows evenly spread over all, `_MOST_REFERENCE` at the most; the recipe's features are float32 values."""
    rows = np.unique(np.linspace(0, len(features) - 1, _MOST_REFERENCE).astype(np.int64))
    return features[rows].astype(np.float32)


def _training(request: FitRequest, task: Task, learned: Learned, report: FitReport) -> TrainingFacts:
    return TrainingFacts(
        data_version=request.data_version,
        data_marks=dict(request.data_marks),
        since=request.since,
        code_version=__version__,
        seed=request.seed,
        trained=request.now,
        first=int(task.rows.started.min()),
        last=max(int(rows.ended.max()) for rows in (task.rows, task.calibration) if rows is not None),
        rows=report.rows,
        nonconforming=report.nonconforming,
        calibration_rows=report.limit_rows,
        dropped=dict(report.dropped),
        reason=report.reason,
        scheme=report.scheme,
        metrics=dict(report.metrics),
        regimes=report.regimes,
        augmentation=report.augmentation,
        older=report.older,
        guaranteed_rate=report.guaranteed_rate,
        likely_rate=report.likely_rate,
        parity=learned.parity,
        coverage=report.coverage,
    )


def _feature_facts(table: PartTable, features: Float64, usual: NDArray[np.bool_]) -> tuple[FeatureFact, ...]:
    facts = []
    for spec, column in zip(table.recipe.features, features.T, strict=True):
        present = column[usual & ~np.isnan(column)]
        low, middle, high = np.quantile(present, (0.025, 0.5, 0.975)).tolist() if len(present) else (0.0, 0.0, 0.0)
        facts.append(
            FeatureFact(
                name=spec.name,
                signal=spec.signal,
                unit=spec.unit,
                role=str(spec.role),
                usual=middle,
                low=low,
                high=high,
            )
        )
    return tuple(facts)


def _golden(task: Task, learned: Learned) -> dict[str, bytes]:
    """Return rows with the scores they must give wherever the bundle is opened, two of them with a missing value."""
    chosen = np.unique(np.linspace(0, len(task.rows) - 1, _GOLDEN_ROWS).astype(np.int64))
    rows: Rows = replace(task.rows.take(chosen), group=np.full(len(chosen), "", dtype=object))
    inputs = rows.features[:, learned.columns.inputs].astype(np.float32)
    if inputs.shape[1] > 1:
        inputs[0, 0] = np.nan
        inputs[-1, -1] = np.nan
    scores = learned.exported.run(inputs.astype(np.float64), rows.group)["score"].ravel()
    return {GOLDEN_INPUTS: array_bytes(inputs), GOLDEN_SCORES: array_bytes(scores.astype(np.float32))}


def _otherwise(rows: Rows) -> str:
    """Return in words how many parts do not conform in another characteristic, and what is made of them."""
    count = int(rows.other_defect.sum())
    words = ", which is most of them and counts as usual" if mostly_otherwise(rows) else ""
    return f", {count} in another characteristic{words}" if count else ""
