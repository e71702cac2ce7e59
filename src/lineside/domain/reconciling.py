"""Do both ends hold the same? Counts and an order-free digest of each stretch of a writer's sequence.

A stretch is `STRETCH` sequences. Of each, both ends know how many records with readings there were, for how many
readings they stand (kept, reduced with a receipt, or quarantined whole), and the exclusive or of their keys' hashes.
The digest does not depend on the order in which records arrive or rows are read, and one end can keep it up to date
record by record; it finds what is missing or foreign. What is there twice cancels itself out in it, and shows in the
number of readings.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

STRETCH: Final = 1_024
"""Sequences in a stretch."""
_MASK: Final = (1 << 64) - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """What one end holds of a stretch; ``keys`` is the exclusive or of `key_hashes`."""

    number: int
    records: int
    readings: int
    keys: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A stretch of which the two ends hold different things."""

    number: int
    gateway: Stretch
    plant: Stretch

    @property
    def words(self) -> str:
        """The difference in a sentence."""
        first, last = self.number * STRETCH, (self.number + 1) * STRETCH - 1
        parts = [f"records {max(first, 1)} to {last}"]
        if self.gateway.readings != self.plant.readings:
            parts.append(
                f"the gateway accepted {self.gateway.readings} readings, the plant holds {self.plant.readings}"
            )
        elif self.gateway.records != self.plant.records:
            parts.append(f"{self.gateway.records} records at the gateway, {self.plant.records} at the plant")
        else:
            parts.append("as many at both ends, but not the same ones")
        return ": ".join(parts)


def key_hashes(epoch: str, sequences: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return 64 bits for each key (epoch, sequence), mixed as in SplitMix64 (Steele, Lea, Flood 2014)."""
    seed = np.uint64(zlib.crc32(epoch.encode()) << 32)
    mixed = (sequences.astype(np.uint64) + seed) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    hashes: NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
    return hashes


def key_hash(epoch: str, sequence: int) -> int:
    """Return what `key_hashes` says of one key: few are quicker hashed one by one."""
    mixed = (sequence + (zlib.crc32(epoch.encode()) << 32)) * 0x9E3779B97F4A7C15 & _MASK
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _MASK
    return mixed ^ mixed >> 31


def stretches_of(epoch: str, readings: Mapping[int, int]) -> dict[int, Stretch]:
    """Return the stretches, by number, of records given as sequence and the readings that each stands for."""
    if not readings:
        return {}
    sequences = np.fromiter(readings, dtype=np.int64)
    counts = np.fromiter(readings.values(), dtype=np.int64)
    order = np.argsort(sequences)
    sequences, counts = sequences[order], counts[order]
    hashes, numbers = key_hashes(epoch, sequences), sequences // STRETCH
    starts = np.flatnonzero(np.r_[True, numbers[1:] != numbers[:-1]])
    ends = [*starts[1:].tolist(), len(numbers)]
    return {
        int(numbers[start]): Stretch(
            number=int(numbers[start]),
            records=end - start,
            readings=int(counts[start:end].sum()),
            keys=int(np.bitwise_xor.reduce(hashes[start:end])),
        )
        for start, end in zip(starts.tolist(), ends, strict=True)
    }


def compare(gateway: Iterable[Stretch], plant: Mapping[int, Stretch]) -> tuple[Difference, ...]:
    """Return the stretches of which the two ends hold different things, ascending."""
    claimed = {item.number: item for item in gateway}
    pairs = [
        (claimed.get(number, _empty(number)), plant.get(number, _empty(number)))
        for number in sorted(claimed.keys() | plant.keys())
    ]
    return tuple(Difference(number=here.number, gateway=here, plant=there) for here, there in pairs if here != there)


def _empty(number: int) -> Stretch:
    return Stretch(number=number, records=0, readings=0, keys=0)
