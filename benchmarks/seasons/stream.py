"""A seed's year in columns: what learners may see of spring, and what is judged later, with the truth apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineside.apps.demo.physics.faults import FaultKind
from lineside.apps.demo.year.calendar import Season, production_days
from lineside.apps.demo.year.production import DayOfParts, YearCell
from lineside.domain.features.recipe import recipe_for
from lineside.domain.outcomes import is_nonconforming, other_characteristics
from lineside.domain.parts import PartRecord, PartTable
from lineside.domain.plan.model import Plan

STATION = "cast"
ATTRIBUTES = ("porosity", "cold_shut", "short_shot")
PROCESS_FAULTS = (FaultKind.CHILLER_VALVE, FaultKind.VACUUM_LEAK, FaultKind.PLUNGER_WEAR, FaultKind.ALLOY_LOT)
SENSOR_FAULTS = (FaultKind.SENSOR_STUCK, FaultKind.SENSOR_DRIFT)
FORESEEABLE = 0.1
"""Risk from which a bad part could have been foreseen."""
Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stream:
    """Parts in order with their season, day and shift (counted through), and what is true of them.

    ``bad`` is by attribute, and so is ``risk``, the probability that ``bad`` was drawn with. ``fault`` holds the
    severity of each kind of fault at each part.
    """

    parts: tuple[PartRecord, ...]
    season: NDArray[np.object_]
    day: NDArray[np.int64]
    shift: NDArray[np.int64]
    bad: dict[str, Bools]
    risk: dict[str, NDArray[np.float64]]
    fault: dict[FaultKind, NDArray[np.float64]]

    def __len__(self) -> int:
        """Return the number of parts."""
        return len(self.parts)

    def foreseeable(self, name: str) -> Bools:
        """Return which bad parts had a reason that sensors could know of: the others are chance."""
        return np.asarray(self.bad[name] & (self.risk[name] >= FORESEEABLE))

    @property
    def process_fault(self) -> Bools:
        """Whether something was wrong with the process when a part was made."""
        return np.asarray(sum(self.fault[kind] for kind in PROCESS_FAULTS) > 0)

    @property
    def sensor_fault(self) -> Bools:
        """Whether a sensor stuck or drifted when a part was made."""
        return np.asarray(sum(self.fault[kind] for kind in SENSOR_FAULTS) > 0)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Lesson:
    """The spring as a plant knows it at its end: parts, and outcomes that inspection had found by then."""

    plan: Plan
    parts: tuple[PartRecord, ...]
    day: tuple[str, ...]
    outcome: dict[str, tuple[str, ...]]
    now: int

    def table(self, characteristic: str) -> PartTable:
        """Return the parts with their outcomes for one characteristic."""
        others = other_characteristics(self.plan, self.plan.characteristic(characteristic))
        return PartTable(
            recipe=recipe_for(self.plan, STATION),
            unit=tuple(part.unit for part in self.parts),
            started=np.array([part.started for part in self.parts], dtype=np.int64),
            ended=np.array([part.ended for part in self.parts], dtype=np.int64),
            features=np.stack([part.features for part in self.parts]),
            group=self.day,
            outcome=self.outcome[characteristic],
            context=tuple(part.context for part in self.parts),
            other_defects=tuple(
                any(is_nonconforming(item, self.outcome[item.id][row]) for item in others)
                for row in range(len(self.parts))
            ),
        )


def make_year(plan: Plan, seed: int, days: int | None = None) -> tuple[Lesson, Stream]:
    """Return a seed's spring to learn from, and its later seasons to be judged; ``days`` of each season, or all."""
    chosen = production_days(seed)
    if days is not None:
        chosen = tuple(day for season in Season for day in [item for item in chosen if item.season is season][:days])
    made = list(YearCell(plan=plan, seed=seed).days(chosen))
    spring = [day for day in made if day.day.season is Season.SPRING]
    return lesson_of(plan, spring), stream_of([day for day in made if day.day.season is not Season.SPRING])


def lesson_of(plan: Plan, days: Sequence[DayOfParts]) -> Lesson:
    """Return days as a plant knows them when the last one ends: the latest parts have no outcome yet."""
    now = days[-1].day.end
    parts = tuple(part for day in days for part in day.parts)
    found = {key: value for day in days for key, value in day.outcomes.items()}
    names = [item.id for item in plan.characteristics if item.station == STATION]

    def known(part: PartRecord, name: str) -> str:
        value, when = found[part.unit, name]
        return value if when <= now else ""

    return Lesson(
        plan=plan,
        parts=parts,
        day=tuple(f"week {day.day.week}" for day in days for _ in day.parts),
        outcome={name: tuple(known(part, name) for part in parts) for name in names},
        now=now,
    )


def stream_of(days: Sequence[DayOfParts]) -> Stream:
    """Return days in columns."""
    first_shift = np.cumsum([0, *[day.day.shifts for day in days]])
    return Stream(
        parts=tuple(part for day in days for part in day.parts),
        season=np.concatenate([np.full(len(day.parts), str(day.day.season), dtype=object) for day in days]),
        day=np.concatenate([np.full(len(day.parts), number) for number, day in enumerate(days)]),
        shift=np.concatenate([first + day.shift for first, day in zip(first_shift, days, strict=False)]),
        bad={name: np.concatenate([day.truth.bad[name] for day in days]) for name in ATTRIBUTES},
        risk={name: np.concatenate([day.truth.risk[name] for day in days]) for name in ATTRIBUTES},
        fault={kind: np.concatenate([day.truth.fault[kind] for day in days]) for kind in FaultKind},
    )
