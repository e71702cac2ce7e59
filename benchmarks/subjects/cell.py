"""What `latency` is measured on: stations of 200 signals that make parts all the time, a model each, their readings.

A trigger signal falls at a cycle's end. The model knows values around zero and the readings are elsewhere, so that
every part raises or extends an alert: that is the dearest case.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from lineside.apps.layout import Layout
from lineside.apps.releasing import put_in_service
from lineside.domain.features.recipe import recipe_for
from lineside.domain.parts import PartTable
from lineside.domain.plan.digest import judging_digest
from lineside.domain.plan.model import Plan
from lineside.learn.fit import FitRequest, fit
from lineside.wire.bundle import MODEL_FILE, Bundle, pack_bundle, seal, unpack_bundle

SIGNALS = 200
PAST_PARTS = 300
PREFIX = "group/edge/machine#"
"""What stands before a metric in its address."""


def cycle_ticks(rate: int, seconds: float) -> int:
    """Return how many rows a cycle of so many seconds has at so many rows a second: two at least."""
    return max(2, int(seconds * rate))


def running(tick: int, cycle: int) -> bool:
    """Say whether a machine runs in a row; where it stops, a cycle of so many rows has ended."""
    return tick % cycle < cycle - max(1, cycle // 10)


def names(station: int) -> list[str]:
    """Return the signals of a station, but for its trigger."""
    return [f"m{station}s{number}" for number in range(SIGNALS)]


def trigger(station: int) -> str:
    """Return the trigger signal of a station."""
    return f"m{station}run"


def plain_plan(stations: int, url: str = "mqtt://127.0.0.1") -> dict[str, Any]:
    """Return the plan of the line as plain data, with the broker at this address."""
    signals: list[dict[str, Any]] = []
    for number in range(stations):
        place = {"station": f"station{number}", "source": "machine"}
        started = trigger(number)
        signals.append({"id": started, "role": "trigger", "address": f"{PREFIX}{started}", **place})
        signals += [
            {"id": name, "features": ["mean", "p95"], "address": f"{PREFIX}{name}", **place} for name in names(number)
        ]
    return {
        "lineside": 1,
        "site": {"id": "site"},
        "area": {"id": "area"},
        "line": {"id": "line"},
        "part": {"number": "P1"},
        "sources": [{"id": "machine", "kind": "sparkplug", "url": url}],
        "stations": [
            {"id": f"station{number}", "cycle": {"by": "trigger", "signal": trigger(number)}, "lateness": "0 s"}
            for number in range(stations)
        ],
        "signals": signals,
        "characteristics": [
            {"id": f"defect{number}", "station": f"station{number}", "model": {"family": "normal"}}
            for number in range(stations)
        ],
        "reactions": [
            {
                "id": f"look{number}",
                "characteristic": f"defect{number}",
                "text": "Something is unusual.",
                "steps": [{"do": "inspect", "text": "Look at the part."}],
            }
            for number in range(stations)
        ],
    }


def make(folder: Path) -> None:
    """Learn the model, and write `cell.bundle` and `cell.onnx`."""
    plan = Plan.model_validate(plain_plan(1))
    bundle = fit(FitRequest(plan=plan, characteristic="defect0", table=_past(plan))).bundle
    (folder / "cell.bundle").write_bytes(pack_bundle(bundle))
    (folder / "cell.onnx").write_bytes(bundle.files[MODEL_FILE])


def install(shared: Path, cell: Path, content: dict[str, Any]) -> None:
    """Make a data folder with a model for each station in service."""
    shutil.rmtree(cell, ignore_errors=True)
    cell.mkdir(parents=True)
    layout = Layout(cell / "data")
    layout.create()
    learned, plan = unpack_bundle((shared / "cell.bundle").read_bytes()), Plan.model_validate(content)
    for number in range(len(plan.stations)):
        put_in_service(layout, plan, _of_station(learned, plan, number))


def _of_station(learned: Bundle, plan: Plan, number: int) -> Bundle:
    """Return the model that was learned for one station as that of another whose signals have other names."""
    manifest, station = learned.manifest, f"station{number}"
    facts = tuple(
        msgspec.structs.replace(
            fact, name=fact.name.replace("m0", f"m{number}", 1), signal=fact.signal.replace("m0", f"m{number}", 1)
        )
        for fact in manifest.features
    )
    return seal(
        msgspec.structs.replace(
            manifest,
            release=f"defect{number}",
            station=station,
            characteristic=f"defect{number}",
            plan_digest=judging_digest(plan),
            recipe=recipe_for(plan, station).digest,
            features=facts,
        ),
        learned.files,
    )


def _past(plan: Plan) -> PartTable:
    chance = np.random.default_rng(9)
    recipe = recipe_for(plan, "station0")
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
