"""Room in the outbox: how much of it is used, and what goes when there is no more.

Theory of operation. Used are the pages of the file that hold something; pages that a deletion has freed are used
again before the file grows. The limit is the plan's bytes, or less where the disk has not that much to give beyond
its free floor. When a commit would pass the limit, in this order:

1. what the plant has confirmed, and is only kept for a plant that is restored, goes;
2. readings that the plant does not have are reduced as their signals ask, from the oldest on, a stretch at a time.
   A pass covers the older three quarters of what is used and then begins anew, so that what is older is thinned
   more often than what is newer;
3. when a pass finds nothing more to reduce, the oldest eighth goes whatever its signals ask, but for those that drop
   the newest;
4. when that is of no use either, new readings are not kept.

From the first time it is full until it has drained to four fifths, new readings of signals that drop the newest are
not kept. What is not kept on arrival is counted in one *pending* gap in the state's row, which becomes a record now
and then: so a full outbox does not fill up with receipts. Parts, predictions, alerts, receipts are never touched.

All of this happens inside the transaction that it makes room for, and what it does in one transaction is bounded.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import apsw

from lineside.adapters.outbox_accounts import Item
from lineside.domain.buffering import Bounds, Kept, Why, drop_all, join_gaps, reduce_stretch, refuse_newest
from lineside.domain.errors import IntegrityError
from lineside.domain.readings import Catalogue
from lineside.wire.codecs import (
    decode_catalogue,
    decode_readings,
    encode_catalogue,
    encode_readings,
    readings_catalogue,
)
from lineside.wire.records import RecordKind, unpack
from lineside.wire.reduced import decode_reduced, encode_reduced, reduced_catalogue

Rewrite = Callable[[int, RecordKind, bytes, int, int], bytes]
"""Packs a body anew: sequence, kind, body, count, written."""

SPENT: Final = "spent"
"""Kind of a row whose readings have all gone."""
_TARGET: Final = 0.95
_DRAINED: Final = 0.8
_PASS: Final = 0.75
_FORCED_PASS: Final = 0.125
_ROWS: Final = 64
_HEADROOM: Final = 8 * 16_384
"""Bytes of pages that a commit may take beside its bodies: heads, the index, half-filled pages."""
_STRETCH_BYTES: Final = 4 << 20
_STRETCH_SHARE: Final = 32
_BUDGET_BYTES: Final = 16 << 20
_MEASURE_BYTES: Final = 256 << 10
_LAST: Final = (1 << 63) - 1
_AGE_SECONDS: Final = 10.0
_PENDING_SECONDS: Final = 60.0
_READABLE: Final = f"kind IN ('{RecordKind.READINGS}', '{RecordKind.REDUCED}')"


@dataclass(frozen=True, kw_only=True, slots=True)
class Space:
    """How much of the outbox is used, in bytes, and the limit; ``full``: readings are going."""

    used: int = 0
    limit: int = 0
    full: bool = False
    gone: int = 0


@dataclass(slots=True)
class _Row:
    sequence: int
    items: int
    total: int
    lived: int
    size: int
    written: int
    kept: Kept


@dataclass(slots=True)
class Room:
    """Makes room in one outbox file; used by its thread alone. ``rewrite`` packs a record under its identity again."""

    path: Path
    bounds: Bounds
    rewrite: Rewrite
    space: Space = field(default_factory=Space)
    _gone: int = 0
    _full: bool = False
    _stuck: bool = False
    _forced: bool = False
    _progress: bool = False
    _cursor: int = 0
    _passed: int = 0
    _unmeasured: int = 1 << 62
    _aged_at: float = 0.0
    _flushed_at: float = field(default_factory=time.monotonic)
    _catalogues: dict[str, Catalogue] = field(default_factory=dict)
    _pending: bytes = b""

    def load(self, connection: apsw.Connection) -> None:
        """Read what the file knows, after it was opened anew."""
        rows: list[Any] = connection.execute("SELECT body FROM catalogues").fetchall()
        self._catalogues = {item.digest: item for item in (decode_catalogue(body) for (body,) in rows)}
        state: Any = connection.execute("SELECT pending FROM state").fetchone()
        self._pending = bytes(state[0])
        self._unmeasured = 1 << 62

    def admit(
        self, connection: apsw.Connection, items: Sequence[Item], *, last: int, confirmed: int, lived: int
    ) -> list[Item]:
        """Make room for new items and return those that are to be kept, with a pending gap that has become due."""
        self._learn(connection, items)
        incoming = _HEADROOM + sum(len(body) for _, body, _ in items) * 17 // 16
        self._make_room(connection, incoming, last, confirmed, lived)
        if not self._full:
            return [*items, *self._flush(connection)]
        admitted: list[Item] = []
        for item in items:
            admitted += self._refuse(connection, item) if item[0] is RecordKind.READINGS else [item]
        if time.monotonic() - self._flushed_at > _PENDING_SECONDS:
            admitted += self._flush(connection)
        return admitted

    def restart(self) -> None:
        """Begin the next pass at the oldest: the plant has confirmed more, or less, than before."""
        self._stuck = False
        self._unmeasured = 1 << 62

    # -- what is used -------------------------------------------------------------------------------------

    def _measure(self, connection: apsw.Connection) -> Space:
        pages, free, size = (_pragma(connection, name) for name in ("page_count", "freelist_count", "page_size"))
        disk = os.statvfs(self.path.parent)
        spare = disk.f_bavail * disk.f_frsize - self.bounds.free_bytes
        limit = min(self.bounds.bytes, pages * size + max(0, spare))
        self._unmeasured = 0
        self.space = Space(used=(pages - free) * size, limit=limit, full=self._full, gone=self._gone)
        return self.space

    def _make_room(self, connection: apsw.Connection, incoming: int, last: int, confirmed: int, lived: int) -> None:
        self._unmeasured += incoming
        if self._unmeasured < min(_MEASURE_BYTES, self.bounds.bytes // 64) and not self._full:
            return
        self._drop_aged(connection, confirmed, lived)
        space = self._measure(connection)
        if space.used + incoming > space.limit:
            self._full = True
            self._reduce(connection, incoming, last, confirmed)
            space = self._measure(connection)
        elif self._full and space.used < _DRAINED * space.limit:
            self._full = self._stuck = self._forced = False
            self._cursor = self._passed = 0
        self.space = Space(used=space.used, limit=space.limit, full=self._full, gone=self._gone)

    def _reduce(self, connection: apsw.Connection, incoming: int, last: int, confirmed: int) -> None:
        """Free pages until the target is reached, the budget of one transaction spent, or nothing is left."""
        space, budget = self.space, _BUDGET_BYTES
        target = _TARGET * space.limit - incoming
        while self._measure(connection).used > target and _drop_confirmed(connection, confirmed):
            pass
        while not self._stuck and budget > 0 and self._measure(connection).used > target:
            budget -= self._reduce_stretch(connection, last, confirmed)
        if self.space.used > target and budget > 0:
            self._stuck = True

    def _reduce_stretch(self, connection: apsw.Connection, last: int, confirmed: int) -> int:
        """Reduce the next stretch; return the bytes that were read."""
        rows = self._rows(connection, max(self._cursor, confirmed), last)
        if not rows or self._passed > self.space.limit * (_FORCED_PASS if self._forced else _PASS):
            self._end_pass()
            return 1
        self._cursor = rows[-1].sequence
        self._passed += sum(row.size for row in rows)
        policies = self.bounds.policies(rows[0].kept.readings.catalogue)
        reduced = reduce_stretch([row.kept for row in rows], policies, force=self._forced)
        for row, kept in zip(rows, reduced, strict=True):
            self._progress |= self._replace(connection, row, kept)
        return sum(row.size for row in rows)

    def _end_pass(self) -> None:
        """Begin the next pass: by the plan while that is of use, then with force, and then not at all."""
        self._stuck = self._forced and not self._progress
        self._forced = not self._forced and not self._progress
        self._cursor, self._passed, self._progress = 0, 0, False

    def _drop_aged(self, connection: apsw.Connection, confirmed: int, lived: int) -> None:
        """Let go of readings older than the plan's hours, in time that the gateway ran."""
        if time.monotonic() - self._aged_at < _AGE_SECONDS:
            return
        self._aged_at = time.monotonic()
        before = lived - int(self.bounds.hours * 3600)
        if before <= 0:
            return
        oldest = f"SELECT lived FROM records WHERE sequence > ? AND {_READABLE} ORDER BY sequence LIMIT 1"  # noqa: S608 - as below
        at, budget = confirmed, _BUDGET_BYTES
        while budget > 0:
            row: Any = connection.execute(oldest, (at,)).fetchone()
            if row is None or row[0] >= before:
                return
            rows = [item for item in self._rows(connection, at, _LAST) if item.lived < before]
            for item in rows:
                self._replace(connection, item, drop_all(item.kept, Why.AGE), smaller=False)
            if not rows:
                return
            at = rows[-1].sequence
            budget -= sum(item.size for item in rows)

    # -- records ------------------------------------------------------------------------------------------

    def _rows(self, connection: apsw.Connection, after: int, end: int) -> list[_Row]:
        """Return the next rows with readings, of one catalogue, up to a size; a damaged one is left to be set aside."""
        query = f"SELECT sequence, items, total, lived, data FROM records WHERE sequence > ? AND sequence <= ? AND {_READABLE} ORDER BY sequence LIMIT ?"  # noqa: E501, S608 - the kinds are ours
        found: list[_Row] = []
        size = 0
        for sequence, items, total, lived, data in connection.execute(query, (after, end, _ROWS)):
            try:
                record = unpack(data)
                kept = self._decode(record.header.kind, record.body)
            except IntegrityError:
                continue
            if found and kept.readings.catalogue.digest != found[0].kept.readings.catalogue.digest:
                break
            found.append(_Row(sequence, items, total, lived, len(data), record.header.written, kept))
            size += len(data)
            if size >= min(_STRETCH_BYTES, self.bounds.bytes // _STRETCH_SHARE):
                break
        return found

    def _decode(self, kind: RecordKind, body: bytes) -> Kept:
        if kind is RecordKind.REDUCED:
            return decode_reduced(body, self._catalogues)
        digest = readings_catalogue(body)
        if digest not in self._catalogues:
            raise IntegrityError("readings of a catalogue that is not here", field="catalogue", value=digest)
        return Kept(readings=decode_readings(body, self._catalogues[digest]))

    def _replace(self, connection: apsw.Connection, row: _Row, kept: Kept, *, smaller: bool = True) -> bool:
        """Put what is left of a record in its place, unless it must become ``smaller`` and does not."""
        gone, count = len(row.kept.readings) - len(kept.readings), len(kept.readings)
        if not gone:
            return False
        data = self.rewrite(row.sequence, RecordKind.REDUCED, encode_reduced(kept), count, row.written)
        if smaller and len(data) >= row.size:
            return False
        self._gone += gone
        kind = RecordKind.REDUCED.value if count else SPENT
        # Not UPDATE: SQLite joins pages that have become nearly empty when a row is deleted, never when it shrinks.
        connection.execute("DELETE FROM records WHERE sequence = ?", (row.sequence,))
        values = (row.sequence, row.items, row.total, kind, row.lived, data)
        connection.execute("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)", values)
        return True

    # -- what is not kept on arrival ----------------------------------------------------------------------

    def _learn(self, connection: apsw.Connection, items: Sequence[Item]) -> None:
        for kind, body, _ in items:
            if kind is RecordKind.CATALOGUE:
                catalogue = decode_catalogue(body)
                self._catalogues[catalogue.digest] = catalogue
                values = (catalogue.digest, encode_catalogue(catalogue))
                connection.execute("INSERT OR IGNORE INTO catalogues VALUES (?, ?)", values)

    def _refuse(self, connection: apsw.Connection, item: Item) -> list[Item]:
        """Return what is kept of new readings, and count the rest in the pending gap."""
        catalogue = self._catalogues.get(readings_catalogue(item[1]))
        if catalogue is None:
            return [item]
        batch = decode_readings(item[1], catalogue)
        kept = refuse_newest(batch, self.bounds.policies(catalogue), everything=self._stuck)
        if not kept.gaps:
            return [item]
        self._gone += len(batch) - len(kept.readings)
        count = len(kept.readings)
        left: list[Item] = [(RecordKind.READINGS, encode_readings(kept.readings), count)] if count else []
        if self._pending and reduced_catalogue(self._pending) != catalogue.digest:
            left += self._flush(connection)
        before = decode_reduced(self._pending, self._catalogues).gaps if self._pending else ()
        self._keep_pending(
            connection, encode_reduced(Kept(readings=catalogue.nothing(), gaps=join_gaps([*before, *kept.gaps])))
        )
        return left

    def _flush(self, connection: apsw.Connection) -> list[Item]:
        """Return the pending gap as a record to be."""
        self._flushed_at = time.monotonic()
        if not self._pending:
            return []
        due = self._pending
        self._keep_pending(connection, b"")
        return [(RecordKind.REDUCED, due, 0)]

    def _keep_pending(self, connection: apsw.Connection, body: bytes) -> None:
        connection.execute("UPDATE state SET pending = ?", (body,))
        self._pending = body


def _pragma(connection: apsw.Connection, name: str) -> int:
    row = connection.execute(f"PRAGMA {name}").fetchone()
    assert row is not None
    return int(row[0])


def _drop_confirmed(connection: apsw.Connection, confirmed: int) -> bool:
    """Delete some of what the plant has; return whether there was any."""
    query = "DELETE FROM records WHERE sequence IN (SELECT sequence FROM records WHERE sequence <= ? ORDER BY sequence LIMIT ?)"  # noqa: E501
    connection.execute(query, (confirmed, _ROWS))
    return connection.changes() > 0
