"""What an outbox has accepted: counts by kind, and by stretch the account that both ends are compared by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import apsw
import msgspec

from lineside.domain.errors import StorageError
from lineside.domain.reconciling import STRETCH, Stretch, key_hash
from lineside.wire.records import RecordKind
from lineside.wire.reduced import accepted_in

_T = TypeVar("_T")
Item = tuple[RecordKind, bytes, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboxCounts:
    """What an outbox has ever accepted, per kind of record, and what it had to set aside."""

    records: Mapping[RecordKind, int]
    items: Mapping[RecordKind, int]
    set_aside_records: int
    set_aside_items: int


class Tally(msgspec.Struct):
    """What an outbox has accepted so far, and the account of the stretch that is not full yet.

    It stands in the row of the file's state, which every commit writes in any case: a row more, in a page of its own,
    would make each alert wait. A stretch that is full goes into the table of them.

    ``accepted`` has records and items by kind; ``number`` is that of the stretch.
    """

    accepted: dict[str, tuple[int, int]] = {}
    number: int = 0
    records: int = 0
    readings: int = 0
    keys: int = 0

    def accept(self, items: Sequence[Item]) -> None:
        """Count items that are accepted."""
        for kind, _, count in items:
            records, sum_of_items = self.accepted.get(kind.value, (0, 0))
            self.accepted[kind.value] = (records + 1, sum_of_items + count)

    def account(self, connection: apsw.Connection, epoch: str, items: Sequence[Item], first: int) -> None:
        """Take note of the readings that new records from a sequence on stand for."""
        for sequence, (kind, body, count) in enumerate(items, first):
            if sequence // STRETCH != self.number:
                self._turn(connection, sequence // STRETCH)
            if kind in {RecordKind.READINGS, RecordKind.REDUCED}:
                self._add(epoch, sequence, count if kind is RecordKind.READINGS else accepted_in(body))
        if (last := first + len(items) - 1) % STRETCH == STRETCH - 1:
            self._turn(connection, last // STRETCH + 1)

    def note(self, connection: apsw.Connection, epoch: str, sequence: int, readings: int) -> None:
        """Take note of the readings that a record stands for which was there before."""
        number = sequence // STRETCH
        if number == self.number:
            self._add(epoch, sequence, readings)
        else:
            find = "SELECT records, readings, keys FROM stretches WHERE number = ?"
            known: Any = connection.execute(find, (number,)).fetchone() or (0, 0, 0)
            keys = known[2] ^ _signed(key_hash(epoch, sequence))
            _put(connection, number, known[0] + 1, known[1] + readings, keys)

    def begin_anew(self) -> None:
        """Forget the account of stretches: another epoch begins."""
        self.number = self.records = self.readings = self.keys = 0

    def _add(self, epoch: str, sequence: int, readings: int) -> None:
        self.records += 1
        self.readings += readings
        self.keys ^= key_hash(epoch, sequence)

    def _turn(self, connection: apsw.Connection, number: int) -> None:
        if self.records:
            _put(connection, self.number, self.records, self.readings, _signed(self.keys))
        self.number, self.records, self.readings, self.keys = number, 0, 0, 0


def read_tally(connection: apsw.Connection) -> Tally:
    """Return what a file has accepted; an earlier version kept it in tables."""
    row: Any = connection.execute("SELECT tally, last FROM state").fetchone()
    if row[0]:
        return msgspec.msgpack.decode(row[0], type=Tally)
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    count = "SELECT kind, records, items FROM accepted"
    counted: list[Any] = connection.execute(count).fetchall() if "accepted" in tables else []
    number = (row[1] + 1) // STRETCH
    find = "SELECT records, readings, keys FROM stretches WHERE number = ?"
    open_one: Any = connection.execute(find, (number,)).fetchone() or (0, 0, 0)
    return Tally(
        accepted={kind: (records, items) for kind, records, items in counted},
        number=number,
        records=open_one[0],
        readings=open_one[1],
        keys=open_one[2] % (1 << 64),
    )


class OutboxAccounts:
    """What an outbox has accepted, read from its file beside the gateway that holds it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def epoch(self) -> str:
        """The random name of the outbox file."""
        return str(self._read(lambda connection: connection.execute("SELECT epoch FROM state").fetchall()[0][0]))

    async def stretches(self, after: int, most: int) -> tuple[Stretch, ...]:
        """Return the newest stretches behind a number that the plant has confirmed to their end, ascending."""
        return self._read(lambda connection: stretches(connection, after, most))

    def _read(self, question: Callable[[apsw.Connection], _T]) -> _T:
        try:
            connection = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READONLY)
            try:
                connection.set_busy_timeout(5_000)
                return question(connection)
            finally:
                connection.close()
        except apsw.Error as error:
            raise StorageError(f"the outbox cannot be read: {error}", where=str(self._path)) from error


def stretches(connection: apsw.Connection, after: int, most: int) -> tuple[Stretch, ...]:
    """Return the newest stretches behind a number that the plant has confirmed to their end, ascending."""
    query = (
        "SELECT number, records, readings, keys FROM stretches, state WHERE number > ? AND number >= accounts_from "
        "AND (number + 1) * ? - 1 <= confirmed ORDER BY number DESC LIMIT ?"
    )
    rows: list[Any] = connection.execute(query, (after, STRETCH, most)).fetchall()
    return tuple(
        Stretch(number=number, records=records, readings=readings, keys=keys % (1 << 64))
        for number, records, readings, keys in reversed(rows)
    )


def _signed(number: int) -> int:
    """Return 64 bits as SQLite keeps them."""
    return number - (1 << 64) if number >= 1 << 63 else number


def counts(connection: apsw.Connection) -> OutboxCounts:
    """Return what was ever accepted and set aside."""
    accepted = read_tally(connection).accepted
    aside = connection.execute("SELECT count(*), coalesce(sum(items), 0) FROM set_aside").fetchone()
    assert aside is not None
    return OutboxCounts(
        records={RecordKind(kind): records for kind, (records, _) in accepted.items()},
        items={RecordKind(kind): items for kind, (_, items) in accepted.items()},
        set_aside_records=aside[0],
        set_aside_items=aside[1],
    )


def _put(connection: apsw.Connection, number: int, records: int, readings: int, keys: int) -> None:
    connection.execute("INSERT OR REPLACE INTO stretches VALUES (?, ?, ?, ?)", (number, records, readings, keys))
