"""What pieces of a curve find that statistics of a phase do not: `python benchmarks/traces.py`.

Shots of the simulated cell without any fault; in one of fifty the readings of one trace are changed, phase by phase, so
that its course is wrong while its mean stays nearly as it was. The readings go through the assembler that gateway and
backtest have. Models learn from four plans: the statistics that the demo's plan names, all usual statistics of each
phase, these with ``curve(8)``, and with ``waves(12)`` too. Printed is the average precision on held-out later periods,
mean over the seeds.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineside.adapters.plan_yaml import load_plan
from lineside.apps.demo.history import STATION
from lineside.apps.demo.physics.cell import Cell, CellState, ShotBlock
from lineside.apps.demo.physics.constants import CellConfig
from lineside.apps.demo.physics.readings import readings
from lineside.domain.cycles.assembler import CycleAssembler
from lineside.domain.features.recipe import recipe_for
from lineside.domain.parts import PartTable
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.model import ModelFamily, Plan
from lineside.domain.readings import ReadingBatch
from lineside.domain.units import HOUR, SECOND
from lineside.learn.fit import FitRequest, fit

PLAN = Path(str(resources.files("lineside.apps.demo") / "plan.yaml"))
BEGIN = 1_767_225_600 * SECOND
BAD = 0.02
SLOW, FILL, INTENSIFY = slice(0, 20), slice(20, 44), slice(44, 60)
"""Places of the phases' readings within a shot's trace."""
USUAL = ("mean", "std", "min", "max", "slope")
PLANS: dict[str, tuple[str, ...] | None] = {
    "the demo's plan": None,
    "usual statistics of each phase": USUAL,
    "and curve(8)": (*USUAL, "curve(8)"),
    "and waves(12)": (*USUAL, "curve(8)", "waves(12)"),
}
Floats = NDArray[np.float64]


def late(trace: Floats) -> Floats:
    """Two readings late: the fast shot begins and the cavity fills later."""
    return np.concatenate([trace[:1], trace[:1], trace[:-2]])


def stumble(trace: Floats) -> Floats:
    """Fall behind for three readings and catch up in the next three."""
    changed = trace.copy()
    changed[10:13] *= 0.93
    changed[13:16] *= 1.07
    return changed


def chatter(trace: Floats) -> Floats:
    """Swing by 4 % from reading to reading."""
    return trace * (1.0 + 0.04 * np.where(np.arange(len(trace)) % 2, 1.0, -1.0))


def sag(trace: Floats) -> Floats:
    """Build up as far, and give way by 3 % in the middle."""
    changed = trace.copy()
    changed[6:10] *= 0.97
    return changed


FAULTS: dict[str, tuple[str, slice, Callable[[Floats], Floats]]] = {
    "fast shot late": ("plunger_velocity", FILL, late),
    "plunger stumbles in the fill": ("plunger_velocity", FILL, stumble),
    "plunger chatters in the slow shot": ("plunger_velocity", SLOW, chatter),
    "pressure sags in the build-up": ("metal_pressure", INTENSIFY, sag),
}


def plan_with(kinds: tuple[str, ...] | None) -> Plan:
    """Return the demo's plan with these features of each phase of both traces; None: as it is."""
    given: dict[str, Any] = load_plan(PLAN).model_dump(mode="json", exclude_unset=True)
    given["characteristics"] = [item for item in given["characteristics"] if item["id"] == "porosity"]
    given["reactions"] = [item for item in given["reactions"] if item["characteristic"] == "porosity"]
    for signal in given["signals"]:
        if kinds is not None and signal["id"] in {"plunger_velocity", "metal_pressure"}:
            signal["features"] = []
            signal["phase_features"] = dict.fromkeys(("slow_shot", "fill", "intensify"), kinds)
    return Plan.model_validate(given)


def broken(batch: ReadingBatch, block: ShotBlock, bad: NDArray[np.bool_], fault: str, code: int) -> ReadingBatch:
    """Return the readings with a fault in the trace of the bad shots."""
    _, phase, change = FAULTS[fault]
    value = batch.value.copy()
    own = np.flatnonzero(batch.signal == code)
    own = own[np.argsort(batch.source_time[own], kind="stable")]
    shot = np.searchsorted(block.schedule.start, batch.source_time[own], side="right") - 1
    for number in np.flatnonzero(bad):
        places = own[shot == number][phase]
        value[places] = change(value[places])
    return replace(batch, value=value)


def average_precision(plan: Plan, family: str, fault: str, block: ShotBlock, seed: int) -> float:
    """Return how a family ranks the bad shots of held-out periods."""
    catalogue = catalogue_for(plan)
    bad = np.random.default_rng(seed).random(len(block)) < BAD
    batch = broken(readings(block, catalogue), block, bad, fault, catalogue.codes()[FAULTS[fault][0]])
    assembler = CycleAssembler(plan, STATION, catalogue)
    parts = [*assembler.push(batch), *assembler.advance(int(block.schedule.start[-1]) + HOUR)]
    parts = [part for part in parts if not part.incomplete]
    wrong = dict(zip(block.serials, bad.tolist(), strict=True))
    table = PartTable(
        recipe=recipe_for(plan, STATION),
        unit=tuple(part.unit for part in parts),
        started=np.array([part.started for part in parts]),
        ended=np.array([part.ended for part in parts]),
        features=np.stack([part.features for part in parts]),
        group=("",) * len(parts),
        outcome=tuple("nonconforming" if wrong[part.unit] else "conforming" for part in parts),
        context=tuple(part.context for part in parts),
    )
    wish = plan.characteristics[0].model.model_copy(update={"family": ModelFamily(family), "false_alarm_rate": 0.005})
    chosen = plan.model_copy(update={"characteristics": (plan.characteristics[0].model_copy(update={"model": wish}),)})
    return fit(FitRequest(plan=chosen, characteristic="porosity", table=table, timed=True)).report.metrics[
        "average_precision"
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shots", type=int, default=3000)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    blocks = [Cell(CellConfig(), seed, CellState(time=BEGIN)).step(arguments.shots) for seed in range(arguments.seeds)]
    print(f"| fault | model | {' | '.join(PLANS)} |\n| --- | --- |{' ---: |' * len(PLANS)}")
    for fault in FAULTS:
        for family in ("normal", "supervised"):
            found = [
                np.mean([average_precision(plan_with(kinds), family, fault, blocks[i], i) for i in range(len(blocks))])
                for kinds in PLANS.values()
            ]
            print(f"| {fault} | {family} | {' | '.join(f'{value:.2f}' for value in found)} |", flush=True)


if __name__ == "__main__":
    main()
