"""Copying a whole state into another database: from a file to PostgreSQL and back, and into a backup."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, Table, func, select

from lineside.adapters.state_sql.store import transact
from lineside.adapters.state_sql.tables import metadata
from lineside.domain.errors import ConfigurationError

_AT_A_TIME = 1_000


def copy_state(source: Engine, target: Engine) -> int:
    """Copy every row, as one moment shows them, into a state that holds none; return how many.

    Both are of the newest schema, as `open_engine` leaves them. The target has all of them or none.

    Raises:
        ConfigurationError: the target holds something.
        StorageError: one of them could not be read or written.
    """
    return transact(source, lambda read: transact(target, lambda write: _copied(read, write)))


def rows_in(engine: Engine) -> dict[str, int]:
    """Return the number of rows by table."""
    return transact(engine, _counted)


def _counted(connection: Connection) -> dict[str, int]:
    count = select(func.count())
    return {table.name: connection.execute(count.select_from(table)).scalar_one() for table in metadata.sorted_tables}


def _copied(read: Connection, write: Connection) -> int:
    there = {name: count for name, count in _counted(write).items() if count}
    if there:
        raise ConfigurationError(
            "the database holds a state already",
            field="URL",
            value=", ".join(f"{name}: {count}" for name, count in there.items()),
            next_step="name an empty database: nothing is written over anything",
        )
    copied = 0
    for table in metadata.sorted_tables:
        for rows in read.execute(select(table)).mappings().partitions(_AT_A_TIME):
            write.execute(table.insert(), [dict(row) for row in rows])
            copied += len(rows)
        _number_on(write, table)
    return copied


def _number_on(write: Connection, table: Table) -> None:
    """Let PostgreSQL number on behind the rows that were copied, where it numbers them itself."""
    number = table.autoincrement_column
    if number is None or write.dialect.name != "postgresql":
        return
    sequence = write.scalar(select(func.pg_get_serial_sequence(table.name, number.name)))
    highest = write.scalar(select(func.max(number)))
    if sequence is not None and highest is not None:
        write.execute(select(func.setval(sequence, highest)))
