"""Past production of the cell, as a plant would have it before its first model: days spread over a year.

Every day has its weather, and most have episodes in which something was wrong, so that what goes wrong later has
been seen before, and so has a hot day on which nothing did.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from lineside.apps.demo.line import inspected
from lineside.apps.demo.physics.cell import Cell, CellState, ShotBlock
from lineside.apps.demo.physics.chance import Stream, uniforms
from lineside.apps.demo.physics.constants import CellConfig
from lineside.apps.demo.physics.faults import FaultKind
from lineside.apps.demo.physics.readings import readings
from lineside.domain.cycles.assembler import CycleAssembler
from lineside.domain.outcomes import UNKNOWN, is_nonconforming, other_characteristics
from lineside.domain.parts import PartRecord, PartTable
from lineside.domain.plan.model import Plan, SignalType
from lineside.domain.readings import Catalogue
from lineside.domain.units import DAY, HOUR, MINUTE

SHOTS_A_DAY: Final = 1610
"""Not a multiple of what breaks and changeovers come by, so that the past ends in steady running."""
STATION: Final = "cast"
_YEAR: Final = 365 * DAY
_QUIET_DAYS: Final = 1
"""The last days have no episodes, so that the line begins its life on the board in good health."""
_EPISODES: Final = (
    FaultKind.CHILLER_VALVE,
    FaultKind.VACUUM_LEAK,
    FaultKind.PLUNGER_WEAR,
    FaultKind.CHILLER_VALVE,
    FaultKind.ALLOY_LOT,
    FaultKind.HOT_DAY,
    FaultKind.VACUUM_LEAK,
    FaultKind.PLUNGER_WEAR,
    FaultKind.CHILLER_VALVE,
    FaultKind.SENSOR_STUCK,
    FaultKind.ALLOY_LOT,
    FaultKind.HOT_DAY,
    FaultKind.CHILLER_VALVE,
    FaultKind.VACUUM_LEAK,
    FaultKind.SENSOR_DRIFT,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProductionDay:
    """One day's shots, and its name."""

    name: str
    block: ShotBlock


def production_days(seed: int, days: int, until: int) -> tuple[Cell, Iterator[ProductionDay]]:
    """Return a cell, and its past of so many days, the last of which ends at ``until`` (UTC ns).

    Once the days have been taken, the cell stands at the end of them.
    """
    cell = Cell(CellConfig(), seed, CellState(time=until - _YEAR))
    return cell, _days(cell, days, until)


def _days(cell: Cell, days: int, until: int) -> Iterator[ProductionDay]:
    length = SHOTS_A_DAY * cell.config.rhythm.cycle + 2 * HOUR
    for day in range(days):
        cell.stand_until(until - length - (_YEAR - length) * (days - 1 - day) // max(days - 1, 1))
        if day < days - _QUIET_DAYS:
            _break_something(cell, day)
        block = cell.step(SHOTS_A_DAY)
        cell.forget(cell.state.time)
        yield ProductionDay(name=f"day {day + 1}", block=block)


def _break_something(cell: Cell, day: int) -> None:
    """Let two episodes come over every other day and one over the rest, none at its first hour."""
    drawn = uniforms(cell.seed, Stream.EPISODES, day, 1, 8)[0]
    for half in (0, 1)[: 2 - day % 2]:
        kind = _EPISODES[((3 * day + 1) // 2 + half) % len(_EPISODES)]
        at = cell.state.time + round((3 + 9 * half + 3 * drawn[4 * half]) * HOUR)
        lasts = 8 * HOUR if kind is FaultKind.HOT_DAY else round((35 + 25 * drawn[4 * half + 1]) * MINUTE)
        cell.begin(kind, at=at, severity=0.85 + 0.15 * float(drawn[4 * half + 2]), end=at + lasts)


class PastParts:
    """Collects days as parts of the casting station with what inspection found, by the assembler that runs live."""

    def __init__(self, plan: Plan) -> None:
        """Take the signals of the station from the plan."""
        signals = plan.signals_at(STATION)
        self._plan = plan
        texts = frozenset(signal.id for signal in signals if signal.type is SignalType.TEXT)
        self._catalogue = Catalogue(tuple(signal.id for signal in signals), texts)
        self._assembler = CycleAssembler(plan, STATION, self._catalogue)
        self._parts: list[PartRecord] = []
        self._day: list[str] = []
        self._outcomes: dict[tuple[str, str], str] = {}

    def add(self, day: ProductionDay) -> None:
        """Add a day."""
        closed = self._assembler.push(readings(day.block, self._catalogue))
        closed += self._assembler.advance(int(day.block.schedule.start[-1]) + HOUR)
        whole = [part for part in closed if not part.incomplete]
        self._parts += whole
        self._day += [day.name] * len(whole)
        for outcome in inspected(day.block):
            self._outcomes[outcome.unit, outcome.characteristic] = outcome.value

    def __len__(self) -> int:
        """Return the number of parts so far."""
        return len(self._parts)

    def table(self, characteristic: str) -> PartTable:
        """Return the parts with their outcomes for one characteristic."""
        parts = self._parts
        others = other_characteristics(self._plan, self._plan.characteristic(characteristic))
        return PartTable(
            recipe=self._assembler.recipe,
            unit=tuple(part.unit for part in parts),
            started=np.array([part.started for part in parts], dtype=np.int64),
            ended=np.array([part.ended for part in parts], dtype=np.int64),
            features=np.stack([part.features for part in parts]),
            group=tuple(self._day),
            outcome=tuple(self._outcomes.get((part.unit, characteristic), "") for part in parts),
            context=tuple(part.context for part in parts),
            other_defects=tuple(
                any(is_nonconforming(item, self._outcomes.get((part.unit, item.id), UNKNOWN)) for item in others)
                for part in parts
            ),
        )

    def share_nonconforming(self, characteristics: Sequence[str]) -> float:
        """Return the share of parts that do not conform in at least one of these attributes."""
        bad = sum(
            any(self._outcomes.get((part.unit, name)) == "nonconforming" for name in characteristics)
            for part in self._parts
        )
        return bad / max(len(self._parts), 1)
