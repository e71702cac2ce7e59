"""What a watched folder has given so far: a row per file and content, durable before a file counts as taken.

A file is known again by its name, size and version (its time or entity tag), without reading it; its content by
its SHA-256. `States` of a row: *open* (taken up to a row), *taken*, *duplicate* (its content had been taken under
another name) and *refused* (its content cannot be read). The last three are final: such a file is not read again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import apsw

from lineside.adapters.files.places import Found
from lineside.adapters.sqlite_thread import SqliteThread
from lineside.domain.units import DAY

REMEMBERED: Final = 400 * DAY
"""How long a file is remembered that is no longer in the folder, in nanoseconds."""
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS files (
  id INTEGER PRIMARY KEY, name BLOB NOT NULL, size INTEGER NOT NULL, version TEXT NOT NULL, digest TEXT NOT NULL,
  label TEXT NOT NULL, state TEXT NOT NULL, row INTEGER NOT NULL, before INTEGER NOT NULL, whole INTEGER NOT NULL,
  readings INTEGER NOT NULL, changed INTEGER NOT NULL, moved BLOB NOT NULL,
  UNIQUE (name, size, version, digest));
CREATE INDEX IF NOT EXISTS by_digest ON files (digest);
"""
_FIELDS: Final = "name, size, version, digest, label, state, row, before, whole, readings, changed, moved"


class State(StrEnum):
    """What became of a file."""

    OPEN = "open"
    TAKEN = "taken"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One file with one content.

    ``row`` is the number of the last row that is durable, ``before`` how many rows the files before it had,
    ``label`` the name that its parts carry, ``whole`` whether its last line had an end,
    ``readings`` how many readings or part rows it gave, ``changed`` when the row was
    written (UTC ns), ``moved`` where it was moved to.
    """

    name: str
    size: int
    version: str
    digest: str
    label: str
    state: State = State.OPEN
    row: int = 0
    before: int = 0
    whole: bool = True
    readings: int = 0
    changed: int = 0
    moved: str = ""

    @property
    def identity(self) -> tuple[str, int, str]:
        """By which it is known again without reading it."""
        return self.name, self.size, self.version


class Ledger:
    """The files of one source, in SQLite."""

    def __init__(self, path: Path | None) -> None:
        self._thread = SqliteThread(Path(":memory:") if path is None else path, _prepare)

    async def known(self, found: Found) -> Entry | None:
        """Return what is known of a file, by its identity: the newest of it."""
        identity = (_stored(found.name), found.size, found.version)
        return await self._one("name = ? AND size = ? AND version = ? ORDER BY id DESC", identity)

    async def with_content(self, digest: str) -> Entry | None:
        """Return the file that gave this content, if one did."""
        return await self._one("digest = ? AND state = 'taken'", (digest,))

    async def last_under(self, name: str) -> Entry | None:
        """Return the newest content that was taken under a name."""
        return await self._one("name = ? AND state = 'taken' ORDER BY id DESC", (_stored(name),))

    async def has_label(self, label: str) -> bool:
        """Return whether the parts of another file carry this name."""
        return await self._one("label = ?", (label,)) is not None

    async def unmoved(self, names: tuple[str, ...]) -> list[Entry]:
        """Return those of the named files that were taken and lie where they lay."""
        marks = ",".join("?" * len(names))

        def read(connection: apsw.Connection) -> list[Entry]:
            rows = connection.execute(
                f"SELECT {_FIELDS} FROM files WHERE name IN ({marks}) AND moved = x'' "  # noqa: S608 - our own names
                "AND state IN ('taken', 'duplicate')",
                tuple(map(_stored, names)),
            )
            return [_entry(row) for row in rows]

        return await self._thread.run(read, writes=False)

    async def write(self, entry: Entry) -> None:
        """Make an entry durable, in the place of what was known of the same file."""
        said = [getattr(entry, name) for name in _FIELDS.split(", ")]
        values = (_stored(entry.name), *said[1:-1], _stored(entry.moved))
        marks = ", ".join("?" * len(values))
        updates = ", ".join(f"{name} = excluded.{name}" for name in _FIELDS.split(", ")[4:])

        def work(connection: apsw.Connection) -> None:
            connection.execute(
                f"INSERT INTO files ({_FIELDS}) VALUES ({marks}) "  # noqa: S608 - our own names
                f"ON CONFLICT (name, size, version, digest) DO UPDATE SET {updates}",
                values,
            )

        await self._thread.run(work)

    async def rows(self) -> int:
        """Return how many rows all files that were taken have: each content once."""

        def read(connection: apsw.Connection) -> int:
            query = "SELECT coalesce(max(before + row), 0) FROM files WHERE state IN ('open', 'taken')"
            return int(next(connection.execute(query))[0])

        return await self._thread.run(read, writes=False)

    async def prune(self, listed: frozenset[str], now: int) -> None:
        """Forget files that have long been settled and are no longer there."""

        def work(connection: apsw.Connection) -> None:
            old = connection.execute("SELECT id, name FROM files WHERE changed < ?", (now - REMEMBERED,)).fetchall()
            here = set(map(_stored, listed))
            gone = [(number,) for number, name in old if name not in here]
            connection.executemany("DELETE FROM files WHERE id = ?", gone)

        await self._thread.run(work)

    async def close(self) -> None:
        """Close the file."""
        await self._thread.close()

    async def _one(self, where: str, values: tuple[Any, ...]) -> Entry | None:
        def read(connection: apsw.Connection) -> Entry | None:
            query = f"SELECT {_FIELDS} FROM files WHERE {where} LIMIT 1"  # noqa: S608 - our own names
            row = next(connection.execute(query, values), None)
            return None if row is None else _entry(row)

        return await self._thread.run(read, writes=False)


def _prepare(connection: apsw.Connection) -> None:
    connection.execute(_TABLE)


def _stored(name: str) -> bytes:
    """Return a name as it is kept: bytes, since names of old machines are not all UTF-8."""
    return name.encode(errors="surrogateescape")


def _entry(row: Any) -> Entry:
    said = dict(zip(_FIELDS.split(", "), row, strict=True))
    names = {key: bytes(said[key]).decode(errors="surrogateescape") for key in ("name", "moved")}
    entry = Entry(**(said | names))
    return replace(entry, state=State(entry.state), whole=bool(entry.whole))
