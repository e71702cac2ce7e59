"""Traces of the shot: plunger velocity, metal pressure and cavity vacuum, point by point.

Each phase has a fixed number of points at fixed shares of its length, as a machine's shot recorder samples
finely where it matters.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from lineside.apps.demo.physics.cell import ShotBlock
from lineside.apps.demo.physics.chance import Stream, normals
from lineside.apps.demo.physics.channels import Channel, Timeline
from lineside.apps.demo.physics.instruments import errors_of
from lineside.domain.readings import Float64, Int64

_SLOW: Final = (np.arange(20) + 0.5) / 20
_FILL: Final = (np.arange(24) + 0.5) / 24
_INTENSIFY: Final = ((np.arange(16) + 0.5) / 16) ** 2
_SOLIDIFY: Final = ((np.arange(12) + 0.5) / 12) ** 2
_PASCAL: Final = 1e-5


def trace_channels(block: ShotBlock, phases: Timeline) -> Iterator[Channel]:
    """Yield the three traces of every shot."""
    zero = np.zeros_like(phases.fill)
    times = [
        _spread(zero, phases.fill, _SLOW),
        _spread(phases.fill, phases.intensify, _FILL),
        _spread(phases.intensify, phases.solidify, _INTENSIFY),
        _spread(phases.solidify, phases.open, _SOLIDIFY),
    ]
    start = block.schedule.start[:, None]
    noise = normals(block.seed, Stream.TRACES, int(block.schedule.shot[0]), len(block), 156)
    velocity = _velocity(block) * (1 + 0.012 * noise[:, :54]) + 0.003 * noise[:, :54]
    error = errors_of(block)
    pressure = _pressure(block, times) * (1 + 0.008 * noise[:, 54:126]) + 0.4 * noise[:, 54:126]
    pressure = pressure * error.pressure[:, None]
    vacuum = _vacuum(block) * error.vacuum[:, None] + error.vapour[:, None]
    vacuum = vacuum * (1 + 0.01 * noise[:, 126:146])
    yield Channel("plunger_velocity", start + np.hstack((times[0], times[1], times[2][:, :10])), np.round(velocity, 4))
    yield Channel("metal_pressure", start + np.hstack(times), np.round(pressure, 1))
    yield Channel("vacuum_pressure", start + times[0] + 1_000_000, np.round(vacuum, 1))


def _spread(begin: Int64, end: Int64, share: Float64) -> Int64:
    return begin[:, None] + np.rint(share * (end - begin)[:, None] / 1000).astype(np.int64) * 1000


def _velocity(block: ShotBlock) -> Float64:
    """Return plunger velocity (m/s): ramp and plateau, fast shot, and the stop when the cavity is full."""
    slow, fast = block.injection.slow_velocity[:, None], block.injection.fast_velocity[:, None]
    return np.hstack(
        (
            slow * np.minimum(_SLOW / 0.25, 1.0),
            slow + (fast - slow) * np.minimum(_FILL / 0.2, 1.0),
            0.25 * slow * np.exp(-_INTENSIFY[:10] / 0.02),
        )
    )


def _pressure(block: ShotBlock, times: list[Int64]) -> Float64:
    """Return metal pressure (bar): gate resistance while filling, build-up, and decay as the gate freezes."""
    injection = block.injection
    die = block.config.die
    filling = 0.5 * block.config.alloy.density_liquid * (injection.gate_velocity / die.gate_discharge) ** 2 * _PASCAL
    final = injection.intensification[:, None]
    rise = -np.expm1(-(times[2] - times[2][:, :1]) / 60e6)
    freeze = 3.2e9 * 370.0 / (560.0 - block.thermal.fixed[:, None])
    gone = (times[3] - times[3][:, :1]) / freeze
    return np.hstack(
        (
            np.broadcast_to(4.0 + 8.0 * _SLOW, (len(block), len(_SLOW))),
            filling[:, None] * np.minimum(_FILL / 0.2, 1.0),
            filling[:, None] + (final - filling[:, None]) * rise,
            final * np.exp(-(gone**1.5)),
        )
    )


def _vacuum(block: ShotBlock) -> Float64:
    """Return cavity pressure (mbar) while the pump draws it down during the slow shot."""
    last = block.injection.vacuum[:, None]
    return np.asarray(last + (1000.0 - last) * np.exp(-_SLOW / 0.12))
