"""A history that holds one signal over a long time, for tests and measurements of what reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from lineside.adapters.delta_history import DeltaHistory
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.model import Plan
from lineside.domain.readings import ReadingBatch, make_batch
from lineside.ports import LandedRecord
from lineside.wire.codecs import encode_catalogue, encode_readings
from lineside.wire.records import RecordHeader, RecordKind, pack, unpack

PER_RECORD: Final = 200_000


async def keep_long(folder: Path, plan: Plan, signal: str, *, count: int, ends: int, every: int) -> None:
    """Write so many readings of a signal into a new history: a slow wave, noise, and one peak in the middle of 250.

    Args:
        folder: the history's folder.
        plan: whose signal it is.
        signal: its id.
        count: how many readings.
        ends: the time of the last one, UTC ns.
        every: the time between two, ns.
    """
    random = np.random.default_rng(11)
    place = np.arange(count, dtype=np.int64)
    values = 206.0 + 2.0 * np.sin(place / count * 40.0) + random.normal(0.0, 0.4, count)
    values[count // 2] = 250.0
    catalogue = catalogue_for(plan)
    code = catalogue.codes()[signal]
    batch = make_batch(catalogue, np.full(count, code, dtype=np.int32), ends - (count - 1 - place) * every, values)
    history = await DeltaHistory.open(folder)
    bodies = [(RecordKind.CATALOGUE, encode_catalogue(catalogue), 1)]
    for first in range(0, count, PER_RECORD):
        piece: ReadingBatch = batch.take(slice(first, first + PER_RECORD))
        bodies.append((RecordKind.READINGS, encode_readings(piece), len(piece)))
    await history.append(
        [
            LandedRecord(position=number, record=unpack(pack(_header(plan, number, kind, held, ends), body)))
            for number, (kind, body, held) in enumerate(bodies, start=1)
        ]
    )


def _header(plan: Plan, sequence: int, kind: RecordKind, count: int, written: int) -> RecordHeader:
    return RecordHeader("gw", "e1", sequence, plan.site.id, plan.line.id, kind, count, written)
