"""The numbers of the cell: alloy, die, machine. Sources stand in docs/explanation/demo-cell.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from lineside.domain.units import MINUTE, SECOND

ZERO_CELSIUS: Final = 273.15
ATMOSPHERE: Final = 1013.25
"""mbar."""
GRAVITY: Final = 9.81
WATER_HEAT: Final = 4186.0
"""J/(kg K); a litre of water counts as a kilogram."""
VARIANTS: Final = ("4711-A", "4711-B")


@dataclass(frozen=True, kw_only=True, slots=True)
class Alloy:
    """AlSi9Cu3(Fe), EN AC-46000."""

    liquidus: float = 580.0
    flow_limit: float = 570.0
    """Lowest temperature at which it still flows (degC)."""
    latent_heat: float = 389e3
    heat_liquid: float = 1080.0
    heat_solid: float = 963.0
    density_liquid: float = 2500.0
    density_solid: float = 2740.0
    shrinkage: float = 0.055
    """Volume lost in solidification."""
    dissolved_solid: float = 0.10
    """Hydrogen that stays in solution in a solid that froze as quickly as this (ml/100 g)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Half:
    """One half of the die as a lumped node."""

    share: float
    """Of the heat of a shot."""
    capacity: float = 85e3
    """J/K: some 185 kg of hot-work steel that follow the shots."""
    flow: float
    """Cooling water at nominal valve position (l/min)."""
    steel_conductance: float
    """From node to the wall of the cooling channels (W/K)."""
    film_conductance: float
    """From channel wall to water at nominal flow (W/K)."""
    spray_conductance: float = 800.0
    """While the spray is on, towards boiling water (W/K)."""
    hall_conductance: float = 55.0
    """To air, platen and surroundings (W/K)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Die:
    """The die: two halves, its cavity and its gate."""

    fixed: Half = Half(share=0.42, flow=12.0, steel_conductance=110.0, film_conductance=80.0)
    moving: Half = Half(share=0.58, flow=18.0, steel_conductance=210.0, film_conductance=175.0)
    cavity_volume: float = 760e-6
    """Casting and overflows (m3)."""
    casting_volume: tuple[float, float] = (680e-6, 684e-6)
    """Of each variant (m3)."""
    runner_volume: float = 440e-6
    gate_area: float = 3.8e-4
    gate_discharge: float = 0.6
    wall: float = 3.2
    """Typical wall of the casting (mm)."""
    variant_scale: tuple[float, float] = (1.0, 1.0)
    """Overflows and walls of each variant against the first: it takes longer to fill, and may."""
    hot_spot: float = 100.0
    """How much hotter than its half the die is at the thickest place (K)."""
    least_biscuit: float = 8.0
    """Thickness of the biscuit at which half of the shots lack metal (mm): what overflows and runner take besides."""
    biscuit_slope: float = 0.9
    """How sharp that is (1/mm)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """The casting machine: sleeve, plunger and hydraulics."""

    plunger: float = 0.080
    """Diameter (m)."""
    sleeve_length: float = 0.520
    slow_stroke: float = 0.330
    slow_velocity: float = 0.48
    pressure_area_ratio: float = 3.06
    """Hydraulic piston to plunger."""
    accumulator: float = 160.0
    """bar."""
    dry_flow: float = 20.4e-3
    """Flow of metal at no resistance, at the set throttle (m3/s)."""
    intensification: float = 850.0
    """Metal pressure in the third phase (bar)."""
    clamp_force: float = 8000.0
    """kN."""
    vacuum: float = 60.0
    """mbar in the cavity at the start of the fill."""
    pour_volume: float = 1326e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class Rhythm:
    """How the days of the cell go; counts are shots."""

    cycle: int = 45 * SECOND
    break_every: int = 600
    break_length: int = 15 * MINUTE
    changeover_every: int = 2400
    changeover_length: int = 40 * MINUTE
    tip_life: int = 6000
    tool_life: int = 12000
    lot_size: int = 420
    short_stop_chance: float = 1 / 250
    warm_up: int = 8
    spray: tuple[float, float] = (3.0, 3.0)
    """Spray time of each variant (s)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Weather:
    """How the hall's temperature goes (degC, K): its mean, and the swings of the year, the day and the weather."""

    mean: float = 23.5
    season: float = 5.5
    day: float = 3.0
    weather: float = 1.8


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruments:
    """How much of the errors of `instruments` the sensors have: 0 none, 1 those of ordinary industrial ones.

    ``surroundings`` is for what follows the weather, ``mounting`` for what changes when tool or tip is changed.
    """

    surroundings: float = 0.0
    mounting: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class CellConfig:
    """Everything about the cell that does not change while it runs."""

    alloy: Alloy = field(default_factory=Alloy)
    die: Die = field(default_factory=Die)
    machine: Machine = field(default_factory=Machine)
    rhythm: Rhythm = field(default_factory=Rhythm)
    weather: Weather = field(default_factory=Weather)
    instruments: Instruments = field(default_factory=Instruments)
