"""What `decide` is measured on: a line of 200 signals, and a model of its normal parts (1,200 features each)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lineside.domain.cycles.assembler import CycleAssembler
from lineside.domain.features.recipe import recipe_for
from lineside.domain.parts import PartTable
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.model import Plan
from lineside.domain.readings import ReadingBatch
from lineside.learn.fit import FitRequest, fit
from lineside.wire.bundle import MODEL_FILE, pack_bundle
from subjects.plans import line_of
from subjects.workload import Readings, readings

SIGNALS = 200
CYCLES = 60


def batch_of(plan: Plan, data: Readings, rows: slice) -> ReadingBatch:
    """Return some of the readings as a batch of good ones."""
    time = data.time[rows]
    return ReadingBatch(
        catalogue=catalogue_for(plan),
        signal=data.signal[rows],
        source_time=time,
        receive_time=time,
        value=data.value[rows],
        status=np.zeros(len(time), np.uint32),
    )


def make(folder: Path) -> None:
    """Learn from the cycles that come of the work's readings, and write `normal.bundle` and `normal.onnx`."""
    plan = line_of(SIGNALS, model={"family": "normal"})
    data = readings({"signals": SIGNALS, "cycles": CYCLES})
    assembler = CycleAssembler(plan, "station", catalogue_for(plan))
    parts = assembler.push(batch_of(plan, data, slice(None))) + assembler.flush()
    rows = np.stack([part.features for part in parts])
    chance = np.random.default_rng(6)
    spread = np.repeat(rows, 8, axis=0) * (1.0 + 0.01 * chance.normal(size=(8 * len(rows), rows.shape[1])))
    started = np.arange(len(spread), dtype=np.int64) * 30_000_000_000
    names = tuple(f"unit-{number}" for number in range(len(spread)))
    nothing = ("",) * len(spread)
    table = PartTable(
        recipe=recipe_for(plan, "station"),
        unit=names,
        started=started,
        ended=started + 30_000_000_000,
        features=spread,
        group=nothing,
        outcome=nothing,
    )
    bundle = fit(FitRequest(plan=plan, characteristic="defect", table=table)).bundle
    (folder / "normal.bundle").write_bytes(pack_bundle(bundle))
    (folder / "normal.onnx").write_bytes(bundle.files[MODEL_FILE])
