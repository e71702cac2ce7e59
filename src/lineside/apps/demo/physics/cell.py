"""The cell as a whole: shots in blocks, with everything that is true of them.

A block is a pure function of the configuration, the seed and the state before it; the same shots come out
however they are cut into blocks, and the state is small enough to write down after each.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from lineside.apps.demo.physics.climate import Climate, climate_at
from lineside.apps.demo.physics.constants import CellConfig
from lineside.apps.demo.physics.faults import Fault, FaultKind, severity
from lineside.apps.demo.physics.injection import Injection, inject
from lineside.apps.demo.physics.quality import Quality, Shot, judge_truth
from lineside.apps.demo.physics.schedule import Schedule, schedule_from
from lineside.apps.demo.physics.thermal import Thermal, run_thermal

_VALVE_CLOSED = 0.75
"""How much of the cooling flow a fully developed valve fault takes away."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CellState:
    """All that the next block depends on: the time (UTC ns), the shot's number, and how hot the die is (degC).

    ``cold`` is when the cell was last started cold (UTC ns).
    """

    time: int
    shot: int = 0
    fixed: float = 150.0
    moving: float = 165.0
    faults: tuple[Fault, ...] = ()
    cold: int = 0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ShotBlock:
    """Consecutive shots in columns of one length, with the faults that were about."""

    seed: int
    schedule: Schedule
    climate: Climate
    thermal: Thermal
    injection: Injection
    quality: Quality
    faults: tuple[Fault, ...] = ()
    config: CellConfig = field(default_factory=CellConfig)
    cold: int = 0

    def __len__(self) -> int:
        """Return the number of shots."""
        return len(self.schedule.shot)

    @property
    def serials(self) -> tuple[str, ...]:
        """The serial numbers lasered onto the parts."""
        return tuple(f"DC07-{shot:07d}" for shot in self.schedule.shot.tolist())


class Cell:
    """The die-casting cell; `step` makes shots and moves its state on."""

    def __init__(self, config: CellConfig, seed: int, state: CellState) -> None:
        """Store what the cell is and where it stands."""
        self.config = config
        self.seed = seed
        self.state = state

    def step(self, count: int) -> ShotBlock:
        """Return the next ``count`` shots, at least one."""
        state, config, seed = self.state, self.config, self.seed
        faults = state.faults
        schedule = schedule_from(seed, config.rhythm, state.shot, state.time, count)
        hot = severity(faults, FaultKind.HOT_DAY, schedule.start)
        climate = climate_at(seed, schedule.start, hot, config.weather)
        valve = 1.0 - _VALVE_CLOSED * severity(faults, FaultKind.CHILLER_VALVE, schedule.start)
        thermal = run_thermal(config, seed, schedule, climate, valve, (state.fixed, state.moving))
        leak = severity(faults, FaultKind.VACUUM_LEAK, schedule.start)
        worn = severity(faults, FaultKind.PLUNGER_WEAR, schedule.start)
        injection = inject(config, seed, schedule, thermal, leak, worn)
        shot = Shot(
            schedule=schedule,
            climate=climate,
            thermal=thermal,
            injection=injection,
            alloy_fault=severity(faults, FaultKind.ALLOY_LOT, schedule.start),
        )
        self.state = replace(
            state,
            time=int(schedule.start[-1] + schedule.cycle[-1]),
            shot=state.shot + count,
            fixed=float(thermal.fixed_end[-1]),
            moving=float(thermal.moving_end[-1]),
        )
        return ShotBlock(
            seed=seed,
            schedule=schedule,
            climate=climate,
            thermal=thermal,
            injection=injection,
            quality=judge_truth(config, seed, shot),
            faults=faults,
            config=config,
            cold=state.cold,
        )

    def begin(self, kind: FaultKind, *, at: int, severity: float = 1.0, end: int | None = None) -> Fault:
        """Let a fault begin at a time (UTC ns); a stuck sensor will go on reading what is true now."""
        fault = Fault(kind=kind, start=at, severity=severity, value=round(self.state.moving, 1))
        if end is not None:
            fault = replace(fault, end=end)
        self.state = replace(self.state, faults=(*self.state.faults, fault))
        return fault

    def finish(self, kind: FaultKind, *, at: int) -> bool:
        """Let every fault of a kind end at a time; return whether there was one."""
        open_faults = [fault for fault in self.state.faults if fault.kind is kind and fault.end > at]
        faults = (replace(fault, end=at) if fault in open_faults else fault for fault in self.state.faults)
        self.state = replace(self.state, faults=tuple(faults))
        return bool(open_faults)

    def forget(self, before: int) -> None:
        """Forget faults that ended before a time, so that the state stays small."""
        self.state = replace(self.state, faults=_ended_after(self.state.faults, before))

    def stand_until(self, time: int) -> None:
        """Let the cell stand still until a time: the die cools to what a cold start finds."""
        if time > self.state.time:
            fresh = CellState(time=time)
            self.state = replace(self.state, time=time, fixed=fresh.fixed, moving=fresh.moving, cold=time)

    def run_unseen(self, time: int, shots: int) -> None:
        """Let the cell run to a time and make so many shots that nobody looks at; it is as warm as before."""
        if time > self.state.time:
            self.state = replace(self.state, time=time, shot=self.state.shot + shots)


def _ended_after(faults: Iterable[Fault], before: int) -> tuple[Fault, ...]:
    return tuple(fault for fault in faults if fault.end > before)


def defective(block: ShotBlock) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which parts of a block do not conform in any way."""
    return np.asarray(block.quality.porosity | block.quality.cold_shut | block.quality.short_shot)
