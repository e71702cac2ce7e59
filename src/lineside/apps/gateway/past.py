"""What a gateway that starts again reads of its own outbox, to take up what a crash cut."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from lineside.domain.alerts import AlertEvent
from lineside.domain.cycles.assembler import holds, longest_cycle
from lineside.domain.features.recipe import signals_of
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import CycleByRows, Plan
from lineside.domain.predictions import Prediction
from lineside.domain.readings import BAD, SEVERITY, Catalogue, ReadingBatch
from lineside.ports import Outbox
from lineside.wire.codecs import decode_items, decode_readings, readings_catalogue
from lineside.wire.records import Record, RecordKind

RESUMED_RECORDS: Final = 4_000
"""Records of the outbox that are read again at a start at least, to take up cycles that a crash cut."""
RESUMED_BYTES: Final = 64 << 20
"""Bytes of them at most, about; and as many older ones in which is looked for what signals said last."""
_STEP: Final = 500
"""Records by which is gone back at once."""
_PIECE: Final = 1 << 20
_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """What the newest stretch of an outbox tells a gateway that starts again, in the order of its records.

    ``begins`` is the sequence behind which it lies.
    """

    begins: int
    readings: tuple[ReadingBatch, ...]
    parts: tuple[PartRecord, ...]
    predictions: tuple[Prediction, ...]
    events: tuple[AlertEvent, ...]

    @property
    def cycles(self) -> frozenset[str]:
        """The cycles whose parts were recorded."""
        return frozenset(part.cycle_id for part in self.parts)

    @property
    def predicted(self) -> frozenset[tuple[str, str]]:
        """Cycle and characteristic of each prediction."""
        return frozenset((item.cycle_id, item.characteristic) for item in self.predictions)


async def read_past(outbox: Outbox, last: int, catalogue: Catalogue, plan: Plan) -> Past:
    """Read the newest stretch of an outbox: its readings, parts, judgements and alert events.

    It has `RESUMED_RECORDS` and reaches back, within `RESUMED_BYTES`, to the beginning of every station's open cycle.
    """
    reach, stretch, size = _Reach(plan), list[Record](), 0
    async for step in _back(outbox, last):
        stretch = step + stretch
        size += sum(len(record.data) for record in step)
        reaches = reach.suffices(step, stretch) and len(stretch) >= RESUMED_RECORDS
        if reaches or size >= RESUMED_BYTES:
            break
    return Past(
        begins=stretch[0].header.sequence - 1 if stretch else 0,
        readings=tuple(_readings_in(stretch, catalogue)),
        parts=tuple(_items(stretch, RecordKind.PARTS, PartRecord)),
        predictions=tuple(_items(stretch, RecordKind.PREDICTIONS, Prediction)),
        events=tuple(_items(stretch, RecordKind.ALERTS, AlertEvent)),
    )


async def read_words(outbox: Outbox, past: Past, catalogue: Catalogue, plan: Plan) -> tuple[ReadingBatch, ...]:
    """Read what signals said last, before a stretch, that hold until they say otherwise and said nothing in it.

    At most `RESUMED_BYTES` are looked through.
    """
    assembled = [station for station in plan.stations if not isinstance(station.cycle, CycleByRows)]
    codes = catalogue.codes()
    missing = {codes[item.id] for place in assembled for item in signals_of(plan, place.id) if holds(item, place)}
    _newest(past.readings, missing)
    words, size = list[ReadingBatch](), 0
    async for step in _back(outbox, past.begins):
        if not missing or size >= RESUMED_BYTES:
            break
        size += sum(len(record.data) for record in step)
        words += _newest(list(_readings_in(step, catalogue)), missing)
    return tuple(words)


async def _back(outbox: Outbox, until: int) -> AsyncIterator[list[Record]]:
    """Give the records up to a sequence in steps, the newest step first, each in order; until there are no more."""
    while until > 0:
        after, step = max(0, until - _STEP), list[Record]()
        at = after
        while at < until and (more := await outbox.unsent(at, _PIECE)):
            step += [record for record in more if record.header.sequence <= until]
            at = more[-1].header.sequence
        if not step:
            return
        yield step
        until = after


class _Reach:
    """Whether a stretch reaches back to where the open cycle of every station began."""

    def __init__(self, plan: Plan) -> None:
        stations = [station for station in plan.stations if not isinstance(station.cycle, CycleByRows)]
        self._longest = {station.id: longest_cycle(station) + station.lateness for station in stations}
        self._ended: dict[str, int] = {}

    def suffices(self, step: Sequence[Record], stretch: Sequence[Record]) -> bool:
        """Take note of a step further back; say whether the stretch with it suffices.

        A cycle that ended within it was followed by the open one; else the open one began at most its longest before.
        """
        for part in _items(step, RecordKind.PARTS, PartRecord):
            self._ended[part.station] = max(part.ended, self._ended.get(part.station, part.ended))
        first, last = stretch[0].header.written, stretch[-1].header.written
        return all(
            self._ended.get(station, first - 1) >= first or last - first >= longest
            for station, longest in self._longest.items()
        )


def _newest(batches: Sequence[ReadingBatch], missing: set[int]) -> list[ReadingBatch]:
    """Return the last good readings of missing signals, which are not missing any more."""
    found: list[ReadingBatch] = []
    for batch in reversed(batches):
        good = ((batch.status & SEVERITY) != BAD) & ~np.isnan(batch.value)
        said = np.flatnonzero(good & np.isin(batch.signal, list(missing)))
        newest = {int(batch.signal[row]): row for row in said[np.argsort(batch.source_time[said], kind="stable")]}
        if newest:
            found.append(batch.take(np.array(list(newest.values()))))
            missing -= set(newest)
    return found


def _readings_in(records: Iterable[Record], catalogue: Catalogue) -> Iterable[ReadingBatch]:
    bodies = (record.body for record in records if record.header.kind is RecordKind.READINGS)
    return (decode_readings(body, catalogue) for body in bodies if readings_catalogue(body) == catalogue.digest)


def _items(records: Iterable[Record], kind: RecordKind, of: type[_T]) -> Iterable[_T]:
    return (item for record in records if record.header.kind is kind for item in decode_items(record.body, of))
