"""What was measured of the line's variables, as gateways ask for it: numbered in the order in which it came."""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterable
from typing import Final

from lineside.domain.outcomes import Outcome
from lineside.domain.plan.model import CharacteristicKind, Plan
from lineside.flows.measurements import MOST_TOLD, Asked, Measured, Told

MOST_KEPT: Final = 20_000
"""Values that are kept at most; a gateway that was away for longer has lost the older ones."""


class MeasuredBook:
    """The newest measured values, the first of each part; its count ends with the process."""

    def __init__(self, plan: Plan) -> None:
        self.variables = tuple(item.id for item in plan.characteristics if item.kind is CharacteristicKind.VARIABLE)
        self._count = secrets.token_hex(8)
        self._last = 0
        self._kept: dict[tuple[str, str], tuple[int, float]] = {}

    def take(self, outcomes: Iterable[Outcome]) -> None:
        """Take note of outcomes; those of attributes, and what is no number, are passed over."""
        for item in outcomes:
            key = (item.characteristic, item.unit)
            if item.characteristic not in self.variables or key in self._kept:
                continue
            try:
                value = float(item.value)
            except ValueError:
                continue
            if math.isfinite(value):
                self._last += 1
                self._kept[key] = (self._last, value)
        while len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]

    def tell(self, asked: Asked) -> Told:
        """Return what somebody who asks has not heard."""
        heard = asked.heard if asked.count == self._count else 0
        found = [
            (number, Measured(characteristic, unit, value))
            for (characteristic, unit), (number, value) in self._kept.items()
            if number > heard and characteristic in asked.characteristics
        ]
        some = found[:MOST_TOLD]
        more = len(found) > len(some)
        last = some[-1][0] if more else self._last
        return Told(self._count, last, tuple(item for _, item in some), more)
