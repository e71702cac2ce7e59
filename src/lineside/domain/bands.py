"""Bands of a quantity with borders that people would choose: 20, 25, 30 degC rather than 19.3, 24.7, 30.1."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from lineside.domain.readings import Float64, Int64

MOST_STATES: Final = 10
"""A quantity of whole numbers within so wide a range has states, such as off, on and at its limit, and no bands."""
_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


def round_step(width: float, about: int) -> float:
    """Return the round step that cuts a width into about so many bands (at most so many and a half)."""
    raw = width / about
    power = 10.0 ** math.floor(math.log10(raw))
    return next(step * power for step in _STEPS if step * power >= raw * (1 - 1e-9))


def band_edges(low: float, high: float, about: int) -> tuple[float, ...]:
    """Return ascending borders from ``low`` to ``high``, round between them.

    A band has its lower border, the last one both. A first or last band narrower than a third of the others is joined
    to its neighbour.
    """
    if not high > low:
        return (low, low + max(abs(low), 1.0) * 1e-9)
    step = round_step(high - low, about)
    inner = [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
    kept = [edge for edge in inner if edge - low > step / 3 and high - edge > step / 3]
    return (low, *kept, high)


def state_edges(values: Float64, low: float, high: float) -> tuple[float, ...]:
    """Return borders half-way between whole numbers from ``low`` to ``high``; none where values are not such."""
    whole = bool(np.all(values == np.round(values))) and float(low).is_integer() and float(high).is_integer()
    if not whole or high - low > MOST_STATES or not len(values):
        return ()
    return tuple(float(k) - 0.5 for k in range(int(low), int(high) + 2))


def band_of(values: Float64, edges: tuple[float, ...]) -> Int64:
    """Return the position of each value's band; -1 where it is missing or lies beyond the borders."""
    place = np.searchsorted(np.asarray(edges), values, side="right") - 1
    place[values == edges[-1]] = len(edges) - 2
    outside = ~np.isfinite(values) | (place < 0) | (place > len(edges) - 2)
    return np.where(outside, -1, place).astype(np.int64)
