"""The year's parts, by the code that runs live, and apart from them the truth, which no learner sees.

Readings come from the cell's sensors, parts from the assembler of the gateway, outcomes from the inspection with its
delay. Of the signals only those of the casting station are read, since nothing else of a year is needed; that alone
makes a year affordable, and it changes no part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.apps.demo.history import STATION
from lineside.apps.demo.line import inspected
from lineside.apps.demo.physics.cell import Cell, CellState, ShotBlock
from lineside.apps.demo.physics.constants import CellConfig, Die, Instruments, Rhythm, Weather
from lineside.apps.demo.physics.faults import FaultKind, severity
from lineside.apps.demo.physics.readings import readings
from lineside.apps.demo.year.calendar import BEGIN, SHIFT, WEEK, ProductionDay
from lineside.apps.demo.year.troubles import Spoiler, Trouble
from lineside.domain.cycles.assembler import CycleAssembler
from lineside.domain.features.recipe import signals_of
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import Plan, Role, Signal, SignalType
from lineside.domain.readings import Catalogue, Float64, Int64
from lineside.domain.units import DAY, HOUR, SECOND

SHOTS_A_DAY: Final = 1800
_LEAD_IN: Final = 60
"""Shots of the shift before that are made to have the die as warm as it was, and not looked at."""
_BLOCK: Final = 200
_MEMORY: Final = 2 * DAY
"""How long a hot day that is over still warms what follows it."""


def year_config() -> CellConfig:
    """Return the demo's cell in an unheated hall, with ordinary instruments and two variants that run differently."""
    return CellConfig(
        die=Die(variant_scale=(1.0, 1.04)),
        rhythm=Rhythm(spray=(3.0, 3.3)),
        weather=Weather(mean=22.0, season=8.0, day=4.5, weather=2.2),
        instruments=Instruments(surroundings=1.0, mounting=1.0),
    )


def year_plan(plan: Plan) -> Plan:
    """Return the demo's plan with one signal more: which mounting of the tool makes the part."""
    tool = Signal(
        id="tool",
        name="Mounting of the tool",
        station=STATION,
        role=Role.CONTEXT,
        type=SignalType.TEXT,
        source="machine",
        address="ns=2;s=DC07.tool",
    )
    return plan.model_copy(update={"signals": (*plan.signals, tool)})


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Truth:
    """What is true of a day's parts, in columns: ``risk`` and ``bad`` by attribute, ``fault`` severities by kind."""

    risk: dict[str, Float64]
    bad: dict[str, NDArray[np.bool_]]
    fault: dict[FaultKind, Float64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DayOfParts:
    """A day's parts in order, the shift of each (0 to 2), what inspection found and when, and the truth."""

    day: ProductionDay
    parts: tuple[PartRecord, ...]
    shift: Int64
    outcomes: dict[tuple[str, str], tuple[str, int]]
    truth: Truth


@dataclass(kw_only=True, slots=True)
class YearCell:
    """The cell through the days that are seen; what it makes on the others only wears tip and tool.

    Args:
        plan: the control plan.
        seed: every chance follows from it.
        config: the cell.
        changes: what becomes of the cell for good, by the week from which on it is so.
        troubles: instruments that read wrongly for days on end.
    """

    plan: Plan
    seed: int
    config: CellConfig = field(default_factory=year_config)
    changes: Mapping[int, CellConfig] = field(default_factory=dict)
    troubles: Sequence[Trouble] = ()

    def days(self, days: tuple[ProductionDay, ...]) -> Iterator[DayOfParts]:
        """Yield the parts of days, which must be in order."""
        signals = signals_of(self.plan, STATION)
        texts = frozenset(item.id for item in signals if item.type is SignalType.TEXT)
        catalogue = Catalogue(tuple(item.id for item in signals), texts)
        assembler = CycleAssembler(self.plan, STATION, catalogue)
        cell = Cell(self.config, self.seed, CellState(time=BEGIN))
        for day in days:
            since = max((week for week in self.changes if week <= day.week), default=None)
            cell.config = self.config if since is None else self.changes[since]
            spoilers = [Spoiler(trouble, self.seed) for trouble in self.troubles if day.week in trouble.weeks]
            blocks = list(self._blocks(cell, day))
            parts: list[PartRecord] = []
            for block in blocks:
                batch = readings(block, catalogue)
                for spoiler in spoilers:
                    batch = spoiler(batch)
                parts += assembler.push(batch)
            parts += assembler.advance(cell.state.time + HOUR)
            yield _day_of_parts(day, blocks, [part for part in parts if not part.incomplete])

    def _blocks(self, cell: Cell, day: ProductionDay) -> Iterator[ShotBlock]:
        """Yield a day's shots; shots are numbered as if every working day had been run."""
        shot = (day.start - BEGIN) * 5 * SHOTS_A_DAY // WEEK
        coming = list(day.faults)
        if day.cold:
            cell.run_unseen(day.start - SECOND, shot - cell.state.shot)
            cell.stand_until(day.start)
        else:
            cell.run_unseen(day.start - _LEAD_IN * cell.config.rhythm.cycle, shot - cell.state.shot)
            while cell.state.time < day.start:
                cell.step(1)
        while cell.state.time < day.end:
            count = min((day.end - cell.state.time) // cell.config.rhythm.cycle + 1, _BLOCK)
            soon = cell.state.time + count * cell.config.rhythm.cycle
            for fault in [fault for fault in coming if fault.start < soon]:
                cell.begin(fault.kind, at=fault.start, severity=fault.severity, end=fault.end)
                coming.remove(fault)
            yield cell.step(int(count))
        cell.forget(cell.state.time - _MEMORY)


def _day_of_parts(day: ProductionDay, blocks: list[ShotBlock], parts: list[PartRecord]) -> DayOfParts:
    found = {
        (item.unit, item.characteristic): (item.value, item.found) for block in blocks for item in inspected(block)
    }
    place = {serial: row for row, serial in enumerate(serial for block in blocks for serial in block.serials)}
    rows = np.array([place[part.unit] for part in parts], dtype=np.int64)
    started = np.array([part.started for part in parts], dtype=np.int64)
    return DayOfParts(
        day=day,
        parts=tuple(parts),
        shift=np.minimum((started - day.start) // SHIFT, day.shifts - 1),
        outcomes=found,
        truth=_truth(blocks, rows, started),
    )


def _truth(blocks: list[ShotBlock], rows: Int64, started: Int64) -> Truth:
    names = ("porosity", "cold_shut", "short_shot")
    faults = tuple({fault: None for block in blocks for fault in block.faults})
    return Truth(
        risk={n: np.concatenate([getattr(block.quality, f"{n}_risk") for block in blocks])[rows] for n in names},
        bad={n: np.concatenate([getattr(block.quality, n) for block in blocks])[rows] for n in names},
        fault={kind: severity(faults, kind, started) for kind in FaultKind},
    )
