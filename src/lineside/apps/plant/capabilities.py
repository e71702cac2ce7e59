"""How well measured characteristics keep their specification: the newest of what was measured of a station's parts."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from lineside.adapters.history_query import HistoryQuery, quoted
from lineside.domain.outcomes import precedence_of
from lineside.domain.plan.model import Characteristic, CharacteristicKind, Plan
from lineside.domain.spc.capability import Capability, Refusal, capability

MOST: Final = 1_000
"""Newest measured parts."""
_MEASURED: Final = """
SELECT o.value FROM latest_outcomes o JOIN parts p ON p.unit = o.unit AND p.station = {station}
WHERE o.characteristic = {characteristic} ORDER BY p.ended DESC LIMIT {most}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class CapabilityView:
    """One measured characteristic: its specification, how many parts were measured, and the indices or why not."""

    characteristic: str
    unit: str
    lower: float | None
    upper: float | None
    parts: int
    found: Capability | None
    refused: Refusal | None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Answers the board's question for the capability of a station."""

    plan: Plan
    history: Path

    async def __call__(self, station: str) -> Sequence[CapabilityView]:
        """Return the measured characteristics of a station, in the plan's order."""
        wanted = [item for item in self.plan.characteristics_at(station) if item.kind is CharacteristicKind.VARIABLE]
        return await asyncio.to_thread(lambda: [self._view(item) for item in wanted])

    def _view(self, item: Characteristic) -> CapabilityView:
        values = self._values(item)
        limits = item.specification
        lower, upper = (None, None) if limits is None else (limits.lsl, limits.usl)
        found = capability(values, lower, upper)
        return CapabilityView(
            characteristic=item.id,
            unit="" if limits is None else limits.unit,
            lower=lower,
            upper=upper,
            parts=len(values),
            found=found if isinstance(found, Capability) else None,
            refused=found if isinstance(found, Refusal) else None,
        )

    def _values(self, item: Characteristic) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Return what was measured, the oldest first."""
        if not (self.history / "outcomes").is_dir():
            return np.empty(0)
        text = _MEASURED.format(station=quoted(item.station), characteristic=quoted(item.id), most=MOST)
        said = HistoryQuery(self.history, precedence_of(self.plan)).sql(text).column("value").to_pylist()
        numbers = [number for number in map(_number, reversed(said)) if math.isfinite(number)]
        return np.array(numbers, dtype=np.float64)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
