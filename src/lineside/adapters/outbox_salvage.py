"""What can be saved of an outbox that the disk has damaged.

The damaged file is set aside and the gateway goes on with a new one, under a new epoch: what the old one had counted up
to is no longer certain, and a number must never be given twice. What can still be read of it, and the plant does not
have for certain, goes into an outbox file of its own under its old identity, so that the plant keeps each record once
even if it had it. In the place of each record that cannot be read stands a quarantine record that says so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import apsw

from lineside.adapters.outbox_sqlite import SqliteOutbox
from lineside.adapters.sqlite_damage import damage_of_database, set_aside
from lineside.domain.errors import IntegrityError
from lineside.domain.quarantine import Quarantined
from lineside.ports import Clock
from lineside.wire.codecs import encode_items
from lineside.wire.records import Record, RecordHeader, RecordKind, pack, unpack

_SCANS: Final = (
    "SELECT sequence, data FROM records ORDER BY sequence",
    "SELECT sequence, data FROM records ORDER BY sequence DESC",
)
_WIDEST: Final = 10_000_000
"""Sequences that are looked for at most: beyond it the numbers themselves are damaged."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Salvage:
    """What came of a damaged outbox: where it is, what was wrong, how many records were saved and how many were not.

    ``outbox`` is the file of what was saved, None where nothing could be read.
    """

    aside: Path
    damage: str
    saved: int = 0
    unreadable: int = 0
    outbox: Path | None = None


def damage_of(path: Path) -> str:
    """Return what is wrong with an outbox file; empty where nothing is, or where there is none."""
    return damage_of_database(path, "records")


async def salvage(path: Path, damage: str, *, writer: str, site: str, line: str, clock: Clock) -> Salvage:
    """Set a damaged outbox aside and save what can be read of it; the next outbox at ``path`` is a new one.

    Raises:
        StorageError: what was saved cannot be made durable; the damaged file is kept.
    """
    aside = set_aside(path)
    readable = _readable(aside)
    if not readable:
        return Salvage(aside=aside, damage=damage)
    epoch, confirmed, last = _reach(aside, readable)
    now = clock.now()
    rows: list[tuple[int, int, bytes, str]] = []
    for sequence in range(confirmed + 1, last + 1):
        record = readable.get(sequence)
        if record is None:
            record = _stand_in(RecordHeader(writer, epoch, sequence, site, line, RecordKind.QUARANTINE, 1, now))
        rows.append((sequence, record.header.count, record.data, record.header.kind.value))
    target = aside.with_suffix(".salvaged.db")
    outbox = await SqliteOutbox.open(target, writer=writer, site=site, line=line, clock=clock)
    await outbox.close()
    _fill(target, epoch, confirmed, last, rows)
    saved = sum(sequence in readable for sequence, *_ in rows)
    return Salvage(aside=aside, damage=damage, saved=saved, unreadable=len(rows) - saved, outbox=target)


def _readable(path: Path) -> dict[int, Record]:
    """Return every record that can be read: by scanning, and where the scan breaks off, one number after another."""
    found: dict[int, Record] = {}
    with contextlib.suppress(apsw.Error), contextlib.closing(_opened(path)) as connection:
        for scan in _SCANS:
            with contextlib.suppress(apsw.Error):
                for sequence, data in connection.execute(scan):
                    _take(found, sequence, data)
        if not found:
            return found
        for sequence in range(min(found), min(max(found), min(found) + _WIDEST)):
            if sequence not in found:
                with contextlib.suppress(apsw.Error):
                    row = connection.execute("SELECT data FROM records WHERE sequence = ?", (sequence,)).fetchone()
                    if row is not None:
                        _take(found, sequence, row[0])
    return found


def _opened(path: Path) -> apsw.Connection:
    """Open a damaged file; one that was cut short is otherwise refused as a whole."""
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA writable_schema=ON")
    return connection


def _take(found: dict[int, Record], sequence: int, data: Any) -> None:
    """Add a record if it is whole and is the one that stood there."""
    with contextlib.suppress(IntegrityError, TypeError):
        record = unpack(data)
        if record.header.sequence == sequence:
            found[sequence] = record


def _reach(path: Path, readable: dict[int, Record]) -> tuple[str, int, int]:
    """Return the epoch, the sequence that the plant had confirmed, and the last one, as noted or as records say."""
    newest = readable[max(readable)]
    noted = next(_noted(path), None)
    if noted is not None and noted[0] == newest.header.epoch and noted[2] >= max(readable):
        return noted
    return newest.header.epoch, min(readable) - 1, max(readable)


def _noted(path: Path) -> Iterator[tuple[str, int, int]]:
    with contextlib.suppress(apsw.Error), contextlib.closing(_opened(path)) as connection:
        row: Any = connection.execute("SELECT epoch, confirmed, last FROM state").fetchone()
        if row is not None and isinstance(row[0], str) and 0 <= row[1] <= row[2] <= row[1] + _WIDEST:
            yield row


def _stand_in(header: RecordHeader) -> Record:
    note = Quarantined(
        source=f"outbox of {header.writer}",
        reason="record",
        detail="damaged: the gateway's disk changed it before it was sent; how many items it held is not known",
        raw=b"",
        received=header.written,
    )
    return unpack(pack(header, encode_items([note])))


def _fill(path: Path, epoch: str, confirmed: int, last: int, rows: list[tuple[int, int, bytes, str]]) -> None:
    """Write what was saved into the new file, in one transaction."""
    total = 0
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("BEGIN IMMEDIATE")
        for sequence, count, data, kind in rows:
            total += len(data)
            connection.execute(
                "INSERT INTO records (sequence, items, total, kind, data) VALUES (?, ?, ?, ?, ?)",
                (sequence, count, total, kind, data),
            )
        connection.execute(
            "UPDATE state SET epoch = ?, last = ?, bytes = ?, confirmed = ?", (epoch, last, total, confirmed)
        )
        connection.execute("COMMIT")
