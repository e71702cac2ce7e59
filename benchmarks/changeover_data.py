"""Parts of many setups: of the simulated cell with other tools and settings, and of a real rig, run after run.

Each setup has good parts in the order in which they were made, and parts of that same setup with something wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lineside.adapters.tables import read_table
from lineside.apps.demo.history import PastParts, ProductionDay
from lineside.apps.demo.physics.cell import Cell, CellState, defective
from lineside.apps.demo.physics.constants import CellConfig, Die, Instruments, Machine, Rhythm
from lineside.apps.demo.physics.faults import FaultKind
from lineside.domain.plan.model import Plan
from lineside.domain.units import DAY, SECOND

Rows = NDArray[np.float64]
FAULTS = (FaultKind.CHILLER_VALVE, FaultKind.VACUUM_LEAK, FaultKind.PLUNGER_WEAR, FaultKind.ALLOY_LOT)
START_UP = 20
"""Shots after a start that no caster delivers, because the die is not warm yet."""
GROWING = 24
"""Shots in which a fault grows to its full severity; they are not judged."""
FAULT_AT = 30
"""Shots behind the start-up after which the faults begin, each in a copy of the cell of its own."""
FAULTY = 12
SEVERITY = 0.6
"""Of the faults, 1 being the full one of the simulated cell."""
SPRING = 1_745_000_000 * SECOND
SKAB_SIGNALS = (
    "Accelerometer1RMS", "Accelerometer2RMS", "Current", "Pressure", "Temperature", "Thermocouple", "Voltage",
    "Volume Flow RateRMS",
)  # fmt: skip
SKAB_NORMAL = 400


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SetupParts:
    """Features of one setup: its ``good`` parts from the changeover on, and ``faulty`` ones by what is wrong."""

    name: str
    good: Rows
    faulty: Mapping[str, Rows]


def cell_setups(plan: Plan, count: int, seed: int, parts: int = 220) -> list[SetupParts]:
    """Return setups of the cell: each has its own die, settings, mounted sensors and lots of alloy."""
    return [_cell_setup(plan, number, seed, parts) for number in range(count)]


def _cell_setup(plan: Plan, number: int, seed: int, parts: int) -> SetupParts:
    config = drawn_config(np.random.default_rng([seed, number]))
    start = SPRING + number * DAY // 2
    cell = Cell(config, seed + 1000 * number, CellState(time=start, shot=1 + number * config.rhythm.changeover_every))
    cell.step(START_UP)
    early = _good(plan, cell, FAULT_AT)
    faulty = {str(kind): _faulty(plan, cell, kind) for kind in FAULTS}
    good = np.concatenate([early, _good(plan, cell, parts - FAULT_AT)])
    return SetupParts(name=f"T{number:02d}", good=good, faulty=faulty)


def drawn_config(rng: np.random.Generator) -> CellConfig:
    """Return a cell as another tool and its process card make it; it runs on one lot of alloy, without stops."""
    u = rng.normal(size=10)
    die, machine = Die(), Machine()
    return CellConfig(
        die=replace(
            die,
            fixed=replace(die.fixed, flow=die.fixed.flow * (1 + 0.08 * u[0])),
            moving=replace(die.moving, flow=die.moving.flow * (1 + 0.08 * u[1])),
            gate_area=die.gate_area * (1 + 0.04 * u[2]),
        ),
        machine=replace(
            machine,
            slow_velocity=machine.slow_velocity * (1 + 0.03 * u[3]),
            dry_flow=machine.dry_flow * (1 + 0.03 * u[4]),
            intensification=machine.intensification + 30.0 * u[5],
            vacuum=machine.vacuum + 5.0 * abs(u[6]),
            clamp_force=machine.clamp_force + 200.0 * u[7],
            pour_volume=machine.pour_volume * (1 + 0.004 * u[8]),
        ),
        rhythm=replace(
            Rhythm(),
            cycle=Rhythm().cycle + round(1.5 * SECOND * u[9]),
            lot_size=Rhythm().changeover_every,
            short_stop_chance=0.0,
            break_every=10**6,
        ),
        instruments=Instruments(mounting=1.0),
    )


def _good(plan: Plan, cell: Cell, count: int) -> Rows:
    block = cell.step(count)
    past = PastParts(plan)
    past.add(ProductionDay(name="setup", block=block))
    bad = {unit for unit, is_bad in zip(block.serials, defective(block).tolist(), strict=True) if is_bad}
    table = past.table("porosity")
    return table.features[[unit not in bad for unit in table.unit]]


def _faulty(plan: Plan, cell: Cell, kind: FaultKind) -> Rows:
    """Return parts made while a fault is there in full; the cell itself goes on without it."""
    other = Cell(cell.config, cell.seed, cell.state)
    other.begin(kind, at=other.state.time, severity=SEVERITY)
    other.step(GROWING)
    past = PastParts(plan)
    past.add(ProductionDay(name=str(kind), block=other.step(FAULTY)))
    return past.table("porosity").features


def skab_setups(folder: Path) -> list[SetupParts]:
    """Return the 34 experiments of SKAB: each is a setup, the first 400 rows are its normal running.

    Of those labelled behind them, every fifth is judged.
    """
    found = []
    for kind in ("valve1", "valve2", "other"):
        for path in sorted((folder / "skab" / kind).glob("*.csv"), key=lambda item: int(item.stem)):
            table = read_table(path)
            rows = np.column_stack([table.numbers(name) for name in SKAB_SIGNALS])
            wrong = table.numbers("anomaly") > 0.5
            rest = np.arange(SKAB_NORMAL, len(rows), 5)
            found.append(
                SetupParts(
                    name=f"{kind}-{path.stem}",
                    good=rows[:SKAB_NORMAL],
                    faulty={"labelled": rows[rest[wrong[rest]]]},
                )
            )
    return found
