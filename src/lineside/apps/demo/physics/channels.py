"""What the sensors of the cell read of each shot: channels of times and values, with noise and sensor faults.

A channel is one signal over a block: ``times`` and ``values`` of shape ``(shots, samples)``. Noise is drawn by the
shot's number, so a shot reads the same whichever block it comes in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lineside.apps.demo.physics.cell import ShotBlock
from lineside.apps.demo.physics.chance import Stream, normals
from lineside.apps.demo.physics.faults import Fault, FaultKind, severity
from lineside.apps.demo.physics.instruments import errors_of
from lineside.domain.readings import Float64, Int64
from lineside.domain.units import SECOND

_PRESSURE_HOLD = 1.5
_DIE_OPENS = 14.0
_DRIFT = 25.0
"""How far a drifting thermocouple ends from the truth (K)."""
_SWING = 14.0
"""How far a die half rises and falls within a cycle (K)."""


@dataclass(frozen=True, slots=True, eq=False)
class Channel:
    """One signal's samples; times in UTC ns, both arrays of one shape."""

    signal: str
    times: Int64
    values: Float64


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """When each part of each shot begins, in ns from the start of the shot; columns, one row per shot."""

    fill: Int64
    intensify: Int64
    solidify: Int64
    open: Int64
    end: Int64


def timeline(block: ShotBlock) -> Timeline:
    """Return the phases of each shot."""
    slow = block.config.machine.slow_stroke / block.injection.slow_velocity
    fill = _ns(slow)
    intensify = fill + _ns(block.injection.fill_time)
    return Timeline(
        fill=fill,
        intensify=intensify,
        solidify=intensify + _ns(np.full(len(block), _PRESSURE_HOLD)),
        open=_ns(np.full(len(block), _DIE_OPENS)),
        end=block.schedule.cycle - SECOND,
    )


def cycle_channels(block: ShotBlock, phases: Timeline) -> Iterator[Channel]:
    """Yield the machine's own words: trigger, phase, counters."""
    start, zero = block.schedule.start, np.zeros(len(block), dtype=np.int64)
    begins = np.stack((zero, phases.fill, phases.intensify, phases.solidify, phases.open, phases.end), axis=1)
    shots = block.schedule.shot
    yield _stepped("machine_cycle", start, np.stack((zero, phases.end), axis=1), np.array([1.0, 0.0]))
    yield _stepped("shot_phase", start, begins, np.array([1.0, 2.0, 3.0, 4.0, 5.0, 0.0]))
    yield _once("shot_counter", start, 0.002, shots.astype(np.float64))
    yield _once("tool_shots", start, 0.003, block.schedule.tool_shots.astype(np.float64))
    yield _once("warm_up", start, 0.004, (block.schedule.since_break < block.config.rhythm.warm_up).astype(np.float64))


def gauge_channels(block: ShotBlock) -> Iterator[Channel]:
    """Yield what is measured once per shot, as the machine reports it when the die opens, and the alloy's analysis."""
    start, injection, thermal = block.schedule.start, block.injection, block.thermal
    noise = normals(block.seed, Stream.GAUGES, int(block.schedule.shot[0]), len(block), 20).T
    error = errors_of(block)
    expansion = 2.2 * (0.5 * (thermal.fixed + thermal.moving) - 190.0)
    clamp = block.config.machine.clamp_force + expansion + 12.0 * noise[0] + error.clamp
    spray = block.schedule.spray_time
    surface = 0.86 * thermal.moving - 12.0 * (spray - 3.0)
    rows = (
        ("pour_temperature", 0.1, thermal.pour + 0.8 * noise[1], 1),
        ("melt_hydrogen", 0.2, block.quality.hydrogen * (1 + 0.03 * noise[2]), 3),
        ("alloy_silicon", 0.3, block.schedule.silicon - 0.25 * _alloy(block), 2),
        ("alloy_iron", 0.3, block.schedule.iron + 0.35 * _alloy(block), 3),
        ("clamp_force", 0.4, clamp, 0),
        ("tie_bar_spread", 0.4, np.abs(1.2 + 0.25 * noise[3]) + error.spread, 2),
        ("accumulator_pressure", 0.5, injection.accumulator + 0.4 * noise[4] + error.accumulator, 1),
        ("plunger_lubricant", 0.5, injection.lubricant * error.lubricant + 0.02 * noise[5], 2),
        ("fill_time", 14.5, 1e3 * injection.fill_time + 0.2 * noise[6], 1),
        ("gate_velocity", 14.6, injection.gate_velocity + 0.15 * noise[7], 2),
        ("intensification_pressure", 14.7, injection.intensification * error.pressure + 4.0 * noise[8], 0),
        ("biscuit_thickness", 16.0, np.maximum(injection.biscuit + 0.2 * noise[9] + error.biscuit, 0.0), 1),
        ("die_surface_temperature", 30.0, surface + 1.2 * noise[10] + error.pyrometer, 1),
        ("spray_time", 30.5, spray, 2),
        ("spray_volume", 30.6, 0.38 * spray * error.spray * (1 + 0.015 * noise[11]), 3),
        ("cycle_time", 43.0, block.schedule.cycle / SECOND, 2),
    )
    for signal, offset, values, digits in rows:
        yield _once(signal, start, offset, np.round(values, digits))


def thermal_channels(block: ShotBlock) -> Iterator[Channel]:
    """Yield what is sampled through the cycle: die halves and cooling water."""
    thermal, start = block.thermal, block.schedule.start
    share = np.arange(8) / 8 + 0.02
    times = start[:, None] + np.rint(share * block.schedule.cycle[:, None]).astype(np.int64)
    noise = normals(block.seed + 1, Stream.GAUGES, int(block.schedule.shot[0]), len(block), 40).reshape(-1, 5, 8)
    swing = _SWING * (np.exp(-((share - 0.2) ** 2) / 0.03) - 0.36)
    fixed = thermal.fixed[:, None] + share * (thermal.fixed_end - thermal.fixed)[:, None] + swing
    moving = thermal.moving[:, None] + share * (thermal.moving_end - thermal.moving)[:, None] + swing
    error = errors_of(block)
    fixed = fixed + 0.5 * noise[:, 0] + _DRIFT * _at(block.faults, FaultKind.SENSOR_DRIFT, times)
    fixed = fixed + error.fixed[:, None]
    moving = _stuck(block.faults, times, moving + 0.5 * noise[:, 1] + error.moving[:, None])
    flow = (thermal.flow * error.flow)[:, None]
    yield Channel("die_temperature_fixed", times, np.round(fixed, 1))
    yield Channel("die_temperature_moving", times, np.round(moving, 1))
    yield Channel("cooling_flow", times, np.round(flow * (1 + 0.006 * noise[:, 2]), 2))
    yield Channel("cooling_in", times, np.round(thermal.water_in[:, None] + 0.1 * noise[:, 3], 1))
    yield Channel("cooling_out", times, np.round(thermal.water_out[:, None] + 0.15 * noise[:, 4], 1))
    yield _once("chiller_state", start, 1.0, thermal.chiller)


def _alloy(block: ShotBlock) -> Float64:
    return severity(block.faults, FaultKind.ALLOY_LOT, block.schedule.start)


def _at(faults: tuple[Fault, ...], kind: FaultKind, times: Int64) -> Float64:
    return severity(faults, kind, times.ravel()).reshape(times.shape)


def _stuck(faults: tuple[Fault, ...], times: Int64, values: Float64) -> Float64:
    """Return the values with those under a stuck sensor replaced by what it goes on reading."""
    for fault in faults:
        if fault.kind is FaultKind.SENSOR_STUCK:
            values = np.where((times >= fault.start) & (times < fault.end), fault.value, values)
    return values


def _ns(seconds: Float64) -> Int64:
    """Return seconds as nanoseconds, whole microseconds, which is what protocols carry."""
    return np.rint(seconds * 1e6).astype(np.int64) * 1000


def _once(signal: str, start: Int64, offset: float, values: Float64) -> Channel:
    return Channel(signal, (start + round(offset * SECOND))[:, None], values[:, None])


def _stepped(signal: str, start: Int64, offsets: Int64, values: Float64) -> Channel:
    return Channel(signal, start[:, None] + offsets, np.broadcast_to(values, offsets.shape))
