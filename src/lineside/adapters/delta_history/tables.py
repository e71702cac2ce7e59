"""What a row of each table is, and how the items of a record become rows.

Every row carries the identity of its record and its place in it (``writer, epoch, sequence, item``), unique in
its table. Times are UTC nanoseconds in int64, because Delta's own timestamps stop at microseconds. What is
nested and only looked at whole (contributions, context) is JSON.
"""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, get_args, get_origin, get_type_hints

import msgspec
import numpy as np
import pyarrow as pa

from lineside.domain.alerts import AlertEvent, AlertKind
from lineside.domain.buffering import Aggregate, Kept
from lineside.domain.errors import IntegrityError
from lineside.domain.health.events import HealthEvent
from lineside.domain.late_readings import LateReadings
from lineside.domain.outcomes import LineEvent, Outcome
from lineside.domain.parts import PartRecord
from lineside.domain.predictions import Prediction
from lineside.domain.quarantine import RAW_LIMIT, Quarantined
from lineside.domain.readings import Catalogue, ReadingBatch
from lineside.domain.receipts import Receipt
from lineside.domain.units import DAY
from lineside.ports import LandedRecord
from lineside.wire.codecs import decode_items, encode_items, readings_catalogue
from lineside.wire.records import RecordHeader, RecordKind, pack, unpack
from lineside.wire.reduced import decode_reduced, receipts_in, reduced_catalogue

ITEMS: Final[Mapping[RecordKind, tuple[str, type[Any]]]] = {
    RecordKind.PARTS: ("parts", PartRecord),
    RecordKind.PREDICTIONS: ("predictions", Prediction),
    RecordKind.ALERTS: ("alert_events", AlertEvent),
    RecordKind.OUTCOMES: ("outcomes", Outcome),
    RecordKind.EVENTS: ("events", LineEvent),
    RecordKind.QUARANTINE: ("quarantine", Quarantined),
    RecordKind.RECEIPTS: ("receipts", Receipt),
    RecordKind.HEALTH: ("health", HealthEvent),
    RecordKind.LATE: ("late_readings", LateReadings),
}
"""The table of each kind of item, and the item's class."""

FEEDBACK: Final = "feedback"
AGGREGATES: Final = "aggregates"
READINGS: Final = "readings"
PARTITIONS: Final = ("line", "day")
_RECEIVED: Final = {"received", "receive_time", "recorded", "judged", "time", "minute"}

_IDENTITY: Final = (
    pa.field("line", pa.string()),
    pa.field("day", pa.string()),
    pa.field("writer", pa.string()),
    pa.field("epoch", pa.string()),
    pa.field("sequence", pa.int64()),
    pa.field("item", pa.int64()),
)
_READING: Final = (
    pa.field("signal", pa.string()),
    pa.field("source_time", pa.int64()),
    pa.field("receive_time", pa.int64()),
    pa.field("value", pa.float64()),
    pa.field("text", pa.string()),
    pa.field("status", pa.int64()),
)


def _arrow_type(annotation: Any) -> pa.DataType:
    options = [item for item in get_args(annotation) if item is not types.NoneType]
    if isinstance(annotation, types.UnionType):
        annotation = options[0]
    plain = {int: pa.int64(), float: pa.float64(), bool: pa.bool_(), bytes: pa.binary(), str: pa.string()}
    if annotation in plain:
        return plain[annotation]
    if get_origin(annotation) is tuple and get_args(annotation)[0] is str:
        return pa.list_(pa.string())
    if get_origin(annotation) is np.ndarray:
        return pa.list_(pa.float64())
    return pa.string()


def _own_fields(of: type[Any]) -> list[str]:
    """Return an item's fields but for those that the record's identity says already (an event's writer)."""
    said = {field.name for field in _IDENTITY}
    return [field.name for field in dataclasses.fields(of) if field.name not in said]


def _schema(of: type[Any], *more: pa.Field) -> pa.Schema:
    hints = get_type_hints(of)
    fields = [pa.field(name, _arrow_type(hints[name])) for name in _own_fields(of)]
    return pa.schema([*_IDENTITY, *fields, *more])


TABLES: Final[Mapping[str, pa.Schema]] = {
    READINGS: pa.schema([*_IDENTITY, *_READING]),
    FEEDBACK: _schema(AlertEvent),
    AGGREGATES: _schema(Aggregate),
    **{
        table: _schema(of, *([pa.field("feature_names", pa.list_(pa.string()))] if of is PartRecord else []))
        for table, of in ITEMS.values()
    },
}
"""The schema of every table, by name."""


def rows_of(table: str, landed: Sequence[LandedRecord], recipes: Mapping[str, Sequence[str]]) -> pa.Table | None:
    """Return the rows of a table that items of landed records make, None where there is none.

    Readings are `reading_rows`' business. ``recipes`` gives the feature names of each recipe's digest.
    """
    rows: list[dict[str, Any]] = []
    for entry in landed:
        header = entry.record.header
        where, of = ITEMS.get(header.kind, ("", None))
        if of is None or where != ("alert_events" if table == FEEDBACK else table):
            continue
        for place, item in enumerate(decode_items(entry.record.body, of)):
            if table == FEEDBACK and (item.kind is not AlertKind.CLOSED or item.verdict is None):
                continue
            row = _row(header, place, item, TABLES[table])
            if table == "parts":
                row["feature_names"] = list(recipes.get(item.recipe, ()))
            rows.append(row)
    return pa.Table.from_pylist(rows, schema=TABLES[table]) if rows else None


def reduced_rows(header: RecordHeader, kept: Kept) -> dict[str, pa.Table]:
    """Return the rows of what a full buffer has left of a record of readings, by table."""
    items: dict[str, list[Any]] = {"receipts": receipts_in(header, kept), AGGREGATES: list(kept.aggregates)}
    rows = {
        table: pa.Table.from_pylist(
            [_row(header, place, item, TABLES[table]) for place, item in enumerate(found)], schema=TABLES[table]
        )
        for table, found in items.items()
        if found
    }
    return rows | ({READINGS: reading_rows(header, kept.readings)} if len(kept.readings) else {})


def reading_rows(header: RecordHeader, batch: ReadingBatch) -> pa.Table:
    """Return the rows of a batch of readings, a row per receive day and reading."""
    size = len(batch)
    names = pa.array(batch.catalogue.signals, type=pa.string())
    texts = pa.array([*batch.texts, None], type=pa.string())
    textual = batch.catalogue.text_mask()[batch.signal] & ~np.isnan(batch.value)
    index = np.where(textual, batch.value, len(batch.texts)).astype(np.int64)
    days, on_day = np.unique(batch.receive_time // DAY, return_inverse=True)
    columns = [
        pa.repeat(pa.scalar(header.line), size),
        pa.array([day_of(day * DAY) for day in days.tolist()], type=pa.string()).take(pa.array(on_day)),
        pa.repeat(pa.scalar(header.writer), size),
        pa.repeat(pa.scalar(header.epoch), size),
        pa.repeat(pa.scalar(header.sequence, pa.int64()), size),
        pa.array(np.arange(size, dtype=np.int64)),
        names.take(pa.array(batch.signal)),
        pa.array(batch.source_time),
        pa.array(batch.receive_time),
        pa.array(np.where(textual, np.nan, batch.value)),
        texts.take(pa.array(index)),
        pa.array(batch.status.astype(np.int64)),
    ]
    return pa.table(columns, schema=TABLES[READINGS])


def readable(entry: LandedRecord, known: Mapping[str, Catalogue]) -> LandedRecord:
    """Return a landed record, or a quarantine record of its identity where its body cannot be read.

    So one record that no version of ours should have written never holds up those behind it, and is not lost.
    """
    header, body = entry.record.header, entry.record.body
    try:
        if header.kind is RecordKind.READINGS:
            _check_catalogue(readings_catalogue(body), known)
        elif header.kind is RecordKind.REDUCED:
            _check_catalogue(reduced_catalogue(body), known)
            decode_reduced(body, known)
        elif header.kind in ITEMS:
            decode_items(body, ITEMS[header.kind][1])
    except IntegrityError as error:
        note = Quarantined(
            source=f"{header.writer}/{header.epoch}/{header.sequence}",
            reason="record",
            detail=str(error),
            raw=entry.record.data[:RAW_LIMIT],
            received=header.written,
            count=header.count,
        )
        changed = msgspec.structs.replace(header, kind=RecordKind.QUARANTINE, count=1)
        return LandedRecord(position=entry.position, record=unpack(pack(changed, encode_items([note]))))
    return entry


def _check_catalogue(digest: str, known: Mapping[str, Catalogue]) -> None:
    if digest not in known:
        raise IntegrityError("readings of a catalogue that never arrived", field="catalogue", value=digest)


def day_of(nanoseconds: int) -> str:
    """Return the UTC day of a time as ``YYYY-MM-DD``."""
    return str(np.datetime64(nanoseconds, "ns").astype("datetime64[D]"))


def _row(header: RecordHeader, place: int, item: Any, schema: pa.Schema) -> dict[str, Any]:
    fields = {name: _plain(getattr(item, name), schema.field(name).type) for name in _own_fields(type(item))}
    received = next((fields[name] for name in _RECEIVED if fields.get(name)), header.written)
    return {
        "line": header.line,
        "day": day_of(received),
        "writer": header.writer,
        "epoch": header.epoch,
        "sequence": header.sequence,
        "item": place,
        **fields,
    }


def _plain(value: Any, kind: pa.DataType) -> Any:
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, tuple) and pa.types.is_list(kind):
        return list(value)
    if isinstance(value, Mapping | tuple):
        return json.dumps(msgspec.to_builtins(value), sort_keys=True, ensure_ascii=False)
    return value
