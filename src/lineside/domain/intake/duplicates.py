"""Which readings came before: the same signal and source time, with the same value or with another.

Memory is bounded by two generations of at most `GENERATION` readings each: when the younger is full it becomes
the elder, and the elder is forgotten. A reading that comes again later than that is taken for a new one. Most
readings are newer than everything their signal said before, and are known to be new without a look into it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.readings import Int32, Int64

GENERATION: Final = 65_536
"""Readings that are remembered for certain."""

NEW: Final = 0
REPEATED: Final = 1
CONFLICTING: Final = 2

_NEVER: Final = np.iinfo(np.int64).min


class Duplicates:
    """Remembers the readings of ``signals`` signals, by their code; values are numbers, or the texts themselves."""

    def __init__(self, signals: int, generation: int = GENERATION) -> None:
        self._newest = [int(_NEVER)] * signals
        self._generation = generation
        self._young: dict[tuple[int, int], float | str] = {}
        self._old: dict[tuple[int, int], float | str] = {}

    def newest(self, signals: Iterable[int]) -> int | None:
        """Return the newest time of some signals, by their code; None where none of them is known."""
        found = max((self._newest[code] for code in signals), default=_NEVER)
        return None if found == _NEVER else int(found)

    def classify(self, signal: int, time: int, value: float | str) -> int:
        """Return whether a reading is `NEW`, `REPEATED` or `CONFLICTING`, and remember it if it is new."""
        key = (signal, time)
        if time > self._newest[signal]:
            self._newest[signal] = time
        else:
            known = self._young.get(key, self._old.get(key))
            if known is not None:
                return REPEATED if _same(known, value) else CONFLICTING
        self._young[key] = value
        if len(self._young) >= self._generation:
            self._turn()
        return NEW

    def classify_columns(self, signal: Int32, time: Int64, value: Sequence[float | str]) -> NDArray[np.int8]:
        """Return the same for columns of readings, in order."""
        if len(signal) == 0 or not self._all_newer(signal, time):
            rows = zip(signal.tolist(), time.tolist(), value, strict=True)
            return np.fromiter((self.classify(*row) for row in rows), dtype=np.int8, count=len(signal))
        tail = slice(max(0, len(signal) - self._generation), None)
        keys = zip(signal[tail].tolist(), time[tail].tolist(), strict=True)
        self._young.update(zip(keys, value[tail], strict=True))
        if len(self._young) >= self._generation:
            self._turn()
        return np.zeros(len(signal), dtype=np.int8)

    def _all_newer(self, signal: Int32, time: Int64) -> bool:
        """Say whether times rise strictly within each signal, from the newest known; if so they are the newest."""
        order = np.argsort(signal, kind="stable")
        signals, times = signal[order], time[order]
        same = signals[1:] == signals[:-1]
        if np.any(same & (times[1:] <= times[:-1])):
            return False
        firsts = np.flatnonzero(np.concatenate(([True], ~same)))
        lasts = np.concatenate((firsts[1:], [len(signals)])) - 1
        codes = signals[firsts].tolist()
        if any(first <= self._newest[code] for code, first in zip(codes, times[firsts].tolist(), strict=True)):
            return False
        for code, last in zip(codes, times[lasts].tolist(), strict=True):
            self._newest[code] = last
        return True

    def _turn(self) -> None:
        self._old, self._young = self._young, {}


def _same(known: float | str, value: float | str) -> bool:
    return known == value or (known != known and value != value)  # noqa: PLR0124 - NaN is the value of a bad reading
