"""What the shots are: when each starts, of which variant, from which lot of alloy, with how worn a tool."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lineside.apps.demo.physics.chance import Stream, normals, uniforms
from lineside.apps.demo.physics.constants import VARIANTS, Rhythm
from lineside.domain.readings import Float64, Int64
from lineside.domain.units import MILLISECOND, SECOND


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Schedule:
    """Columns, one row per shot; times in UTC ns, durations in ns.

    ``stop`` is the standstill before the shot. Silicon and iron in percent by mass, hydrogen of the lot in
    ml/100 g as delivered by degassing.
    """

    shot: Int64
    start: Int64
    cycle: Int64
    stop: Int64
    since_break: Int64
    tip_shots: Int64
    tool_shots: Int64
    variant: Int64
    lot: Int64
    silicon: Float64
    iron: Float64
    lot_hydrogen: Float64
    spray_time: Float64


def schedule_from(seed: int, rhythm: Rhythm, first: int, start: int, count: int) -> Schedule:
    """Return the schedule of ``count`` shots from number ``first``, whose preceding stop begins at ``start``."""
    shot = np.arange(first, first + count, dtype=np.int64)
    drawn = normals(seed, Stream.SCHEDULE, first, count, 4)
    cycle = rhythm.cycle + np.rint(drawn[:, 0] * 0.35 * SECOND / MILLISECOND).astype(np.int64) * MILLISECOND
    stop = _stops(seed, rhythm, shot)
    starts = start + np.cumsum(stop) + np.concatenate(([0], np.cumsum(cycle)[:-1]))
    silicon, iron, hydrogen = _chemistry(seed, shot // rhythm.lot_size)
    variant = (shot // rhythm.changeover_every) % len(VARIANTS)
    return Schedule(
        shot=shot,
        start=starts,
        cycle=cycle,
        stop=stop,
        since_break=shot % rhythm.break_every,
        tip_shots=shot % rhythm.tip_life,
        tool_shots=shot % rhythm.tool_life,
        variant=variant,
        lot=shot // rhythm.lot_size,
        silicon=silicon,
        iron=iron,
        lot_hydrogen=hydrogen,
        spray_time=np.asarray(rhythm.spray)[variant] + 0.05 * drawn[:, 1],
    )


def _stops(seed: int, rhythm: Rhythm, shot: Int64) -> Int64:
    """Return the standstill before each shot: changeover, break, or now and then a short stop."""
    drawn = uniforms(seed + 1, Stream.SCHEDULE, int(shot[0]), len(shot), 2) if len(shot) else np.zeros((0, 2))
    length = np.rint(60 + 240 * drawn[:, 1]).astype(np.int64) * SECOND
    stop = np.where(drawn[:, 0] < rhythm.short_stop_chance, length, 0)
    stop = np.where(shot % rhythm.break_every == 0, rhythm.break_length, stop)
    stop = np.where(shot % rhythm.changeover_every == 0, rhythm.changeover_length, stop)
    return np.where(shot == 0, 0, stop)


def _chemistry(seed: int, lot: Int64) -> tuple[Float64, Float64, Float64]:
    """Return silicon, iron and hydrogen of each shot's lot."""
    first = int(lot[0]) if len(lot) else 0
    drawn = normals(seed, Stream.LOTS, first, int(lot[-1]) - first + 1 if len(lot) else 0, 4)[lot - first]
    return 9.4 + 0.25 * drawn[:, 0], 0.85 + 0.06 * drawn[:, 1], 0.145 * np.exp(0.10 * drawn[:, 2])
