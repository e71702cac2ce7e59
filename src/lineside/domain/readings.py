"""Readings, in columns: one value of one signal, with source time, receive time and quality.

A batch is a struct of arrays, never a list of objects: an object per reading costs more than all the
arithmetic that follows. Columns of one batch have one length ``n``:

=============== ========= ====================================================================
``signal``      int32     index into the catalogue's signal ids
``source_time`` int64     UTC nanoseconds, as the source says it
``receive_time``int64     UTC nanoseconds, when the gateway had it in hand
``value``       float64   the number; for a text signal the index into ``texts``
``status``      uint32    OPC UA StatusCode (Part 4, 7.39): the top two bits are the severity
=============== ========= ====================================================================
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.remembering import once_each

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
UInt32 = NDArray[np.uint32]
Float64 = NDArray[np.float64]

GOOD: Final = 0x0000_0000
UNCERTAIN: Final = 0x4000_0000
BAD: Final = 0x8000_0000
SEVERITY: Final = 0xC000_0000
"""Mask of the severity bits of a status."""
BAD_SENSOR_FAILURE: Final = 0x808C_0000
BAD_NO_COMMUNICATION: Final = 0x8031_0000
UNCERTAIN_EU_EXCEEDED: Final = 0x4094_0000
"""Uncertain_EngineeringUnitsExceeded: the value lies outside the plausible range of the plan."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The signal ids that the codes of a batch stand for, in the order of the plan; ``texts`` are those of text."""

    signals: tuple[str, ...]
    texts: frozenset[str] = frozenset()
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Name the catalogue by its content, so that two equal ones are one."""
        lines = "\n".join(f"{name}:text" if name in self.texts else name for name in self.signals)
        object.__setattr__(self, "digest", hashlib.sha256(lines.encode()).hexdigest()[:16])

    def codes(self) -> dict[str, int]:
        """Return the code of each signal id."""
        return {name: code for code, name in enumerate(self.signals)}

    def nothing(self) -> ReadingBatch:
        """Return a batch of no readings."""
        return make_batch(self, [], [], [])

    @once_each()
    def text_mask(self) -> NDArray[np.bool_]:
        """Return for each code whether its values are texts; not to be written to."""
        mask = np.fromiter((name in self.texts for name in self.signals), dtype=np.bool_, count=len(self.signals))
        mask.flags.writeable = False
        return mask


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ReadingBatch:
    """Readings of one line in columns, in the order in which they were accepted."""

    catalogue: Catalogue
    signal: Int32
    source_time: Int64
    receive_time: Int64
    value: Float64
    status: UInt32
    texts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse columns of unequal length."""
        rows = len(self.signal)
        if not rows == len(self.source_time) == len(self.receive_time) == len(self.value) == len(self.status):
            lengths = {rows, len(self.source_time), len(self.receive_time), len(self.value), len(self.status)}
            raise ValueError(f"columns of unequal length: {sorted(lengths)}")

    def __len__(self) -> int:
        """Return the number of readings."""
        return len(self.signal)

    def usable(self) -> NDArray[np.bool_]:
        """Return which readings are numbers of a status that is not bad; texts are none."""
        textual = self.catalogue.text_mask()[self.signal]
        usable: NDArray[np.bool_] = ~textual & ~np.isnan(self.value) & ((self.status & SEVERITY) != BAD)
        return usable

    def take(self, rows: Int64 | NDArray[np.bool_] | slice) -> ReadingBatch:
        """Return the rows chosen by an index, a mask or a slice."""
        return ReadingBatch(
            catalogue=self.catalogue,
            signal=self.signal[rows],
            source_time=self.source_time[rows],
            receive_time=self.receive_time[rows],
            value=self.value[rows],
            status=self.status[rows],
            texts=self.texts,
        )


def make_batch(
    catalogue: Catalogue,
    signal: Sequence[int] | Int32,
    source_time: Sequence[int] | Int64,
    value: Sequence[float] | Float64,
    *,
    receive_time: Sequence[int] | Int64 | int | None = None,
    status: Sequence[int] | UInt32 | int = GOOD,
    texts: tuple[str, ...] = (),
) -> ReadingBatch:
    """Build a batch from plain sequences; a single receive time or status holds for every reading.

    Without a receive time, readings count as received at their source time.
    """
    times = np.asarray(source_time, dtype=np.int64)
    size = len(times)
    received = times if receive_time is None else np.asarray(receive_time, dtype=np.int64)
    return ReadingBatch(
        catalogue=catalogue,
        signal=np.asarray(signal, dtype=np.int32),
        source_time=times,
        receive_time=np.broadcast_to(received, (size,)).copy() if received.ndim == 0 else received,
        value=np.asarray(value, dtype=np.float64),
        status=np.full(size, status, dtype=np.uint32)
        if isinstance(status, int)
        else np.asarray(status, dtype=np.uint32),
        texts=texts,
    )


def concatenate(batches: Iterable[ReadingBatch]) -> ReadingBatch:
    """Return one batch of all given, in order; they must share a catalogue, and there must be one at least."""
    parts = list(batches)
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    if any(part.catalogue.digest != first.catalogue.digest for part in parts):
        raise ValueError("batches of different catalogues cannot be joined")
    texts: dict[str, int] = {}
    values = [_recoded(part, texts) for part in parts]
    return ReadingBatch(
        catalogue=first.catalogue,
        signal=np.concatenate([part.signal for part in parts]),
        source_time=np.concatenate([part.source_time for part in parts]),
        receive_time=np.concatenate([part.receive_time for part in parts]),
        value=np.concatenate(values),
        status=np.concatenate([part.status for part in parts]),
        texts=tuple(texts),
    )


def _recoded(part: ReadingBatch, texts: dict[str, int]) -> Float64:
    """Return the values of a batch with its texts numbered by the shared table, which grows as needed."""
    if not part.texts:
        return part.value
    numbers = np.array([texts.setdefault(text, len(texts)) for text in part.texts], dtype=np.float64)
    value = part.value.copy()
    rows = np.flatnonzero(part.catalogue.text_mask()[part.signal] & ~np.isnan(value))
    value[rows] = numbers[value[rows].astype(np.int64)]
    return value
