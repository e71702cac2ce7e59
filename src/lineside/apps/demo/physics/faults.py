"""Fault episodes: what can go wrong in the cell, when, and how badly.

A process fault changes what happens; a sensor fault changes only what is read of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from lineside.domain.readings import Float64, Int64
from lineside.domain.units import SECOND

FOREVER = 2**62


class FaultKind(StrEnum):
    """The kinds of episode."""

    CHILLER_VALVE = "chiller_valve"
    VACUUM_LEAK = "vacuum_leak"
    PLUNGER_WEAR = "plunger_wear"
    HOT_DAY = "hot_day"
    ALLOY_LOT = "alloy_lot"
    SENSOR_STUCK = "sensor_stuck"
    SENSOR_DRIFT = "sensor_drift"


RAMP = {
    FaultKind.CHILLER_VALVE: 60 * SECOND,
    FaultKind.VACUUM_LEAK: 60 * SECOND,
    FaultKind.PLUNGER_WEAR: 900 * SECOND,
    FaultKind.HOT_DAY: 1800 * SECOND,
    FaultKind.ALLOY_LOT: 300 * SECOND,
    FaultKind.SENSOR_STUCK: SECOND,
    FaultKind.SENSOR_DRIFT: 5400 * SECOND,
}
"""How long each takes from its start to its full severity, in nanoseconds of process time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One episode in process time (UTC ns); ``severity`` 1 is the full fault.

    ``value`` is what a stuck sensor goes on reading.
    """

    kind: FaultKind
    start: int
    end: int = FOREVER
    severity: float = 1.0
    value: float = 0.0


def severity(faults: Iterable[Fault], kind: FaultKind, times: Int64) -> Float64:
    """Return how severe a kind of fault is at each time, 0 where there is none; the worst counts."""
    worst = np.zeros(len(times))
    for fault in faults:
        if fault.kind is kind:
            grown = np.clip((times - fault.start) / RAMP[kind], 0.0, 1.0)
            worst = np.maximum(worst, np.where(times < fault.end, fault.severity * grown, 0.0))
    return worst
