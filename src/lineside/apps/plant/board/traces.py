"""The curves of one part's signals over its cycle, against those of earlier parts.

What is usual is the band between the 10th and the 90th percentile of the earlier cycles, at equal times since
their start. Pure: whoever has the readings (the history) hands them in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from lineside.apps.plant.floor.labels import signal_label
from lineside.domain.features.recipe import signals_of
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import Plan, Role, SignalType
from lineside.domain.readings import SEVERITY, Float64, Int64, ReadingBatch

POINTS: Final = 120
"""Points of a curve."""
_LEAST_CYCLES: Final = 5
_SHOWN: Final = frozenset({Role.PROCESS, Role.ENVIRONMENT})
_BAND: Final = (10.0, 90.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """One signal over the cycle: values at ``seconds`` since its start, and the usual band where it is known."""

    signal: str
    label: str
    unit: str
    seconds: tuple[float, ...]
    values: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


def build_traces(
    plan: Plan, part: PartRecord, readings: ReadingBatch, earlier: Sequence[tuple[PartRecord, ReadingBatch]] = ()
) -> tuple[Trace, ...]:
    """Return the traces of a part's number signals that have two readings or more in its cycle.

    Args:
        plan: the control plan in force.
        part: the part.
        readings: readings from its cycle, others may be among them.
        earlier: unsuspected parts of the same station with the readings of their cycles.
    """
    grid = np.linspace(0.0, max((part.ended - part.started) / 1e9, 1e-9), POINTS)
    traces = []
    for signal in signals_of(plan, part.station):
        if signal.type is SignalType.TEXT or signal.role not in _SHOWN:
            continue
        curve = _curve(signal.id, part, readings, grid)
        if curve is None:
            continue
        low, high = _band([_curve(signal.id, other, batch, grid) for other, batch in earlier])
        traces.append(
            Trace(
                signal=signal.id,
                label=signal_label(plan, signal.id),
                unit=signal.unit,
                seconds=tuple(grid.tolist()),
                values=tuple(curve.tolist()),
                low=low,
                high=high,
            )
        )
    return tuple(traces)


def _curve(signal: str, part: PartRecord, readings: ReadingBatch, grid: Float64) -> Float64 | None:
    """Return the good readings of a signal within the part's cycle, laid onto the grid; None where too few."""
    codes = readings.catalogue.codes()
    if signal not in codes:
        return None
    time: Int64 = readings.source_time
    good = (readings.status & np.uint32(SEVERITY)) == 0
    rows = np.flatnonzero(
        (readings.signal == codes[signal])
        & (time >= part.started)
        & (time <= part.ended)
        & good
        & np.isfinite(readings.value)
    )
    if len(rows) < 2:
        return None
    rows = rows[np.argsort(time[rows], kind="stable")]
    return np.interp(grid, (time[rows] - part.started) / 1e9, readings.value[rows])


def _band(curves: Sequence[Float64 | None]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    known = [curve for curve in curves if curve is not None]
    if len(known) < _LEAST_CYCLES:
        return (), ()
    low, high = np.percentile(np.vstack(known), _BAND, axis=0)
    return tuple(low.tolist()), tuple(high.tolist())
