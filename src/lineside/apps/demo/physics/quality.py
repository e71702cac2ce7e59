"""What becomes of the part: pores from gas, hydrogen and shrinkage, cold shuts, short shots, and its mass.

Defects follow from the physics of the shot, never from what a sensor read. Pore volume scatters around its
expectation, as pores do, and a part whose pores exceed the limit of the X-ray standard does not conform.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lineside.apps.demo.physics.chance import Stream, normals, uniforms
from lineside.apps.demo.physics.climate import Climate
from lineside.apps.demo.physics.constants import ATMOSPHERE, ZERO_CELSIUS, CellConfig
from lineside.apps.demo.physics.injection import Injection
from lineside.apps.demo.physics.schedule import Schedule
from lineside.apps.demo.physics.thermal import Thermal
from lineside.domain.readings import Float64

PORE_LIMIT = 1.0
"""Pore volume in the reference zone above which a part does not conform (%)."""
_SCATTER = 0.38
"""Standard deviation of the logarithm of pore volume about its expectation."""
_USUAL_VAPOUR = 11.5
"""Vapour pressure at which the melt keeps the hydrogen of its lot (mbar)."""
_INCLUSIONS = 0.003
"""Share of parts with an oxide skin in the reference zone, which no sensor of the cell can know of."""
_FREEZING = 560.0
"""Effective freezing temperature for solidification times (degC)."""
_GATE_TO_SPOT = 1.20
"""Solidification time of the gate over that of the hot spot, by their moduli, at equal die temperatures."""
_FED = 0.17
"""Liquid left in the hot spot, when the gate freezes, up to which the pressure still feeds it."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Quality:
    """Columns, one row per shot: the truth.

    ``gas`` and ``shrinkage`` are expected pore volumes (%), ``pores`` the volume that the part has. ``hydrogen`` is
    in ml/100 g, ``mass`` in kg. The three flags say that the part does not conform; ``*_risk`` are the
    probabilities that they were drawn with.
    """

    hydrogen: Float64
    gas: Float64
    shrinkage: Float64
    pores: Float64
    mass: Float64
    porosity_risk: Float64
    cold_shut_risk: Float64
    short_shot_risk: Float64
    porosity: np.ndarray[tuple[int], np.dtype[np.bool_]]
    cold_shut: np.ndarray[tuple[int], np.dtype[np.bool_]]
    short_shot: np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Shot:
    """What quality depends on: schedule, climate, thermal course and injection of the same shots."""

    schedule: Schedule
    climate: Climate
    thermal: Thermal
    injection: Injection
    alloy_fault: Float64


def judge_truth(config: CellConfig, seed: int, shot: Shot) -> Quality:
    """Return the truth about each part."""
    first, count = int(shot.schedule.shot[0]), len(shot.schedule.shot)
    scatter = normals(seed, Stream.QUALITY, first, count, 4)
    drawn = uniforms(seed + 1, Stream.QUALITY, first, count, 4)
    hydrogen = melt_hydrogen(shot)
    gas = air_pores(config, shot) + hydrogen_pores(config, shot, hydrogen)
    shrinkage = shrinkage_pores(config, shot)
    pores = (gas + shrinkage) * np.exp(_SCATTER * scatter[:, 0])
    cold, short = cold_shut_risk(shot), short_shot_risk(config, shot)
    is_short = drawn[:, 1] < short
    return Quality(
        hydrogen=hydrogen,
        gas=gas,
        shrinkage=shrinkage,
        pores=pores,
        mass=_mass(config, shot, pores, np.where(is_short, 0.03 + 0.1 * drawn[:, 2], 0.0)) + 0.002 * scatter[:, 1],
        porosity_risk=1.0 - (1.0 - _INCLUSIONS) * (1.0 - _above(PORE_LIMIT, gas + shrinkage)),
        cold_shut_risk=cold,
        short_shot_risk=short,
        porosity=(pores > PORE_LIMIT) | (drawn[:, 3] < _INCLUSIONS),
        cold_shut=drawn[:, 0] < cold,
        short_shot=is_short,
    )


def melt_hydrogen(shot: Shot) -> Float64:
    """Return the hydrogen of the melt (ml/100 g): that of the lot, drawn towards equilibrium with humid air.

    Solubility goes with the square root of the partial pressure (Sieverts) and with temperature as Ransley and
    Neufeld (1948) found for aluminium.
    """
    equilibrium = hydrogen_solubility(shot.thermal.bath) / hydrogen_solubility(np.float64(690.0))
    equilibrium = equilibrium * np.sqrt(shot.climate.vapour / _USUAL_VAPOUR)
    lot = shot.schedule.lot_hydrogen * (1 + 2.1 * shot.alloy_fault)
    return np.asarray(lot * (0.75 + 0.25 * equilibrium))


def hydrogen_solubility(temperature: Float64 | np.float64) -> Float64:
    """Return the solubility of hydrogen in liquid aluminium at one atmosphere (ml/100 g); ``temperature`` in degC."""
    return np.asarray(10.0 ** (2.796 - 2760.0 / (temperature + ZERO_CELSIUS)))


def air_pores(config: CellConfig, shot: Shot) -> Float64:
    """Return the pore volume (%) of trapped air, compressed by the intensification (ideal gas).

    A share of what the vacuum leaves in the cavity is mixed into the metal, more when the slow shot is off
    its critical velocity.
    """
    injection = shot.injection
    off = (injection.slow_velocity - injection.critical_velocity) / injection.critical_velocity
    trapped = 0.30 * (1 + 5.0 * off**2) * injection.vacuum / 1e3
    heated = (_FREEZING + ZERO_CELSIUS) / 500.0
    return np.asarray(100.0 * trapped / (0.03 * injection.intensification) * heated * config.die.cavity_volume / 760e-6)


def hydrogen_pores(config: CellConfig, shot: Shot, hydrogen: Float64) -> Float64:
    """Return the pore volume (%) of hydrogen that comes out of solution at the end of solidification."""
    released = np.maximum(hydrogen - config.alloy.dissolved_solid, 0.0)
    volume = 100.0 / config.alloy.density_solid * 1e3
    pressure = 0.003 * shot.injection.intensification * 1e3 / ATMOSPHERE
    return np.asarray(100.0 * released / volume / pressure * (_FREEZING + ZERO_CELSIUS) / ZERO_CELSIUS)


def shrinkage_pores(config: CellConfig, shot: Shot) -> Float64:
    """Return the pore volume (%) of shrinkage in the hot spot that is no longer fed.

    Solidification time by Chvorinov's rule with a die of finite temperature: inversely as the difference between
    freezing and die temperature. What is liquid in the hot spot when the gate has frozen shrinks unfed, but for
    what the intensification still presses through the mush. Iron needles hinder feeding.
    """
    spot = _FREEZING - shot.thermal.moving - config.die.hot_spot
    gate = _FREEZING - shot.thermal.fixed
    liquid = 1.0 - _GATE_TO_SPOT * spot / gate
    fed = _FED * np.sqrt(shot.injection.intensification / config.machine.intensification)
    fed = fed * (1.0 - 0.25 * np.maximum(shot.schedule.iron + 0.35 * shot.alloy_fault - 0.9, 0.0))
    unfed = 0.012 * np.logaddexp(0.0, (liquid - fed) / 0.012)
    return np.asarray(100.0 * config.alloy.shrinkage * 5.0 * unfed)


def cold_shut_risk(shot: Shot) -> Float64:
    """Return the probability of a cold shut: it rises as the fill takes as long as the metal stays fluid."""
    ratio = shot.injection.fill_time / shot.injection.fill_limit
    stiff = 1.0 + 0.10 * shot.alloy_fault
    return _logistic(20.0 * np.log(ratio * stiff / 1.15))


def short_shot_risk(config: CellConfig, shot: Shot) -> Float64:
    """Return the probability of a short shot: too little metal (thin biscuit), or frozen long before it is full."""
    ratio = shot.injection.fill_time / shot.injection.fill_limit
    lacking = _logistic(config.die.biscuit_slope * (config.die.least_biscuit - shot.injection.biscuit))
    return np.asarray(1.0 - (1.0 - lacking) * (1.0 - _logistic(22.0 * np.log(ratio / 1.55))))


def _mass(config: CellConfig, shot: Shot, pores: Float64, lacking: Float64) -> Float64:
    volume = np.asarray(config.die.casting_volume)[shot.schedule.variant] * (1.0 - lacking)
    pressed = 1.0 + 6e-6 * (shot.injection.intensification - config.machine.intensification)
    return np.asarray(volume * config.alloy.density_solid * pressed * (1.0 - 0.004 * pores))


def _above(limit: float, expected: Float64) -> Float64:
    """Return the probability that a lognormal about ``expected`` exceeds a limit (logistic approximation)."""
    return _logistic(1.702 * np.log(expected / limit) / _SCATTER)


def _logistic(x: Float64) -> Float64:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))
