"""The hall's climate by day and season, and what it does to the cooling tower."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lineside.apps.demo.physics.chance import Stream, wander
from lineside.apps.demo.physics.constants import Weather
from lineside.domain.readings import Float64, Int64
from lineside.domain.units import DAY, HOUR, MINUTE

_YEAR = 365.2425 * DAY
_USUAL = Weather()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Climate:
    """Columns: hall temperature (degC), relative humidity (%), vapour pressure (mbar), tower water (degC)."""

    hall: Float64
    humidity: Float64
    vapour: Float64
    tower: Float64


def climate_at(seed: int, times: Int64, hot: Float64, usual: Weather = _USUAL) -> Climate:
    """Return the climate at the times; ``hot`` is how much of a hot day it is (0 to 1)."""
    season = np.cos(2 * np.pi * ((times % round(_YEAR)) / _YEAR - 200 / 365))
    day = np.cos(2 * np.pi * ((times % DAY) / DAY - 15 / 24))
    weather = wander(seed, Stream.WEATHER, times, 6 * HOUR)
    hall = usual.mean + usual.season * season + usual.day * day + usual.weather * weather + 11.0 * hot
    dew = 8.0 + 6.0 * season + 1.5 * wander(seed + 1, Stream.WEATHER, times, 12 * HOUR) + 5.0 * hot
    dew = np.minimum(dew, hall - 1.0)
    vapour = saturation(dew)
    # A tower cools to a few kelvin above the wet bulb, which lies about a third of the way from hall to dew point.
    tower = hall - 0.35 * (hall - dew) + 4.0 + 0.3 * wander(seed + 2, Stream.WEATHER, times, 20 * MINUTE)
    return Climate(hall=hall, humidity=100.0 * vapour / saturation(hall), vapour=vapour, tower=tower)


def saturation(temperature: Float64) -> Float64:
    """Return the saturation pressure of water vapour (mbar) at a temperature (degC), by the Magnus formula."""
    return np.asarray(6.112 * np.exp(17.62 * temperature / (243.12 + temperature)))
