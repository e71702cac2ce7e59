"""The landing table in SQLite: the plant's first durable place, where every record is kept once.

A writer's records may arrive in any order and any number of times. Those that follow on the writer's watermark get
the next position and move it; those behind a gap wait in a table of their own until the gap is filled. So positions
ascend without a hole, every writer's records stand in the order of its sequence, and what was taken is known for
ever by the watermark alone, also after the rows are gone.

All of it happens in one transaction that no other process can enter: several plants, and the command line, may
land in one file.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import apsw

from lineside.adapters.sqlite_damage import damage_of_database, set_aside
from lineside.adapters.sqlite_thread import SqliteThread
from lineside.domain.errors import IntegrityError
from lineside.ports import LandedRecord
from lineside.wire.records import Record, unpack
from lineside.wire.watermarks import Refusal, Watermark

_MOST_MISSING: Final = 64
_Stream = tuple[str, str]
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS state (
  id INTEGER PRIMARY KEY CHECK (id = 1), position INTEGER NOT NULL, forgotten INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS streams (
  id INTEGER PRIMARY KEY, writer TEXT NOT NULL, epoch TEXT NOT NULL, watermark INTEGER NOT NULL,
  conflicts INTEGER NOT NULL DEFAULT 0, UNIQUE (writer, epoch)) STRICT;
CREATE TABLE IF NOT EXISTS records (
  position INTEGER PRIMARY KEY, stream INTEGER NOT NULL, sequence INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS records_by_identity ON records (stream, sequence);
CREATE TABLE IF NOT EXISTS waiting (
  id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, sequence INTEGER NOT NULL, data BLOB NOT NULL,
  UNIQUE (stream, sequence)) STRICT;
INSERT OR IGNORE INTO state VALUES (1, 0, 0);
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class LandingCounts:
    """How far a landing table is: newest position, newest forgotten one, records that wait behind a gap."""

    position: int
    forgotten: int
    waiting: int
    conflicts: int


@dataclass(slots=True)
class _Progress:
    """How far one stream is within a transaction."""

    id: int
    before: int
    watermark: int
    conflicts: list[int] = field(default_factory=list)


class SqliteLanding:
    """`lineside.ports.Landing` in one SQLite file that several processes may share."""

    def __init__(self, path: Path) -> None:
        self._thread = SqliteThread(path, _prepare)

    @classmethod
    async def open(cls, path: Path) -> SqliteLanding:
        """Open the landing table in a file, making the file where there is none.

        Raises:
            StorageError: it cannot be opened.
        """
        landing = cls(path)
        await landing.counts()
        return landing

    @classmethod
    async def rebuilt(cls, path: Path, position: int, marks: Mapping[tuple[str, str], int]) -> SqliteLanding:
        """Open a new landing table in the place of a damaged one, which is kept aside.

        It goes on where the history is: ``position``, and the last sequence of every (writer, epoch) there. What can
        still be read of the damaged file and is newer lands again; gateways send the rest when they are told of the
        watermark.

        Raises:
            StorageError: the new file cannot be made.
        """
        aside = await asyncio.to_thread(set_aside, path)
        landing = cls(path)
        await landing._thread.run(lambda connection: _begin_at(connection, position, marks))
        for record in await asyncio.to_thread(_readable_records, aside, position):
            await landing.land([record])
        return landing

    async def land(self, records: Sequence[Record]) -> Mapping[tuple[str, str], Watermark]:
        """Make records durable, each once, and return the watermark of every (writer, epoch) among them.

        A record whose identity is held by another one is not kept; the watermark says so by `Refusal.CONFLICT`.

        Raises:
            StorageError: none of them is durable.
        """
        return await self._thread.run(lambda connection: _land(connection, records))

    async def watermark(self, writer: str, epoch: str) -> Watermark:
        """Return how far a stream is; 0 for one that never landed."""
        return await self._thread.run(lambda connection: _one_watermark(connection, (writer, epoch)), writes=False)

    async def watermarks(self) -> Mapping[tuple[str, str], Watermark]:
        """Return the watermark of every (writer, epoch) that ever landed."""
        return await self._thread.run(_watermarks, writes=False)

    async def after(self, position: int, most_bytes: int) -> tuple[LandedRecord, ...]:
        """Return records behind a position that have no gap before them, oldest first.

        Raises:
            IntegrityError: the disk has changed a record.
        """
        return await self._thread.run(lambda connection: _after(connection, position, most_bytes), writes=False)

    async def forget(self, position: int) -> None:
        """Delete records up to a position, once the history holds them; their identities stay known."""
        await self._thread.run(lambda connection: _forget(connection, position))

    async def counts(self) -> LandingCounts:
        """Return how far the table is."""
        return await self._thread.run(_counts, writes=False)

    async def close(self) -> None:
        """Close the file; may be called more than once."""
        await self._thread.close()


def damage_of(path: Path, position: int) -> str:
    """Return what is wrong with a landing table's file; empty where nothing is, or where there is no file.

    The database itself is checked, and the checksum of every record behind a position.
    """
    if not path.exists():
        return ""
    if damage := damage_of_database(path, "records"):
        return damage
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        for at, data in connection.execute("SELECT position, data FROM records WHERE position > ?", (position,)):
            try:
                unpack(data)
            except IntegrityError as error:
                return f"the record at position {at}: {error}"
    return ""


def _begin_at(connection: apsw.Connection, position: int, marks: Mapping[_Stream, int]) -> None:
    connection.execute("UPDATE state SET position = ?, forgotten = ?", (position, position))
    for (writer, epoch), sequence in marks.items():
        connection.execute("INSERT INTO streams (writer, epoch, watermark) VALUES (?, ?, ?)", (writer, epoch, sequence))


def _readable_records(path: Path, position: int) -> list[Record]:
    """Return what can still be read of a damaged file behind a position, and of what waits behind gaps."""
    found: list[Record] = []
    for query, values in (
        ("SELECT data FROM records WHERE position > ? ORDER BY position", (position,)),
        ("SELECT data FROM waiting", ()),
    ):
        # What lies behind the first damaged place of a table is left to the gateways.
        with contextlib.suppress(apsw.Error, IntegrityError), contextlib.closing(apsw.Connection(str(path))) as file:
            for (data,) in file.execute(query, values):
                found.append(unpack(data))
    return found


def _prepare(connection: apsw.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(_SCHEMA)
    connection.execute("COMMIT")


def _land(connection: apsw.Connection, records: Sequence[Record]) -> dict[_Stream, Watermark]:
    row = connection.execute("SELECT position FROM state").fetchone()
    assert row is not None
    start = position = row[0]
    streams: dict[_Stream, _Progress] = {}
    for record in records:
        key = (record.header.writer, record.header.epoch)
        progress = streams.get(key)
        if progress is None:
            progress = streams[key] = _stream(connection, key)
        position = _place(connection, progress, record, position)
    for progress in streams.values():
        if progress.watermark > progress.before:
            position = _fill(connection, progress, position)
            connection.execute("UPDATE streams SET watermark = ? WHERE id = ?", (progress.watermark, progress.id))
    if position > start:
        connection.execute("UPDATE state SET position = ?", (position,))
    return {key: _watermark(connection, key, progress) for key, progress in streams.items()}


def _stream(connection: apsw.Connection, key: _Stream) -> _Progress:
    find = "SELECT id, watermark FROM streams WHERE writer = ? AND epoch = ?"
    row = connection.execute(find, key).fetchone()
    if row is None:
        connection.execute("INSERT INTO streams (writer, epoch, watermark) VALUES (?, ?, 0)", key)
        row = connection.execute(find, key).fetchone()
        assert row is not None
    return _Progress(row[0], row[1], row[1])


def _place(connection: apsw.Connection, progress: _Progress, record: Record, position: int) -> int:
    """Put one record where it belongs and return the newest position."""
    sequence = record.header.sequence
    if sequence == progress.watermark + 1:
        position += 1
        values = (position, progress.id, sequence, record.data)
        connection.execute("INSERT INTO records VALUES (?, ?, ?, ?)", values)
        progress.watermark = sequence
    else:
        if sequence > progress.watermark:
            late = (progress.id, sequence, record.data)
            connection.execute("INSERT OR IGNORE INTO waiting (stream, sequence, data) VALUES (?, ?, ?)", late)
            if connection.changes():
                return position
        if _differs(connection, progress.id, record):
            progress.conflicts.append(sequence)
            connection.execute("UPDATE streams SET conflicts = conflicts + 1 WHERE id = ?", (progress.id,))
    return position


def _differs(connection: apsw.Connection, stream: int, record: Record) -> bool:
    """Return whether the table still holds another record under the same identity."""
    for table in ("records", "waiting"):
        find = f"SELECT data FROM {table} WHERE stream = ? AND sequence = ?"  # noqa: S608 - the names stand above
        row = connection.execute(find, (stream, record.header.sequence)).fetchone()
        if row is not None:
            return bool(row[0] != record.data)
    return False


def _fill(connection: apsw.Connection, progress: _Progress, position: int) -> int:
    """Give a position to the waiting records that the watermark has reached; return the newest position."""
    reached = "DELETE FROM waiting WHERE stream = ? AND sequence <= ?"
    waiting = "SELECT sequence FROM waiting WHERE stream = ? AND sequence > ? ORDER BY sequence"
    move = (
        "INSERT INTO records SELECT ? + sequence, stream, sequence, data FROM waiting WHERE stream = ? AND sequence = ?"
    )
    # A waiting record can also have been overtaken: it came again, and that copy was the next in line.
    connection.execute(reached, (progress.id, progress.watermark))
    offset, end = position - progress.watermark, progress.watermark
    for (sequence,) in connection.execute(waiting, (progress.id, progress.watermark)):
        if sequence != end + 1:
            break
        end = sequence
    if end > progress.watermark:
        steps = [(offset, progress.id, sequence) for sequence in range(progress.watermark + 1, end + 1)]
        connection.executemany(move, steps)
        connection.execute(reached, (progress.id, end))
        progress.watermark = end
    return offset + end


def _watermark(connection: apsw.Connection, key: _Stream, progress: _Progress) -> Watermark:
    rows = connection.execute(
        "SELECT sequence FROM waiting WHERE stream = ? ORDER BY sequence LIMIT ?", (progress.id, _MOST_MISSING)
    )
    missing: list[int] = []
    expected = progress.watermark + 1
    for (sequence,) in rows:
        missing += range(expected, min(sequence, expected + _MOST_MISSING))
        expected = sequence + 1
    refused = ""
    if progress.conflicts:
        refused = f"{Refusal.CONFLICT}: another record holds {_named(key, progress.conflicts[0])}"
    return Watermark(*key, progress.watermark, tuple(missing[:_MOST_MISSING]), refused)


def _one_watermark(connection: apsw.Connection, key: _Stream) -> Watermark:
    row = connection.execute("SELECT id, watermark FROM streams WHERE writer = ? AND epoch = ?", key).fetchone()
    return Watermark(*key, 0) if row is None else _watermark(connection, key, _Progress(row[0], row[1], row[1]))


def _named(key: _Stream, sequence: int) -> str:
    return f"{key[0]}/{key[1]}/{sequence}"


def _watermarks(connection: apsw.Connection) -> dict[_Stream, Watermark]:
    rows: list[Any] = connection.execute("SELECT id, writer, epoch, watermark FROM streams").fetchall()
    return {
        (writer, epoch): _watermark(connection, (writer, epoch), _Progress(stream, watermark, watermark))
        for stream, writer, epoch, watermark in rows
    }


def _after(connection: apsw.Connection, position: int, most_bytes: int) -> tuple[LandedRecord, ...]:
    found: list[LandedRecord] = []
    size = 0
    rows = connection.execute("SELECT position, data FROM records WHERE position > ? ORDER BY position", (position,))
    for at, data in rows:
        size += len(data)
        if found and size > most_bytes:
            break
        found.append(LandedRecord(position=at, record=unpack(data)))
    return tuple(found)


def _forget(connection: apsw.Connection, position: int) -> None:
    connection.execute("DELETE FROM records WHERE position <= ?", (position,))
    connection.execute("UPDATE state SET forgotten = max(forgotten, min(?, position))", (position,))


def _counts(connection: apsw.Connection) -> LandingCounts:
    row = connection.execute(
        "SELECT position, forgotten, (SELECT count(*) FROM waiting), "
        "(SELECT coalesce(sum(conflicts), 0) FROM streams) FROM state"
    ).fetchone()
    assert row is not None
    return LandingCounts(position=row[0], forgotten=row[1], waiting=row[2], conflicts=row[3])
