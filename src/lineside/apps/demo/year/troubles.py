"""Instruments that read wrongly for days on end, by what the trade calls it; nothing happens to the parts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np

from lineside.domain.readings import ReadingBatch

_NOISE: Final = 3.0
_OFFSET: Final = 4.0


class TroubleKind(StrEnum):
    """What is wrong with an instrument; the words are those of `lineside.domain.sensors`."""

    STUCK = "stuck"
    UNIT = "in another unit"
    NOISY = "noisy"
    OFFSET = "miscalibrated"


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """One signal's trouble through some weeks; ``spread`` is what is usual of it, in its unit."""

    signal: str
    kind: TroubleKind
    weeks: range
    spread: float


class Spoiler:
    """Makes of a day's readings what the instrument in trouble says; a stuck one stays at the day's first value."""

    def __init__(self, trouble: Trouble, seed: int) -> None:
        """Store the trouble; noise follows from the seed."""
        self._trouble = trouble
        self._chance = np.random.default_rng(seed)
        self._stuck: float | None = None

    def __call__(self, batch: ReadingBatch) -> ReadingBatch:
        """Return a batch as it is read; batches come in order."""
        places = np.flatnonzero(batch.signal == batch.catalogue.codes()[self._trouble.signal])
        if not len(places):
            return batch
        value, true = batch.value.copy(), batch.value[places]
        if self._stuck is None:
            self._stuck = float(true[0])
        match self._trouble.kind:
            case TroubleKind.STUCK:
                value[places] = self._stuck
            case TroubleKind.UNIT:
                value[places] = true * 1.8 + 32.0
            case TroubleKind.NOISY:
                value[places] = true + self._chance.normal(size=len(true)) * _NOISE * self._trouble.spread
            case TroubleKind.OFFSET:
                value[places] = true + _OFFSET * self._trouble.spread
        return replace(batch, value=value)
