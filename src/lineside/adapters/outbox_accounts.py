"""What an outbox has accepted: counts by kind, and by stretch the account that both ends are compared by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import apsw

from lineside.domain.errors import StorageError
from lineside.domain.reconciling import STRETCH, Stretch, stretches_of
from lineside.wire.records import RecordKind
from lineside.wire.reduced import accepted_in

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboxCounts:
    """What an outbox has ever accepted, per kind of record, and what it had to set aside."""

    records: Mapping[RecordKind, int]
    items: Mapping[RecordKind, int]
    set_aside_records: int
    set_aside_items: int


def account(
    connection: apsw.Connection, epoch: str, items: Sequence[tuple[RecordKind, bytes, int]], first: int
) -> None:
    """Take note of the readings that new records stand for, by stretch."""
    readings = {
        sequence: count if kind is RecordKind.READINGS else accepted_in(body)
        for sequence, (kind, body, count) in enumerate(items, first)
        if kind in {RecordKind.READINGS, RecordKind.REDUCED}
    }
    if readings:
        note_stretch(connection, epoch, readings)


def note_stretch(connection: apsw.Connection, epoch: str, readings: Mapping[int, int]) -> None:
    """Add readings, by the sequence of their record, to the stretches in which these lie."""
    for stretch in stretches_of(epoch, readings).values():
        find = "SELECT records, readings, keys FROM stretches WHERE number = ?"
        known: Any = connection.execute(find, (stretch.number,)).fetchone() or (0, 0, 0)
        keys = known[2] ^ _signed(stretch.keys)
        values = (stretch.number, known[0] + stretch.records, known[1] + stretch.readings, keys)
        connection.execute("INSERT OR REPLACE INTO stretches VALUES (?, ?, ?, ?)", values)


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
    rows: list[Any] = connection.execute("SELECT kind, records, items FROM accepted").fetchall()
    aside = connection.execute("SELECT count(*), coalesce(sum(items), 0) FROM set_aside").fetchone()
    assert aside is not None
    return OutboxCounts(
        records={RecordKind(kind): records for kind, records, _ in rows},
        items={RecordKind(kind): items for kind, _, items in rows},
        set_aside_records=aside[0],
        set_aside_items=aside[1],
    )
