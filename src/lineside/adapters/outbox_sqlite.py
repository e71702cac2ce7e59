"""The outbox in SQLite: what is in it is accepted, and stays until the plant has it.

The packed bytes of a record are stored as they will travel, under a sequence that is kept in a row of its own and
moves in the same transaction: an outbox that has been emptied goes on counting where it was, and a commit that
failed leaves no hole. The epoch is random for each file, so that a lost and newly made file is another writer's.

The file is bounded as the plan says: `lineside.adapters.outbox_room`.

Behind the plant's watermark a stretch is kept, measured in bytes (a clock that jumps cannot delete it): it is what
a plant restored from its backup asks for.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec

from lineside.adapters.outbox_accounts import OutboxCounts, Tally, counts, read_tally, stretches
from lineside.adapters.outbox_room import SPENT, Room, Space
from lineside.adapters.outbox_schema import SCHEMA, add_columns
from lineside.adapters.sqlite_thread import SqliteThread
from lineside.domain.buffering import Bounds
from lineside.domain.errors import ConfigurationError, IntegrityError
from lineside.domain.quarantine import RAW_LIMIT, Quarantined
from lineside.domain.reconciling import Stretch
from lineside.ports import Clock
from lineside.wire.codecs import encode_items
from lineside.wire.records import Record, RecordHeader, RecordKind, pack, unpack

KEEP_BYTES: Final = 256 * 1024 * 1024
_FORGET_ROWS: Final = 512
_STAND_INS: Final = frozenset({RecordKind.REDUCED.value, SPENT})
"""Kinds of rows that stand in the place of what may have reached the plant before."""


class SqliteOutbox:
    """`lineside.ports.Outbox` in one SQLite file, which one process at a time may hold.

    Make one with `open`. ``keep_bytes`` is the size of the stretch kept behind the watermark; without ``bounds`` the
    file grows as the disk allows.
    """

    def __init__(
        self,
        path: Path,
        *,
        writer: str,
        site: str,
        line: str,
        clock: Clock,
        keep_bytes: int = KEEP_BYTES,
        bounds: Bounds | None = None,
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
        self._confirmed = 0
        self._tally = Tally()
        self._lived = 0
        self._started = time.monotonic()
        self._room = None if bounds is None else Room(path, bounds, self._pack)

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        writer: str,
        site: str,
        line: str,
        clock: Clock,
        keep_bytes: int = KEEP_BYTES,
        bounds: Bounds | None = None,
    ) -> SqliteOutbox:
        """Open the outbox in a file, making the file where there is none.

        Raises:
            ConfigurationError: another process holds it.
            StorageError: it cannot be opened.
        """
        outbox = cls(path, writer=writer, site=site, line=line, clock=clock, keep_bytes=keep_bytes, bounds=bounds)
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
    def space(self) -> Space:
        """How much room there is, as it was last measured; all 0 without bounds."""
        return Space() if self._room is None else self._room.space

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
        self._durable_last = max(self._durable_last, self._last if not sequences else sequences[-1])
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

    async def stretches(self, after: int, most: int) -> tuple[Stretch, ...]:
        """Return the newest stretches behind a number that the plant has confirmed to their end, ascending."""
        return await self._thread.run(lambda connection: stretches(connection, after, most), writes=False)

    async def counts(self) -> OutboxCounts:
        """Return what was ever accepted and set aside."""
        return await self._thread.run(counts, writes=False)

    async def close(self) -> None:
        """Close the file; may be called more than once."""
        await self._thread.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _prepare(self, connection: apsw.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(SCHEMA)
        add_columns(connection)
        new = (secrets.token_hex(8),)
        connection.execute("INSERT OR IGNORE INTO state (id, epoch, last, bytes) VALUES (1, ?, 0, 0)", new)
        connection.execute("COMMIT")
        row: Any = connection.execute("SELECT epoch, last, bytes, confirmed, lived FROM state").fetchone()
        self._epoch, self._last, self._bytes, self._confirmed, lived = row
        self._lived = max(lived, self._lived)
        self._tally = read_tally(connection)
        if self._room is not None:
            self._room.load(connection)

    def _insert(self, connection: apsw.Connection, items: Sequence[tuple[RecordKind, bytes, int]]) -> tuple[int, ...]:
        now, lived = self._clock.now(), self._age()
        kept = items
        if self._room is not None:
            kept = self._room.admit(connection, items, last=self._last, confirmed=self._confirmed, lived=lived)
        first, rows = self._last + 1, []
        for sequence, (kind, body, count) in enumerate(kept, first):
            data = self._pack(sequence, kind, body, count, now)
            self._bytes += len(data)
            rows.append((sequence, count, self._bytes, kind.value, lived, data))
        self._last += len(rows)
        self._tally.accept(items)
        self._tally.account(connection, self._epoch, kept, first)
        connection.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)", rows)
        state = (self._last, self._bytes, lived, msgspec.msgpack.encode(self._tally))
        connection.execute("UPDATE state SET last = ?, bytes = ?, lived = ?, tally = ?", state)
        return tuple(range(first, self._last + 1))

    def _begin_anew(self, connection: apsw.Connection) -> int:
        query = "SELECT sequence, items, kind, lived, data FROM records WHERE sequence > ?"
        kept: list[Any] = sorted(connection.execute(query, (self._begun,)).fetchall())
        self._epoch, self._last, self._bytes = secrets.token_hex(8), 0, 0
        connection.execute("DELETE FROM records")
        connection.execute("DELETE FROM set_aside")
        connection.execute("DELETE FROM stretches")
        self._tally.begin_anew()
        for self._last, (_, items, kind, lived, data) in enumerate(kept, 1):
            record = unpack(data)
            header = record.header
            again = self._pack(self._last, header.kind, record.body, header.count, header.written)
            self._bytes += len(again)
            row = (self._last, items, self._bytes, kind, lived, again)
            connection.execute("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)", row)
            item = (header.kind, record.body, header.count)
            self._tally.account(connection, self._epoch, [item], self._last)
        self._confirmed = 0
        state = (self._epoch, self._last, self._bytes, msgspec.msgpack.encode(self._tally))
        connection.execute(
            "UPDATE state SET epoch = ?, last = ?, bytes = ?, tally = ?, confirmed = 0, accounts_from = 0", state
        )
        return self._last

    def _substitute(self, connection: apsw.Connection, sequence: int, reason: str) -> bool:
        row: Any = connection.execute(
            "SELECT data, items, kind FROM records WHERE sequence = ?", (sequence,)
        ).fetchone()
        if row is None or row[2] in _STAND_INS:
            return False
        (data, count, _), now = row, self._clock.now()
        note = Quarantined(
            source=f"outbox of {self._writer}",
            reason="record",
            detail=reason,
            raw=data[:RAW_LIMIT],
            received=now,
            count=count,
        )
        new = self._pack(sequence, RecordKind.QUARANTINE, encode_items([note]), 1, now)
        connection.execute(
            "INSERT OR IGNORE INTO set_aside VALUES (?, ?, ?, ?, ?)", (sequence, now, reason, count, data)
        )
        if row[2] != RecordKind.READINGS.value:
            # The plant's quarantine counts it, whatever it held; so both ends still add up.
            self._tally.note(connection, self._epoch, sequence, count)
            connection.execute("UPDATE state SET tally = ?", (msgspec.msgpack.encode(self._tally),))
        values = (RecordKind.QUARANTINE.value, new, sequence)
        connection.execute("UPDATE records SET kind = ?, data = ? WHERE sequence = ?", values)
        return True

    def _delete(self, connection: apsw.Connection, watermark: int) -> None:
        connection.execute("UPDATE state SET confirmed = ?", (watermark,))
        self._confirmed = watermark
        if self._room is not None:
            self._room.restart()
        newest = "SELECT total FROM records WHERE sequence <= ? ORDER BY sequence DESC LIMIT 1"
        row = connection.execute(newest, (watermark,)).fetchone()
        if row is None:
            return
        keep = self._keep_bytes if self._room is None else min(self._keep_bytes, self._room.bounds.bytes // 4)
        least = row[0] - keep
        oldest = "SELECT sequence, total FROM records WHERE sequence <= ? ORDER BY sequence LIMIT ?"
        while True:
            rows = connection.execute(oldest, (watermark, _FORGET_ROWS)).fetchall()
            gone = [sequence for sequence, total in rows if total <= least]
            if gone:
                connection.execute("DELETE FROM records WHERE sequence <= ?", (gone[-1],))
            if len(gone) < _FORGET_ROWS:
                return

    def _age(self) -> int:
        """Return for how many seconds gateways have run on this file: a clock that jumps does not change it."""
        now = time.monotonic()
        passed = int(now - self._started)
        self._started += passed
        self._lived += passed
        return self._lived

    def _pack(self, sequence: int, kind: RecordKind, body: bytes, count: int, written: int) -> bytes:
        header = RecordHeader(
            writer=self._writer,
            epoch=self._epoch,
            sequence=sequence,
            site=self._site,
            line=self._line,
            kind=kind,
            count=count,
            written=written,
        )
        return pack(header, body)


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
