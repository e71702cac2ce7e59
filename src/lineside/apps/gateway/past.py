"""What a gateway that starts again reads of its own outbox, to take up what a crash cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lineside.domain.alerts import AlertEvent
from lineside.domain.parts import PartRecord
from lineside.domain.predictions import Prediction
from lineside.domain.readings import Catalogue, ReadingBatch
from lineside.ports import Outbox
from lineside.wire.codecs import decode_items, decode_readings, readings_catalogue
from lineside.wire.records import Record, RecordKind

RESUMED_RECORDS: Final = 4_000
"""Records of the outbox that are read again at a start, to take up cycles that a crash cut."""
RESUMED_BYTES: Final = 64 << 20
"""Bytes of them at most, about."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """What the newest stretch of an outbox tells a gateway that starts again, in the order of its records."""

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


async def read_past(outbox: Outbox, last: int, catalogue: Catalogue) -> Past:
    """Read the newest `RESUMED_RECORDS` of an outbox: its readings, parts, judgements and alert events."""
    records: list[Record] = []
    at = max(0, last - RESUMED_RECORDS)
    while more := await outbox.unsent(at, RESUMED_BYTES):
        # A full piece makes the ones before it too old to matter.
        records = list(more) if sum(len(item.data) for item in more) > RESUMED_BYTES // 2 else [*records, *more]
        at = more[-1].header.sequence
    bodies = {kind: [item.body for item in records if item.header.kind is kind] for kind in RecordKind}
    return Past(
        readings=tuple(
            decode_readings(body, catalogue)
            for body in bodies[RecordKind.READINGS]
            if readings_catalogue(body) == catalogue.digest
        ),
        parts=tuple(part for body in bodies[RecordKind.PARTS] for part in decode_items(body, PartRecord)),
        predictions=tuple(item for body in bodies[RecordKind.PREDICTIONS] for item in decode_items(body, Prediction)),
        events=tuple(event for body in bodies[RecordKind.ALERTS] for event in decode_items(body, AlertEvent)),
    )
