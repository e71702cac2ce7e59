"""The shot itself: dosing, slow shot, fill by the p-Q2 diagram, vacuum and intensification."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lineside.apps.demo.physics.chance import Stream, normals, uniforms
from lineside.apps.demo.physics.constants import GRAVITY, CellConfig
from lineside.apps.demo.physics.schedule import Schedule
from lineside.apps.demo.physics.thermal import Thermal
from lineside.domain.readings import Float64

_BAR = 1e5


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Injection:
    """Columns, one row per shot.

    Velocities in m/s, ``fill_time`` and ``fill_limit`` (the longest fill before the metal freezes) in s, ``vacuum``
    in mbar, pressures in bar, ``biscuit`` in mm, ``lubricant`` in ml, ``gate_temperature`` in degC.
    """

    slow_velocity: Float64
    critical_velocity: Float64
    fast_velocity: Float64
    gate_velocity: Float64
    fill_time: Float64
    fill_limit: Float64
    gate_temperature: Float64
    vacuum: Float64
    accumulator: Float64
    intensification: Float64
    biscuit: Float64
    lubricant: Float64


def inject(
    config: CellConfig, seed: int, schedule: Schedule, thermal: Thermal, leak: Float64, worn: Float64
) -> Injection:
    """Return the injection of each shot; ``leak`` and ``worn`` (0 to 1) are vacuum leak and plunger fault."""
    machine, first, count = config.machine, int(schedule.shot[0]), len(schedule.shot)
    drawn = normals(seed, Stream.INJECTION, first, count, 8)
    wear = 0.25 * schedule.tip_shots / config.rhythm.tip_life + worn
    area = np.pi * machine.plunger**2 / 4
    scale = np.asarray(config.die.variant_scale)[schedule.variant]
    cavity = config.die.cavity_volume * scale
    poured = _dosed(config, seed, schedule, drawn[:, 0]) + (cavity - config.die.cavity_volume)
    accumulator = machine.accumulator * (1 + 0.006 * drawn[:, 1])
    flow = metal_flow(config, accumulator * (1 - 0.25 * wear), machine.dry_flow * (1 - 0.27 * wear))
    flow = flow * (1 + 0.012 * drawn[:, 2])
    slow = machine.slow_velocity * (1 + (0.015 + 0.06 * worn) * drawn[:, 3] - 0.10 * worn)
    gate_temperature = thermal.pour - 20.0 * machine.slow_velocity / slow
    return Injection(
        slow_velocity=slow,
        critical_velocity=critical_velocity(machine.plunger, poured / (area * machine.sleeve_length)),
        fast_velocity=flow / area,
        gate_velocity=flow / config.die.gate_area,
        fill_time=cavity / flow,
        fill_limit=scale
        * fill_limit(config, gate_temperature, 0.5 * (thermal.fixed + thermal.moving), schedule.silicon),
        gate_temperature=gate_temperature,
        vacuum=machine.vacuum * np.exp(0.06 * drawn[:, 4]) + 650.0 * leak * (1 + 0.1 * drawn[:, 5]),
        accumulator=accumulator,
        intensification=machine.intensification * (1 + 0.012 * drawn[:, 6]) * (1 - 0.22 * wear),
        biscuit=1e3 * (poured - cavity - config.die.runner_volume) / area,
        lubricant=2.0 + 0.08 * drawn[:, 7] - 0.5 * worn,
    )


def metal_flow(config: CellConfig, accumulator: Float64, dry_flow: Float64) -> Float64:
    """Return the flow of metal through the gate (m3/s), where machine line and die line cross.

    Die line: p = rho/2 (Q / (c A))^2 (Bernoulli with a discharge coefficient). Machine line: p = p_max
    (1 - (Q/Q_dry)^2). Both are straight in p over Q^2 (NADCA's p-Q2 diagram).
    """
    resistance = config.alloy.density_liquid / (2 * (config.die.gate_discharge * config.die.gate_area) ** 2)
    greatest = accumulator * _BAR * config.machine.pressure_area_ratio
    return np.asarray(1.0 / np.sqrt(resistance / greatest + 1.0 / dry_flow**2))


def critical_velocity(diameter: float, fill: Float64) -> Float64:
    """Return the slow-shot velocity at which the wave just reaches the sleeve's roof (m/s).

    Faster, it breaks; slower, it runs ahead and is reflected: both trap air (Garber, 1982). Shallow-water
    waves: v = 2 (sqrt(g D) - sqrt(g h)), with the depth h taken as the filled share of the diameter D.
    """
    depth = np.clip(fill, 0.05, 0.95) * diameter
    return np.asarray(2.0 * (np.sqrt(GRAVITY * diameter) - np.sqrt(GRAVITY * depth)))


def fill_limit(config: CellConfig, metal: Float64, die: Float64, silicon: Float64) -> Float64:
    """Return the longest fill (s) before too much of the metal is solid: NADCA's fill-time equation.

    t = K d (T_metal - T_flow + S Z) / (T_flow - T_die), with d the wall in mm, K = 0.0346 s/mm for steel, S percent
    solids allowed and Z = 4.8 K per percent for aluminium alloys. More silicon flows further: 3 % per percent.
    """
    flow = config.alloy.flow_limit
    base = 0.0346 * config.die.wall * (metal - flow + 20.0 * 4.8) / (flow - die)
    return np.asarray(base * (1.0 + 0.03 * (silicon - 9.4)))


def _dosed(config: CellConfig, seed: int, schedule: Schedule, drawn: Float64) -> Float64:
    """Return the metal poured (m3): a ladle that scatters by about one percent and now and then slips."""
    slips = uniforms(seed + 1, Stream.INJECTION, int(schedule.shot[0]), len(schedule.shot), 2)
    slip = np.where(slips[:, 0] < 0.002, 0.055 + 0.05 * slips[:, 1], 0.0)
    return np.asarray(config.machine.pour_volume * (1 + 0.010 * drawn - slip))
