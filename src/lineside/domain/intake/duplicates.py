"""Which readings came before: the same signal and source time, with the same value or with another.

Memory is bounded by two generations of at most `GENERATION` readings each: when the younger is full it becomes
the elder, and the elder is forgotten. A reading that comes again later than that is taken for a new one.

Most readings are newer than everything their signal said before, and so known to be new: a generation only notes
them, one behind the other. When one comes that is not, it is looked up in a hash table of their places with open
addressing (Knuth, The Art of Computer Programming 3, 6.4, algorithm L), into which all that were noted since the last
time are put first: no object per reading, and the same cost whatever the number of signals.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from lineside.domain.readings import Float64, Int32, Int64

GENERATION: Final = 65_536
"""Readings that are remembered for certain."""

NEW: Final = 0
REPEATED: Final = 1
CONFLICTING: Final = 2

_NEVER: Final = np.iinfo(np.int64).min
_TEXT_BYTES: Final = 6


def text_key(text: str) -> float:
    """Return the number by which a text is compared: 48 bits of its digest, exact as a float."""
    return float(int.from_bytes(hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=_TEXT_BYTES).digest()))


@dataclass(slots=True)
class _Generation:
    """Readings in the order in which they came, of which the first ``indexed`` are in the hash table ``places``.

    A place is a row's number and one more, 0 is empty; there are a power of two of them, at least twice the readings.
    """

    signal: Int32
    time: Int64
    value: Float64
    places: Int32
    count: int = 0
    indexed: int = 0

    @classmethod
    def of(cls, most: int) -> _Generation:
        places = np.zeros(1 << (2 * most - 1).bit_length(), dtype=np.int32)
        return cls(np.empty(most, dtype=np.int32), np.empty(most, dtype=np.int64), np.empty(most), places)

    def clear(self) -> None:
        if self.indexed:
            self.places[:] = 0
        self.count = self.indexed = 0


class Duplicates:
    """Remembers the readings of ``signals`` signals, by their code; texts are compared by `text_key`."""

    def __init__(self, signals: int, generation: int = GENERATION) -> None:
        self._newest = np.full(signals, _NEVER, dtype=np.int64)
        self._generation = generation
        self._young, self._old = _Generation.of(generation), _Generation.of(generation)

    def newest(self, signals: Iterable[int]) -> int | None:
        """Return the newest time of some signals, by their code; None where none of them is known."""
        codes = np.fromiter(signals, dtype=np.int64)
        found = int(self._newest[codes].max()) if len(codes) else _NEVER
        return None if found == _NEVER else found

    def classify(self, signal: int, time: int, value: float) -> int:
        """Return whether a reading is `NEW`, `REPEATED` or `CONFLICTING`, and remember it if it is new."""
        columns = np.array([signal], dtype=np.int32), np.array([time], dtype=np.int64), np.array([value])
        return int(self.classify_columns(*columns)[0])

    def classify_columns(self, signal: Int32, time: Int64, value: Float64) -> NDArray[np.int8]:
        """Return the same for columns of readings, in order."""
        kinds = np.zeros(len(signal), dtype=np.int8)
        row = 0
        while row < len(signal):
            young, old = self._young, self._old
            row, young.count, young.indexed, old.indexed = _classify(
                signal,
                time,
                value,
                row,
                self._newest,
                young.signal,
                young.time,
                young.value,
                young.places,
                young.count,
                young.indexed,
                old.signal,
                old.time,
                old.value,
                old.places,
                old.count,
                old.indexed,
                kinds,
            )
            if young.count >= self._generation:
                old.clear()
                self._young, self._old = old, young
        return kinds


@numba.njit(cache=True, nogil=True, inline="always")
def _home(signal, time, mask):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the slot at which the search for a reading begins (multiplicative hashing, ibid., 6.4)."""
    key = np.uint64(time) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(signal) * np.uint64(0xBF58476D1CE4E5B9)
    key ^= key >> np.uint64(29)
    return np.int64((key * np.uint64(0x94D049BB133111EB)) >> np.uint64(32)) & mask


@numba.njit(cache=True, nogil=True, inline="always")
def _find(signal, time, signals, times, places):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the slot of ``places`` that has a reading's row, or the empty one where it would be put."""
    mask = len(places) - 1
    slot = _home(signal, time, mask)
    while places[slot] > 0 and (signals[places[slot] - 1] != signal or times[places[slot] - 1] != time):
        slot = (slot + 1) & mask
    return slot


@numba.njit(cache=True, nogil=True)
def _index(signals: Int32, times: Int64, places: Int32, first: int, count: int) -> None:
    """Put the rows from ``first`` to ``count`` into the hash table."""
    for row in range(first, count):
        places[_find(signals[row], times[row], signals, times, places)] = row + 1


@numba.njit(cache=True, nogil=True)
def _classify(  # type: ignore[no-untyped-def]  # noqa: ANN202, PLR0913, PLR0917 - numba takes columns one by one
    signal: Int32,
    time: Int64,
    value: Float64,
    start: int,
    newest: Int64,
    young_signal: Int32,
    young_time: Int64,
    young_value: Float64,
    young_places: Int32,
    young_count: int,
    young_indexed: int,
    old_signal: Int32,
    old_time: Int64,
    old_value: Float64,
    old_places: Int32,
    old_count: int,
    old_indexed: int,
    kinds: NDArray[np.int8],
):
    """Classify rows from ``start`` on until the younger generation is full.

    Returns the next row, the count of the younger generation, and how much of each is in its hash table.
    """
    for row in range(start, len(signal)):
        code, moment, number = signal[row], time[row], value[row]
        if moment > newest[code]:
            newest[code] = moment
        else:
            _index(young_signal, young_time, young_places, young_indexed, young_count)
            _index(old_signal, old_time, old_places, old_indexed, old_count)
            young_indexed, old_indexed = young_count, old_count
            known, found = 0.0, False
            here = young_places[_find(code, moment, young_signal, young_time, young_places)]
            if here > 0:
                known, found = young_value[here - 1], True
            else:
                here = old_places[_find(code, moment, old_signal, old_time, old_places)]
                if here > 0:
                    known, found = old_value[here - 1], True
            if found:
                same = known == number or (np.isnan(known) and np.isnan(number))
                kinds[row] = REPEATED if same else CONFLICTING
                continue
        young_signal[young_count] = code
        young_time[young_count] = moment
        young_value[young_count] = number
        young_count += 1
        if young_count >= len(young_signal):
            return row + 1, young_count, young_indexed, old_indexed
    return len(signal), young_count, young_indexed, old_indexed
