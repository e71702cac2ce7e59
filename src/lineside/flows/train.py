"""Fit a model of each characteristic and put it where gateways find it.

1. Load the parts with their outcomes.
2. Fit: choose, learn, validate, export, compare (`lineside.learn.fit`).
3. Add the bundle to the registry under the next version, durably.
4. Make it the active one, where that is wished.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lineside.domain.parts import PartTable
from lineside.domain.plan.model import Characteristic, Plan
from lineside.learn.fit import FitReport, FitRequest, fit
from lineside.ports import Registry
from lineside.wire.bundle import Bundle

LoadParts = Callable[[Characteristic], PartTable]
"""Returns the parts of a characteristic's station with their outcomes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainRequest:
    """What to train: ``characteristics`` by id (empty: all of the plan); ``now`` in UTC ns; ``timed`` as in a fit."""

    plan: Plan
    characteristics: Sequence[str] = ()
    seed: int = 0
    now: int = 0
    data_version: str = ""
    timed: bool | None = None
    activate: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """One trained model: its bundle, the report, and where it was put."""

    bundle: Bundle
    report: FitReport
    where: str


def train(
    request: TrainRequest, load: LoadParts, registry: Registry, progress: Callable[[str], None] = lambda _: None
) -> tuple[Trained, ...]:
    """Train the characteristics of a request, in the plan's order.

    Raises:
        DataError: the parts of a characteristic do not carry what learning needs; models trained before it stay.
        StorageError: a bundle could not be stored.
    """
    wanted = request.characteristics or [item.id for item in request.plan.characteristics]
    return tuple(_train_one(request, name, load, registry, progress) for name in wanted)


def _train_one(
    request: TrainRequest, name: str, load: LoadParts, registry: Registry, progress: Callable[[str], None]
) -> Trained:
    progress(f"{name}: loading parts")
    table = load(request.plan.characteristic(name))
    result = fit(
        FitRequest(
            plan=request.plan,
            characteristic=name,
            table=table,
            seed=request.seed,
            now=request.now,
            data_version=request.data_version,
            version=registry.next_version(name),
            timed=request.timed,
            progress=lambda text: progress(f"{name}: {text}"),
        )
    )
    where = registry.add(result.bundle)
    if request.activate:
        registry.activate(result.bundle)
    return Trained(bundle=result.bundle, report=result.report, where=where)
