"""What `decide` is measured on: a line of 200 signals (1,200 features a part), a model of its normal and trees."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lineside.domain.cycles.assembler import CycleAssembler
from lineside.domain.features.recipe import recipe_for
from lineside.domain.parts import PartTable
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.model import Plan
from lineside.domain.readings import Float64, ReadingBatch
from lineside.learn.fit import FitRequest, fit
from lineside.wire.bundle import MODEL_FILE, Bundle, pack_bundle
from subjects.plans import line_of
from subjects.workload import FEATURES, Readings, readings

SIGNALS = 200
CYCLES = 60
COPIES = {"normal": 8, "supervised": 32}
"""By family: how many parts are made of each cycle, each with noise of its own."""


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
    """Learn from the cycles that come of the work's readings, and write a `.bundle` and an `.onnx` of each family."""
    plan = line_of(SIGNALS)
    data = readings({"signals": SIGNALS, "cycles": CYCLES})
    assembler = CycleAssembler(plan, "station", catalogue_for(plan))
    parts = assembler.push(batch_of(plan, data, slice(None))) + assembler.flush()
    rows = np.stack([part.features for part in parts])
    for family, copies in COPIES.items():
        bundle = _learned(family, np.repeat(rows, copies, axis=0))
        (folder / f"{family}.bundle").write_bytes(pack_bundle(bundle))
        (folder / f"{family}.onnx").write_bytes(bundle.files[MODEL_FILE])


def _learned(family: str, rows: Float64) -> Bundle:
    """Return what is learned of rows and noise; what does not conform shows in the first features of eight signals."""
    plan = line_of(SIGNALS, model={"family": family})
    chance = np.random.default_rng(6)
    spread = rows * (1.0 + 0.01 * chance.normal(size=rows.shape))
    usual = (spread - spread.mean(axis=0)) / spread.std(axis=0)
    bad = usual[:, : 8 * len(FEATURES) : len(FEATURES)].sum(axis=1) + chance.normal(size=len(rows)) > 4.0
    outcome = (
        ["nonconforming" if item else "conforming" for item in bad] if family == "supervised" else [""] * len(rows)
    )
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
        outcome=tuple(outcome),
    )
    return fit(FitRequest(plan=plan, characteristic="defect", table=table)).bundle
