"""The heat balance of the die: two lumped nodes, heated by each shot, cooled by water, spray and hall.

For a node of capacity C with conductances G to surroundings at T (Incropera and DeWitt, lumped capacitance):

    C dT/dt = q + sum of G_i (T_i - T)

Over one cycle q and every G_i are taken at their mean, so the solution is an exponential approach to the
equilibrium of that cycle, exact for any length of the step. In a standstill metal, spray and water are off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lineside.apps.demo.physics.chance import Stream, wander
from lineside.apps.demo.physics.climate import Climate
from lineside.apps.demo.physics.constants import WATER_HEAT, Alloy, CellConfig, Half
from lineside.apps.demo.physics.schedule import Schedule
from lineside.domain.readings import Float64, Int64
from lineside.domain.units import MINUTE, SECOND

_BOILING = 100.0
_EJECTION = 320.0
"""Temperature at which the casting leaves the die (degC)."""
_CHILLED = 24.0
"""Set point of the chiller (degC)."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Thermal:
    """Columns, one row per shot: temperatures in degC, flow in l/min, heat in J.

    ``fixed`` and ``moving`` are the die halves when the shot starts, ``fixed_end`` and ``moving_end`` when its
    cycle ends. ``chiller`` is 0 off, 1 running, 2 at its limit.
    """

    bath: Float64
    pour: Float64
    fixed: Float64
    moving: Float64
    fixed_end: Float64
    moving_end: Float64
    flow: Float64
    water_in: Float64
    water_out: Float64
    chiller: Float64
    heat: Float64
    heat_water: Float64


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class NodeRun:
    """A node over the shots: temperature at start and end of each cycle, and the heat that left by each way (J)."""

    start: Float64
    end: Float64
    to_water: Float64
    to_spray: Float64
    to_hall: Float64


def run_thermal(
    config: CellConfig, seed: int, schedule: Schedule, climate: Climate, valve: Float64, start: tuple[float, float]
) -> Thermal:
    """Return the thermal course of the shots.

    Args:
        config: the cell.
        seed: of the furnace's wandering.
        schedule: the shots.
        climate: the hall at each shot.
        valve: how far the cooling valve is open, 1 nominal, shape ``(n,)``.
        start: temperatures of fixed and moving half when the first shot's preceding stop begins.
    """
    bath = melt_bath(seed, schedule.start)
    pour = bath - 0.045 * (bath - climate.hall)
    heat = shot_heat(config, pour)
    supply, chiller = _chiller(climate)
    fixed = run_node(config.die.fixed, schedule, climate.hall, heat, (valve, supply), start[0])
    moving = run_node(config.die.moving, schedule, climate.hall, heat, (valve, supply), start[1])
    flow = (config.die.fixed.flow + config.die.moving.flow) * valve
    to_water = fixed.to_water + moving.to_water
    seconds = schedule.cycle / SECOND
    return Thermal(
        bath=bath,
        pour=pour,
        fixed=fixed.start,
        moving=moving.start,
        fixed_end=fixed.end,
        moving_end=moving.end,
        flow=flow,
        water_in=supply,
        water_out=supply + to_water / seconds / (flow / 60.0 * WATER_HEAT),
        chiller=chiller,
        heat=heat,
        heat_water=to_water,
    )


def melt_bath(seed: int, times: Int64) -> Float64:
    """Return the temperature of the melt in the holding furnace (degC): its set point and what control leaves."""
    return 690.0 + 1.5 * wander(seed, Stream.FURNACE, times, 40 * MINUTE)


def shot_heat(config: CellConfig, pour: Float64) -> Float64:
    """Return the heat that a shot poured at ``pour`` (degC) leaves in the die, in J."""
    alloy: Alloy = config.alloy
    mass = alloy.density_liquid * (config.die.cavity_volume + config.die.runner_volume)
    liquid = alloy.heat_liquid * (pour - alloy.liquidus)
    solid = alloy.heat_solid * (alloy.liquidus - _EJECTION)
    return np.asarray(mass * (liquid + alloy.latent_heat + solid))


def water_conductance(half: Half, valve: Float64) -> Float64:
    """Return the conductance from node to incoming water (W/K).

    The film at the channel's wall goes with the flow to the power 0.8 (Dittus-Boelter), in series with the
    steel; the water warms on its way (effectiveness of a stream against a wall of one temperature).
    """
    overall = 1.0 / (1.0 / half.steel_conductance + 1.0 / (half.film_conductance * valve**0.8))
    stream = half.flow * valve / 60.0 * WATER_HEAT
    return np.asarray(stream * -np.expm1(-overall / stream))


def run_node(
    half: Half, schedule: Schedule, hall: Float64, heat: Float64, water: tuple[Float64, Float64], start: float
) -> NodeRun:
    """Return the course of one die half; ``water`` is the valve's opening and the supply temperature."""
    valve, supply = water
    seconds = schedule.cycle / SECOND
    to_water = water_conductance(half, valve)
    to_spray = half.spray_conductance * schedule.spray_time / seconds
    total = to_water + to_spray + half.hall_conductance
    power = half.share * heat / seconds
    rest = (power + to_water * supply + to_spray * _BOILING + half.hall_conductance * hall) / total
    decay = np.exp(-total * seconds / half.capacity)
    standing = np.exp(-half.hall_conductance * (schedule.stop / SECOND) / half.capacity)
    begins, ends = _recur(start, standing, hall, decay, rest)
    mean = rest + (begins - rest) * (1.0 - decay) / (total * seconds / half.capacity)
    return NodeRun(
        start=begins,
        end=ends,
        to_water=to_water * (mean - supply) * seconds,
        to_spray=to_spray * (mean - _BOILING) * seconds,
        to_hall=half.hall_conductance * (mean - hall) * seconds,
    )


def _recur(
    temperature: float, standing: Float64, hall: Float64, decay: Float64, rest: Float64
) -> tuple[Float64, Float64]:
    """Carry a temperature through stop and cycle of each shot; the one step that is a chain."""
    begins, ends = np.empty(len(rest)), np.empty(len(rest))
    rows = zip(standing.tolist(), hall.tolist(), decay.tolist(), rest.tolist(), strict=True)
    for row, (stood, air, kept, target) in enumerate(rows):
        begin = air + (temperature - air) * stood
        temperature = target + (begin - target) * kept
        begins[row], ends[row] = begin, temperature
    return begins, ends


def _chiller(climate: Climate) -> tuple[Float64, Float64]:
    """Return supply temperature and state of the chiller: off in the cold, at its limit on hot days."""
    lift = climate.tower - _CHILLED
    supply = np.where(lift < 0, climate.tower + 0.5 * -lift, _CHILLED + 0.25 * lift + 0.55 * np.maximum(lift - 4.0, 0))
    return supply, np.where(lift < 0, 0.0, np.where(lift < 4.0, 1.0, 2.0))
