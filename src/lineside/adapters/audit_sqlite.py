"""An audit chain in a SQLite file that takes entries and nothing else.

Triggers refuse to change or delete an entry, the file is written with ``synchronous=FULL``, and every
`CHECKPOINT_ENTRIES` entries, as well as at closing, a checkpoint signed with Ed25519 goes into a file beside it, while
the next entries are written: an alert does not wait for it. Who can write both files and holds the key can still cut
off the end: what other writers have witnessed shows that.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import apsw
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from lineside.adapters.durable_files import load_key, sync_path
from lineside.adapters.sqlite_thread import SqliteThread
from lineside.domain.audit import GENESIS, AuditEntry, Mark, canonical, make_entry
from lineside.domain.errors import IntegrityError
from lineside.ports import Clock

CHECKPOINT_ENTRIES: Final = 64
_ADD: Final = "INSERT INTO entry (writer, sequence, time, action, content, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?)"
_READ: Final = (
    "SELECT writer, sequence, time, action, content, previous, hash FROM entry WHERE sequence > ? ORDER BY sequence"
)
_READ_LAST: Final = (
    "SELECT writer, sequence, time, action, content, previous, hash FROM entry ORDER BY sequence DESC LIMIT 1"
)
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS entry (
  sequence INTEGER PRIMARY KEY, writer TEXT NOT NULL, time INTEGER NOT NULL, action TEXT NOT NULL,
  content TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE TRIGGER IF NOT EXISTS entry_stays BEFORE UPDATE ON entry
  BEGIN SELECT RAISE(ABORT, 'an audit entry is never changed'); END;
CREATE TRIGGER IF NOT EXISTS entry_remains BEFORE DELETE ON entry
  BEGIN SELECT RAISE(ABORT, 'an audit entry is never deleted'); END;
"""


class SqliteAudit:
    """`lineside.ports.AuditLog` in one file; make one with `open`."""

    def __init__(self, path: Path, *, writer: str, clock: Clock, key: Ed25519PrivateKey) -> None:
        self._path = path
        self._writer = writer
        self._clock = clock
        self._key = key
        self._thread = SqliteThread(path, _prepare)
        self._since_checkpoint = 0
        self._signing: asyncio.Task[None] | None = None
        self.last: AuditEntry | None = None

    @classmethod
    async def open(cls, path: Path, *, writer: str, clock: Clock, key: Path) -> SqliteAudit:
        """Open a writer's chain in a file; ``key`` is the file of the signing key, made where there is none.

        Raises:
            StorageError: the file cannot be opened.
        """
        audit = cls(path, writer=writer, clock=clock, key=Ed25519PrivateKey.from_private_bytes(load_key(key)))
        audit.last = await audit._thread.run(_last, writes=False)
        return audit

    async def append(self, action: str, content: Mapping[str, object]) -> AuditEntry:
        """Add an entry durably and return it.

        Raises:
            StorageError: it is not durable; what it speaks of must not be shown.
        """
        text, now = canonical(content), self._clock.now()

        def add(connection: apsw.Connection) -> AuditEntry:
            last = _last(connection)
            entry = make_entry(
                writer=self._writer,
                sequence=1 if last is None else last.sequence + 1,
                time=now,
                action=action,
                content=text,
                previous=GENESIS if last is None else last.hash,
            )
            connection.execute(_ADD, _row(entry))
            return entry

        entry = await self._thread.run(add)
        if self.last is None or entry.sequence > self.last.sequence:
            self.last = entry
        self._since_checkpoint += 1
        if self._since_checkpoint >= CHECKPOINT_ENTRIES:
            await self._signed()
            self._since_checkpoint = 0
            self._signing = asyncio.create_task(asyncio.to_thread(self._checkpoint, self.last), name="checkpoint")
        return entry

    async def entries(self, after: int = 0) -> tuple[AuditEntry, ...]:
        """Return the entries behind a sequence, ascending."""
        return await self._thread.run(lambda connection: _entries(connection, after), writes=False)

    async def close(self) -> None:
        """Sign how far the chain has come, and close the file."""
        try:
            await self._signed()
            if self._since_checkpoint and self.last is not None:
                self._checkpoint(self.last)
                self._since_checkpoint = 0
        finally:
            await self._thread.close()

    async def _signed(self) -> None:
        """Wait for the checkpoint before, and raise what it failed with."""
        signing, self._signing = self._signing, None
        if signing is not None:
            await signing

    def _checkpoint(self, last: AuditEntry) -> None:
        mark = canonical({"writer": self._writer, "sequence": last.sequence, "hash": last.hash})
        signature = self._key.sign(mark.encode()).hex()
        path = checkpoint_file(self._path)
        with path.open("a", encoding="utf-8") as file:
            file.write(canonical({"mark": mark, "signature": signature}) + "\n")
        sync_path(path)


def checkpoint_file(path: Path) -> Path:
    """Return where the checkpoints of the chain in a file are kept."""
    return path.with_suffix(".checkpoints")


def read_chain(path: Path) -> tuple[AuditEntry, ...]:
    """Return all entries in a file, as they are stored, without changing it.

    Raises:
        IntegrityError: the file is no audit record.
    """
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return _entries(connection, -1)
        finally:
            connection.close()
    except apsw.Error as error:
        raise IntegrityError(f"not a readable audit record: {error}", where=str(path)) from error


def read_checkpoints(path: Path, key: Path) -> tuple[Mark, ...]:
    """Return the checkpoints of the chain in a file, their signatures checked.

    Raises:
        IntegrityError: a checkpoint was changed, or signed by somebody else.
    """
    public: Ed25519PublicKey = Ed25519PrivateKey.from_private_bytes(load_key(key)).public_key()
    file = checkpoint_file(path)
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return tuple(_mark(line, public, file) for line in lines)


def _mark(line: str, public: Ed25519PublicKey, file: Path) -> Mark:
    try:
        checkpoint: dict[str, str] = json.loads(line)
        public.verify(bytes.fromhex(checkpoint["signature"]), checkpoint["mark"].encode())
        mark: dict[str, Any] = json.loads(checkpoint["mark"])
        return Mark(writer=mark["writer"], sequence=mark["sequence"], hash=mark["hash"], witness="a signed checkpoint")
    except (ValueError, KeyError, TypeError, InvalidSignature) as error:
        raise IntegrityError(
            "a checkpoint was changed, or signed with another key", where=str(file), value=line
        ) from error


def _prepare(connection: apsw.Connection) -> None:
    connection.execute(_SCHEMA)


def _last(connection: apsw.Connection) -> AuditEntry | None:
    rows = connection.execute(_READ_LAST).fetchall()
    return _entry(rows[0]) if rows else None


def _entries(connection: apsw.Connection, after: int) -> tuple[AuditEntry, ...]:
    return tuple(_entry(row) for row in connection.execute(_READ, (after,)))


def _entry(row: tuple[Any, ...]) -> AuditEntry:
    writer, sequence, time, action, content, previous, digest = row
    return AuditEntry(
        writer=writer,
        sequence=sequence,
        time=time,
        action=action,
        content=content,
        previous=previous,
        hash=digest,
    )


def _row(entry: AuditEntry) -> tuple[Any, ...]:
    return (
        entry.writer,
        entry.sequence,
        entry.time,
        entry.action,
        entry.content,
        entry.previous,
        entry.hash,
    )
