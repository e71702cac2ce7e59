"""Fit a model of each characteristic and put it where gateways find it.

1. Load the parts with their outcomes.
2. Fit: choose, learn, validate, export, compare (`lineside.learn.fit`).
3. Judge its golden parts, as the reference for every device.
4. Add the bundle to the registry under the next version, durably.
5. Make it the active one, where that is wished.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lineside.domain.errors import DataError
from lineside.domain.parts import PartTable
from lineside.domain.plan.model import Characteristic, Plan
from lineside.learn.fit import FitReport, FitRequest, fit
from lineside.ports import Registry
from lineside.wire.bundle import Bundle


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedParts:
    """The parts of a characteristic's station with their outcomes.

    ``timed`` says whether they have times of their own (None: as the plan's sources say), ``version`` names the data,
    ``dropped`` counts by reason what was there and is not among them. ``marks`` say what the history then held.
    """

    table: PartTable
    version: str
    timed: bool | None = None
    dropped: Mapping[str, int] = field(default_factory=dict)
    marks: Mapping[str, int] = field(default_factory=dict)


LoadParts = Callable[[Characteristic], LoadedParts]
Complete = Callable[[Plan, Bundle], Bundle]
"""Gives a new bundle what only a judge can: the reference of its golden parts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainRequest:
    """What to train: ``characteristics`` by id (empty: all of the plan); ``now`` in UTC ns.

    Only parts made since ``since`` (UTC ns; 0: any) are learned from: the outcomes of what was made before a change of
    the process hold no more, so that it teaches no more than `lineside.learn.older` says. ``unseen`` asks for the test
    in conditions never shown, which takes about as long again as learning. ``complete`` adds to each bundle the
    reference of its golden parts before it is kept.
    """

    plan: Plan
    characteristics: Sequence[str] = ()
    seed: int = 0
    now: int = 0
    since: int = 0
    activate: bool = True
    unseen: bool = True
    complete: Complete = field(default=lambda _, bundle: bundle)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """One trained model: its bundle, the report, what of the data was left out, and where it was put (if anywhere)."""

    bundle: Bundle
    report: FitReport
    dropped: Mapping[str, int]
    where: str


def train(
    request: TrainRequest, load: LoadParts, registry: Registry | None, progress: Callable[[str], None] = lambda _: None
) -> tuple[Trained, ...]:
    """Train the characteristics of a request, in the plan's order; without a registry nothing is kept.

    Raises:
        DataError: the parts of a characteristic do not carry what learning needs; models trained before it stay.
        StorageError: a bundle could not be stored.
    """
    wanted = request.characteristics or [item.id for item in request.plan.characteristics]
    return tuple(_train_one(request, name, load, registry, progress) for name in wanted)


def _train_one(
    request: TrainRequest, name: str, load: LoadParts, registry: Registry | None, progress: Callable[[str], None]
) -> Trained:
    progress(f"{name}: loading parts")
    loaded = load(request.plan.characteristic(name))
    table, older, dropped = loaded.table, None, dict(loaded.dropped)
    if request.since:
        older, table = table.parted(request.since)
        dropped["made before"] = len(older)
    if not len(table):
        raise DataError(
            "no part was made since", field="--since", value=request.since, next_step="name an earlier time"
        )
    result = fit(
        FitRequest(
            plan=request.plan,
            characteristic=name,
            table=table,
            older=older,
            seed=request.seed,
            now=request.now,
            data_version=loaded.version,
            data_marks=loaded.marks,
            since=request.since,
            version=1 if registry is None else registry.next_version(name),
            timed=loaded.timed,
            unseen=request.unseen,
            progress=lambda text: progress(f"{name}: {text}"),
        )
    )
    where, bundle = "", request.complete(request.plan, result.bundle)
    if registry is not None:
        where = registry.add(bundle)
        if request.activate:
            registry.activate(bundle)
    return Trained(bundle=bundle, report=result.report, dropped=dropped, where=where)
