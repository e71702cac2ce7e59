"""The outbox in SQLite: what is in it is accepted, and stays until the plant has it.

The packed bytes of a record are stored as they will travel, under a sequence that is kept in a row of its own and
moves in the same transaction: an outbox that has been emptied goes on counting where it was, and a commit that
failed leaves no hole. The epoch is random for each file, so that a lost and newly made file is another writer's.

Behind the plant's watermark a stretch is kept, measured in bytes (a clock that jumps cannot delete it): it is what
a plant restored from its backup asks for.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import apsw

from lineside.adapters.sqlite_thread import SqliteThread
from lineside.domain.errors import ConfigurationError, IntegrityError
from lineside.domain.quarantine import RAW_LIMIT, Quarantined
from lineside.ports import Clock
from lineside.wire.codecs import encode_items
from lineside.wire.records import Record, RecordHeader, RecordKind, pack, unpack

KEEP_BYTES: Final = 256 * 1024 * 1024
_FORGET_ROWS: Final = 512
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS state (
  id INTEGER PRIMARY KEY CHECK (id = 1), epoch TEXT NOT NULL, last INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS records (
  sequence INTEGER PRIMARY KEY, items INTEGER NOT NULL, total INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS accepted (
  kind TEXT PRIMARY KEY, records INTEGER NOT NULL, items INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS set_aside (
  sequence INTEGER PRIMARY KEY, time INTEGER NOT NULL, reason TEXT NOT NULL, items INTEGER NOT NULL,
  data BLOB NOT NULL) STRICT;
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboxCounts:
    """What an outbox has ever accepted, per kind of record, and what it had to set aside."""

    records: Mapping[RecordKind, int]
    items: Mapping[RecordKind, int]
    set_aside_records: int
    set_aside_items: int


class SqliteOutbox:
    """`lineside.ports.Outbox` in one SQLite file, which one process at a time may hold.

    Make one with `open`. ``keep_bytes`` is the size of the stretch kept behind the watermark.
    """

    def __init__(
        self, path: Path, *, writer: str, site: str, line: str, clock: Clock, keep_bytes: int = KEEP_BYTES
    ) -> None:
        self._writer = writer
        self._site = site
        self._line = line
        self._clock = clock
        self._keep_bytes = keep_bytes
        self._path = path
        self._thread = SqliteThread(path, self._prepare)
        self._lock: int | None = None
        self._epoch = ""
        self._last = 0
        self._durable_last = 0
        self._begun = 0
        self._bytes = 0

    @classmethod
    async def open(
        cls, path: Path, *, writer: str, site: str, line: str, clock: Clock, keep_bytes: int = KEEP_BYTES
    ) -> SqliteOutbox:
        """Open the outbox in a file, making the file where there is none.

        Raises:
            ConfigurationError: another process holds it.
            StorageError: it cannot be opened.
        """
        outbox = cls(path, writer=writer, site=site, line=line, clock=clock, keep_bytes=keep_bytes)
        outbox._lock = _hold(path)
        try:
            outbox._durable_last = outbox._begun = await outbox._thread.run(lambda _: outbox._last)
        except BaseException:
            await outbox.close()
            raise
        return outbox

    @property
    def epoch(self) -> str:
        """The random name of this outbox file."""
        return self._epoch

    @property
    def last(self) -> int:
        """The sequence of the newest durable record; 0 where there never was one."""
        return self._durable_last

    @property
    def begun(self) -> int:
        """What `last` was when this process opened the file."""
        return self._begun

    async def renew(self) -> None:
        """Give what this process has committed new identities, in a new epoch, and let go of all before.

        Raises:
            StorageError: nothing has changed.
        """
        self._durable_last = await self._thread.run(self._begin_anew)
        self._begun = 0

    async def commit(self, items: Sequence[tuple[RecordKind, bytes, int]]) -> tuple[int, ...]:
        """Make bodies (with their kinds and counts) durable in one transaction; return their sequences.

        Raises:
            StorageError: they are not durable; nothing of them was kept.
        """
        if not items:
            return ()
        sequences = await self._thread.run(lambda connection: self._insert(connection, items))
        self._durable_last = max(self._durable_last, sequences[-1])
        return sequences

    async def unsent(self, after: int, most_bytes: int) -> tuple[Record, ...]:
        """Return the records behind a sequence, oldest first, up to a size, at least one if there is one.

        A record whose bytes the disk has changed comes back as a quarantine record of the same identity.
        """
        rows, damaged = await self._thread.run(lambda connection: _read(connection, after, most_bytes), writes=False)
        for sequence, detail in damaged:
            await self.set_aside(sequence, f"damaged: {detail}")
        if damaged:
            return await self.unsent(after, most_bytes)
        return rows

    async def set_aside(self, sequence: int, reason: str) -> bool:
        """Put a quarantine record in the place of one that the plant can never take; the old bytes are kept here.

        The number of items goes into the quarantine record's count, so that both ends still add up. Return whether
        that was done.
        """
        return await self._thread.run(lambda connection: self._substitute(connection, sequence, reason))

    async def forget(self, watermark: int) -> None:
        """Delete records behind the watermark, but for the stretch that is kept."""
        await self._thread.run(lambda connection: self._delete(connection, watermark))

    async def counts(self) -> OutboxCounts:
        """Return what was ever accepted and set aside."""
        return await self._thread.run(_counts, writes=False)

    async def close(self) -> None:
        """Close the file; may be called more than once."""
        await self._thread.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _prepare(self, connection: apsw.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_SCHEMA)
        connection.execute("INSERT OR IGNORE INTO state VALUES (1, ?, 0, 0)", (secrets.token_hex(8),))
        connection.execute("COMMIT")
        row = connection.execute("SELECT epoch, last, bytes FROM state").fetchone()
        assert row is not None
        self._epoch, self._last, self._bytes = row

    def _insert(self, connection: apsw.Connection, items: Sequence[tuple[RecordKind, bytes, int]]) -> tuple[int, ...]:
        now = self._clock.now()
        first, rows = self._last + 1, []
        for sequence, (kind, body, count) in enumerate(items, first):
            data = pack(self._header(sequence, kind, count, now), body)
            self._bytes += len(data)
            rows.append((sequence, count, self._bytes, data))
        self._last += len(rows)
        connection.executemany("INSERT INTO records VALUES (?, ?, ?, ?)", rows)
        connection.execute("UPDATE state SET last = ?, bytes = ?", (self._last, self._bytes))
        connection.executemany(
            "INSERT INTO accepted VALUES (?, 1, ?) "
            "ON CONFLICT (kind) DO UPDATE SET records = records + 1, items = items + excluded.items",
            [(kind.value, count) for kind, _, count in items],
        )
        return tuple(range(first, self._last + 1))

    def _begin_anew(self, connection: apsw.Connection) -> int:
        old = connection.execute("SELECT sequence, items, data FROM records WHERE sequence > ?", (self._begun,))
        kept: list[Any] = sorted(old.fetchall())
        self._epoch, self._last, self._bytes = secrets.token_hex(8), 0, 0
        connection.execute("DELETE FROM records")
        connection.execute("DELETE FROM set_aside")
        for self._last, (_, items, data) in enumerate(kept, 1):
            record = unpack(data)
            again = pack(
                self._header(self._last, record.header.kind, record.header.count, record.header.written), record.body
            )
            self._bytes += len(again)
            connection.execute("INSERT INTO records VALUES (?, ?, ?, ?)", (self._last, items, self._bytes, again))
        state = (self._epoch, self._last, self._bytes)
        connection.execute("UPDATE state SET epoch = ?, last = ?, bytes = ?", state)
        return self._last

    def _substitute(self, connection: apsw.Connection, sequence: int, reason: str) -> bool:
        row = connection.execute("SELECT data, items FROM records WHERE sequence = ?", (sequence,)).fetchone()
        if row is None:
            return False
        (data, count), now = row, self._clock.now()
        note = Quarantined(
            source=f"outbox of {self._writer}",
            reason="record",
            detail=reason,
            raw=data[:RAW_LIMIT],
            received=now,
            count=count,
        )
        new = pack(self._header(sequence, RecordKind.QUARANTINE, 1, now), encode_items([note]))
        connection.execute(
            "INSERT OR IGNORE INTO set_aside VALUES (?, ?, ?, ?, ?)", (sequence, now, reason, count, data)
        )
        connection.execute("UPDATE records SET data = ? WHERE sequence = ?", (new, sequence))
        return True

    def _delete(self, connection: apsw.Connection, watermark: int) -> None:
        newest = "SELECT total FROM records WHERE sequence <= ? ORDER BY sequence DESC LIMIT 1"
        row = connection.execute(newest, (watermark,)).fetchone()
        if row is None:
            return
        least = row[0] - self._keep_bytes
        oldest = "SELECT sequence, total FROM records WHERE sequence <= ? ORDER BY sequence LIMIT ?"
        while True:
            rows = connection.execute(oldest, (watermark, _FORGET_ROWS)).fetchall()
            gone = [sequence for sequence, total in rows if total <= least]
            if gone:
                connection.execute("DELETE FROM records WHERE sequence <= ?", (gone[-1],))
            if len(gone) < _FORGET_ROWS:
                return

    def _header(self, sequence: int, kind: RecordKind, count: int, now: int) -> RecordHeader:
        return RecordHeader(
            writer=self._writer,
            epoch=self._epoch,
            sequence=sequence,
            site=self._site,
            line=self._line,
            kind=kind,
            count=count,
            written=now,
        )


def _read(connection: apsw.Connection, after: int, most_bytes: int) -> tuple[tuple[Record, ...], list[tuple[int, str]]]:
    """Return whole records up to a size, and the sequences of damaged ones met on the way."""
    records: list[Record] = []
    damaged: list[tuple[int, str]] = []
    size = 0
    rows = connection.execute("SELECT sequence, data FROM records WHERE sequence > ? ORDER BY sequence", (after,))
    for sequence, data in rows:
        size += len(data)
        if records and size > most_bytes:
            break
        try:
            records.append(unpack(data))
        except IntegrityError as error:
            damaged.append((sequence, str(error)))
        if size >= most_bytes:
            break
    return tuple(records), damaged


def _counts(connection: apsw.Connection) -> OutboxCounts:
    rows: list[Any] = connection.execute("SELECT kind, records, items FROM accepted").fetchall()
    aside = connection.execute("SELECT count(*), coalesce(sum(items), 0) FROM set_aside").fetchone()
    assert aside is not None
    return OutboxCounts(
        records={RecordKind(kind): records for kind, records, _ in rows},
        items={RecordKind(kind): items for kind, _, items in rows},
        set_aside_records=aside[0],
        set_aside_items=aside[1],
    )


def _hold(path: Path) -> int:
    """Take the file for this process alone: two writers of one sequence would lose records in silence."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_suffix(".lock")
    handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise ConfigurationError(
            "another process holds this outbox", where=str(path), next_step="stop the other gateway first"
        ) from error
    return handle
