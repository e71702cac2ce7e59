"""What surroundings and mounting do to readings, and not to parts: the errors of ordinary industrial sensors.

The hall's temperature reaches the machine late: its frame after hours, its oil by way of a tank with a cooler that
a thermostat switches. Moisture in seals and hoses follows the air's with play. Each is a pure function of time: it is
worked out anew from the hours before, so that it does not matter where a block of shots begins.

None of this has a form that a sum of smooth functions of the measured conditions could represent: there are products
(gain errors), lags (frame, oil), hysteresis (thermostat, moisture) and saturation (fog before the pyrometer). The
magnitudes are those of data sheets; docs/explanation/a-year-of-the-cell.md lists them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lineside.apps.demo.physics.chance import Stream, normals
from lineside.apps.demo.physics.climate import climate_at
from lineside.apps.demo.physics.faults import FaultKind, severity
from lineside.domain.readings import Float64, Int64
from lineside.domain.units import HOUR

if TYPE_CHECKING:
    from lineside.apps.demo.physics.cell import ShotBlock

_USUAL_HALL = 23.0
"""Temperature (degC) at which the instruments were calibrated."""
_USUAL_VAPOUR = 11.5
_USUAL_OIL = 43.0
_MEMORY = 36
"""Hours that are looked back: six time constants of the frame."""
_FRAME_LAG = 6.0
_TANK_LAG = 2.0
_OIL_WARMS = 1.5
"""Time constants in hours."""
_COOLER_ON, _COOLER_OFF = 46.0, 41.0
"""Oil temperatures (degC) at which the thermostat switches the cooler."""
_COOLER_TAKES = 5.0
_PLAY = 8.0
"""Half of the width (% r.h.) by which moisture in seals trails the air's."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Surroundings:
    """Columns: frame and oil temperature (degC), moisture of seals and hoses (% r.h.)."""

    frame: Float64
    oil: Float64
    moisture: Float64


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Errors:
    """Columns, one row per shot, of what instruments add or multiply.

    To add: ``fixed``, ``moving``, ``pyrometer`` (K), ``vapour`` (mbar), ``accumulator`` (bar), ``clamp`` (kN),
    ``spread`` (%), ``biscuit`` (mm). To multiply by: ``vacuum``, ``pressure``, ``lubricant``, ``spray``, ``flow``.
    """

    fixed: Float64
    moving: Float64
    pyrometer: Float64
    vapour: Float64
    accumulator: Float64
    clamp: Float64
    spread: Float64
    biscuit: Float64
    vacuum: Float64
    pressure: Float64
    lubricant: Float64
    spray: Float64
    flow: Float64


def tool_numbers(block: ShotBlock) -> Int64:
    """Return which mounting of the tool made each shot, counted from 0."""
    return np.asarray(block.schedule.shot // block.config.rhythm.tool_life)


def errors_of(block: ShotBlock) -> Errors:
    """Return the errors of a block's readings."""
    much, around = block.config.instruments.surroundings, surroundings_of(block)
    mounted = block.config.instruments.mounting * _mounting(block)
    warm = much * (block.climate.hall - _USUAL_HALL)
    frame, oil = much * (around.frame - _USUAL_HALL), much * (around.oil - _USUAL_OIL)
    fog = much / (1.0 + np.exp(-(around.moisture - 75.0) / 4.0))
    return Errors(
        fixed=0.06 * warm * block.thermal.fixed / 190.0 + 2.5 * mounted[0],
        moving=0.06 * warm * block.thermal.moving / 190.0 + 2.5 * mounted[1],
        pyrometer=0.25 * warm - 12.0 * fog + 4.0 * mounted[2],
        vapour=0.8 * much * (block.climate.vapour - _USUAL_VAPOUR) * (0.5 + around.moisture / 100.0) + 3.0 * mounted[3],
        accumulator=0.5 * oil,
        clamp=-20.0 * frame + 40.0 * mounted[4],
        spread=0.04 * np.abs(warm - frame),
        biscuit=0.02 * oil + 0.4 * mounted[5],
        vacuum=1.0 + 0.006 * warm,
        pressure=1.0 + 0.0005 * frame,
        lubricant=np.exp(0.018 * frame),
        spray=1.0 + 0.004 * warm,
        flow=1.0 + much * 0.004 * (block.thermal.water_in - 24.0),
    )


def surroundings_of(block: ShotBlock) -> Surroundings:
    """Return frame, oil and moisture at each shot: between whole hours, straight lines."""
    times = block.schedule.start
    knots = np.arange(int(times.min()) // HOUR, int(times.max()) // HOUR + 2, dtype=np.int64) * HOUR
    hall, humidity = _past(block, knots)
    equilibrium = 40.0 + 0.5 * (_lagged(hall, _TANK_LAG) - _USUAL_HALL)
    running = _at(times, knots, equilibrium - _COOLER_TAKES * _cooler(hall))
    since = np.maximum(times - block.cold, 0) / HOUR
    return Surroundings(
        frame=_at(times, knots, _lagged(hall, _FRAME_LAG)),
        oil=running - (running - block.climate.hall) * np.exp(-since / _OIL_WARMS),
        moisture=_at(times, knots, _trailing(humidity)),
    )


def _past(block: ShotBlock, knots: Int64) -> tuple[Float64, Float64]:
    """Return hall temperature and humidity at the hours up to each knot, oldest first: shape ``(hours, knots)``."""
    times = knots[None, :] - np.arange(_MEMORY, -1, -1, dtype=np.int64)[:, None] * HOUR
    hot = severity(block.faults, FaultKind.HOT_DAY, times.ravel())
    past = climate_at(block.seed, times.ravel(), hot, block.config.weather)
    return past.hall.reshape(times.shape), past.humidity.reshape(times.shape)


def _lagged(past: Float64, hours: float) -> Float64:
    """Return what follows the past with a first-order lag."""
    kept = np.exp(-1.0 / hours)
    state = past[0]
    for now in past[1:]:
        state = kept * state + (1.0 - kept) * now
    return np.asarray(state)


def _cooler(past: Float64) -> Float64:
    """Return whether the oil's cooler is on (1) or off (0): a relay with two thresholds."""
    on = np.zeros(past.shape[1])
    for hour in range(1, len(past)):
        warm = 44.0 + 0.6 * (past[hour] - _USUAL_HALL)
        on = np.where(warm > _COOLER_ON, 1.0, np.where(warm < _COOLER_OFF, 0.0, on))
    return on


def _trailing(past: Float64) -> Float64:
    """Return what follows the past with play (Krasnosel'skii and Pokrovskii, Systems with Hysteresis, 1989)."""
    state = past[0]
    for now in past[1:]:
        state = np.clip(state, now - _PLAY, now + _PLAY)
    return np.asarray(state)


def _mounting(block: ShotBlock) -> Float64:
    """Return standard normal numbers, one row per instrument: five drawn with each tool, the sixth with each tip."""
    tool = tool_numbers(block)
    tip = block.schedule.shot // block.config.rhythm.tip_life
    by_tool = normals(block.seed, Stream.MOUNTING, int(tool[0]), int(np.ptp(tool)) + 1, 6)[tool - tool[0]]
    by_tip = normals(block.seed + 1, Stream.MOUNTING, int(tip[0]), int(np.ptp(tip)) + 1, 6)[tip - tip[0]]
    return np.column_stack((by_tool[:, :5], by_tip[:, 5])).T


def _at(times: Int64, knots: Int64, values: Float64) -> Float64:
    return np.asarray(np.interp(times - knots[0], knots - knots[0], values))
