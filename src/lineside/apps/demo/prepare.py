"""The first start: past production is generated, models are learned from it and put in service.

What takes long happens once. The file that says so is written last, so that a start that was interrupted begins
again; it is also where the line's life on the board begins.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from lineside.adapters.durable_files import replace_file
from lineside.adapters.onnx_judge.golden import with_reference
from lineside.apps.demo.folder import DemoFolder
from lineside.apps.demo.history import PastParts, production_days
from lineside.apps.demo.line import Checkpoint, write_checkpoint
from lineside.apps.layout import Layout
from lineside.apps.releasing import signing_folder
from lineside.domain.plan.model import Characteristic, CharacteristicKind, Plan
from lineside.domain.releases.ladder import WATERMARK
from lineside.flows.train import LoadedParts, TrainRequest, train

DAYS: Final = 18
SEED: Final = 7


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """What the first start did; ``until`` is where the past ends and the line's life begins (UTC ns)."""

    until: int
    seed: int
    days: int
    shots: int
    nonconforming: float
    seconds: float


def prepare(
    plan: Plan, data: Path, *, until: int, tell: Callable[[str], None], days: int = DAYS, seed: int = SEED
) -> Prepared:
    """Generate the past up to ``until`` (UTC ns), learn from it, and leave models and the line's checkpoint.

    ``tell`` is given a line of progress at a time. What an earlier start has prepared stays as it is.
    """
    folder = DemoFolder(data)
    if folder.prepared.exists():
        return msgspec.json.decode(folder.prepared.read_bytes(), type=Prepared)
    began = time.monotonic()
    folder.home.mkdir(parents=True, exist_ok=True)
    past, checkpoint = _generate(plan, until, days, seed, tell)
    _learn(plan, data, past, until, tell)
    replace_file(folder.checkpoint, write_checkpoint(checkpoint))
    attributes = [item.id for item in plan.characteristics if item.kind is CharacteristicKind.ATTRIBUTE]
    prepared = Prepared(
        until=until,
        seed=seed,
        days=days,
        shots=len(past),
        nonconforming=past.share_nonconforming(attributes),
        seconds=time.monotonic() - began,
    )
    replace_file(folder.prepared, msgspec.json.encode(prepared))
    return prepared


def _generate(
    plan: Plan, until: int, days: int, seed: int, tell: Callable[[str], None]
) -> tuple[PastParts, Checkpoint]:
    past = PastParts(plan)
    cell, production = production_days(seed, days, until)
    for number, day in enumerate(production, start=1):
        past.add(day)
        if number % 3 == 0 or number == days:
            tell(f"generate: {number} of {days} production days, {len(past):,} shots")
    return past, Checkpoint(seed=seed, said=until, cell=cell.state)


def _learn(plan: Plan, data: Path, past: PastParts, until: int, tell: Callable[[str], None]) -> None:
    registry = signing_folder(Layout(data))

    def load(characteristic: Characteristic) -> LoadedParts:
        return LoadedParts(table=past.table(characteristic.id), version="simulated past of the demo", timed=True)

    for characteristic in plan.characteristics:
        tell(f"learn: {characteristic.label}")
        request = TrainRequest(
            plan=plan,
            characteristics=(characteristic.id,),
            now=until,
            unseen=False,
            activate=False,
            complete=with_reference,
        )
        for trained in train(request, load, registry):
            registry.offer(trained.bundle, note=WATERMARK)
            found = trained.report.metrics
            figures = ", ".join(f"{name} {found[name]:.3g}" for name in ("auc", "recall", "rmse") if name in found)
            tell(f"learn: {characteristic.label}: {trained.report.family}, {figures}; in service")
