"""What `latency` is measured on: a station of 200 signals in cycles of a fifth of a second, its model, its readings.

A trigger signal falls at a cycle's end. The model knows values around zero and the readings are elsewhere, so that
every part raises or extends an alert: that is the dearest case.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from lineside.apps.layout import Layout
from lineside.apps.releasing import put_in_service
from lineside.domain.features.recipe import recipe_for
from lineside.domain.parts import PartTable
from lineside.domain.plan.model import Plan
from lineside.learn.fit import FitRequest, fit
from lineside.wire.bundle import MODEL_FILE, pack_bundle, unpack_bundle

SIGNALS = 200
CYCLE_SECONDS = 0.2
PAST_PARTS = 300
PREFIX = "group/edge/machine#"
"""What stands before a metric in its address."""


def cycle_ticks(rate: int) -> int:
    """Return how many rows a cycle has at so many a second: two at least."""
    return max(2, int(CYCLE_SECONDS * rate))


def running(tick: int, rate: int) -> bool:
    """Say whether the machine runs in a row; where it stops, a cycle has ended."""
    cycle = cycle_ticks(rate)
    return tick % cycle < cycle - max(1, cycle // 10)


def plain_plan(url: str = "mqtt://127.0.0.1") -> dict[str, Any]:
    """Return the plan of the line as plain data, with the broker at this address."""
    names = [f"s{number}" for number in range(SIGNALS)]
    place = {"station": "station", "source": "machine"}
    features = ["mean", "p95"]
    signals = [{"id": name, "features": features, "address": f"{PREFIX}{name}", **place} for name in names]
    return {
        "lineside": 1,
        "site": {"id": "site"},
        "area": {"id": "area"},
        "line": {"id": "line"},
        "part": {"number": "P1"},
        "sources": [{"id": "machine", "kind": "sparkplug", "url": url}],
        "stations": [{"id": "station", "cycle": {"by": "trigger", "signal": "run"}, "lateness": "0 s"}],
        "signals": [{"id": "run", "role": "trigger", "address": f"{PREFIX}run", **place}, *signals],
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


def install(shared: Path, cell: Path, plan: dict[str, Any]) -> None:
    """Write `plan.yaml` and a data folder with the model in service."""
    shutil.rmtree(cell, ignore_errors=True)
    cell.mkdir(parents=True)
    (cell / "plan.yaml").write_text(json.dumps(plan, indent=1))
    layout = Layout(cell / "data")
    layout.create()
    bundle = unpack_bundle((shared / "cell.bundle").read_bytes())
    put_in_service(layout, Plan.model_validate(plan), bundle)


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
