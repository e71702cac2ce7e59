"""What `latency` is measured on: a station with 200 signals in cycles of half a second, its model and its readings.

A trigger signal falls at a cycle's end. The model knows values around zero and the readings are elsewhere, so that
every part raises or extends an alert: that is the dearest case.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from lineside.apps.layout import Layout
from lineside.apps.releasing import put_in_service
from lineside.domain.features.recipe import recipe_for
from lineside.domain.parts import PartTable
from lineside.domain.plan.model import Plan
from lineside.learn.fit import FitRequest, fit
from lineside.wire.bundle import MODEL_FILE, pack_bundle, unpack_bundle
from subjects.workload import BEGIN

SIGNALS = 200
CYCLE_SECONDS = 0.5
PAST_PARTS = 300
SECONDS = 20


def plain_plan() -> dict[str, Any]:
    """Return the plan of the line as plain data."""
    names = [f"s{number}" for number in range(SIGNALS)]
    place = {"station": "station", "source": "machine"}
    signals = [{"id": name, "features": ["mean", "p95"], **place} for name in names]
    return {
        "lineside": 1,
        "site": {"id": "site"},
        "area": {"id": "area"},
        "line": {"id": "line"},
        "part": {"number": "P1"},
        "sources": [{"id": "machine", "kind": "files", "path": "readings.parquet", "time_column": "time"}],
        "stations": [{"id": "station", "cycle": {"by": "trigger", "signal": "run"}, "lateness": "0 s"}],
        "signals": [{"id": "run", "role": "trigger", **place}, *signals],
        "characteristics": [{"id": "defect", "station": "station", "model": {"family": "normal"}}],
        "reactions": [
            {
                "id": "look",
                "characteristic": "defect",
                "text": "Something is unusual.",
                "steps": [{"do": "inspect", "text": "Look at the part."}],
            }
        ],
    }


def make(folder: Path) -> None:
    """Learn the model, and write `cell.bundle` and `cell.onnx`."""
    plan = Plan.model_validate(plain_plan())
    bundle = fit(FitRequest(plan=plan, characteristic="defect", table=_past(plan))).bundle
    (folder / "cell.bundle").write_bytes(pack_bundle(bundle))
    (folder / "cell.onnx").write_bytes(bundle.files[MODEL_FILE])


def install(shared: Path, cell: Path, rate: int) -> None:
    """Write `plan.yaml`, `readings.parquet` (``rate`` rows a second) and a data folder with the model in service."""
    shutil.rmtree(cell, ignore_errors=True)
    cell.mkdir(parents=True)
    (cell / "plan.yaml").write_text(json.dumps(plain_plan(), indent=1))
    parquet.write_table(_readings(rate), cell / "readings.parquet")
    layout = Layout(cell / "data")
    layout.create()
    bundle = unpack_bundle((shared / "cell.bundle").read_bytes())
    put_in_service(layout, Plan.model_validate(plain_plan()), bundle)


def _readings(rate: int) -> pa.Table:
    chance = np.random.default_rng(8)
    ticks, cycle = np.arange(SECONDS * rate), int(CYCLE_SECONDS * rate)
    times = BEGIN + ticks * (1_000_000_000 // rate)
    columns: dict[str, Any] = {"time": pa.array(times, pa.timestamp("ns", "UTC"))}
    columns["run"] = (ticks % cycle < cycle - max(1, cycle // 10)).astype(np.float64)
    for number in range(SIGNALS):
        columns[f"s{number}"] = 5.0 + chance.normal(0.0, 0.3, len(ticks))
    return pa.table(columns)


def _past(plan: Plan) -> PartTable:
    chance = np.random.default_rng(9)
    recipe = recipe_for(plan, "station")
    started = np.arange(PAST_PARTS, dtype=np.int64) * 1_000_000_000
    nothing = ("",) * PAST_PARTS
    return PartTable(
        recipe=recipe,
        unit=tuple(f"unit-{number}" for number in range(PAST_PARTS)),
        started=started,
        ended=started + 1_000_000_000,
        features=chance.normal(size=(PAST_PARTS, len(recipe.features))),
        group=nothing,
        outcome=nothing,
    )
