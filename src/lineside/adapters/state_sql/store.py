"""What every store of the state shares: one transaction in a thread, foreign errors translated.

A transaction is all or nothing, and is made again where the database says that this helps: it met another one, or the
server was not there (PostgreSQL alone; SQLite waits by itself). One whose commit got no answer is *not* made again: it
may have been done. Whoever asked hears so, and looks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import IntegrityError as RowRefusedError

from lineside.domain.errors import InputError, StorageError

PATIENCE: Final = 35.0
"""Seconds that a state which is held by others or starts anew is waited for."""
_PAUSES: Final = (0.02, 0.1, 0.5)
_MET_ANOTHER: Final = frozenset({"40001", "40P01"})
"""PostgreSQL's serialization_failure and deadlock_detected."""
_NOT_THERE: Final = ("08", "57P", "53300")
"""Its connection exceptions, operator interventions (shutting down, starting up) and too_many_connections."""

_T = TypeVar("_T")


class Store:
    """A group of tables behind one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def _run(self, work: Callable[[Connection], _T]) -> _T:
        """Return what the work returns, done in one transaction; it may be called again."""
        return await asyncio.to_thread(transact, self._engine, work)


def transact(engine: Engine, work: Callable[[Connection], _T], patience: float = PATIENCE) -> _T:
    """Return what the work returns, done in one transaction, which is made again as long as that may help.

    Raises:
        InputError: a row is there already, or refers to nothing.
        StorageError: the state cannot be read or written.
    """
    end, tries = time.monotonic() + patience, 0
    while True:
        try:
            return _once(engine, work)
        except SQLAlchemyError as error:
            if not (passes(error) or (_race(error) and not tries)) or time.monotonic() > end:
                raise _translated(error) from error
        time.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)])
        tries += 1


def passes(error: SQLAlchemyError) -> bool:
    """Return whether what went wrong is over by itself: another transaction, or a server that is not there."""
    if not isinstance(error, DBAPIError):
        return False
    state = _sqlstate(error)
    if state is None:  # no word of the server itself: there was no connection
        return error.connection_invalidated or _without_server(error)
    return state in _MET_ANOTHER or state.startswith(_NOT_THERE)


def _once(engine: Engine, work: Callable[[Connection], _T]) -> _T:
    with engine.connect() as connection:
        transaction = connection.begin()
        with transaction:
            result = work(connection)
            try:
                transaction.commit()
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise StorageError(
                        "the state did not say whether it has kept what it was given",
                        next_step="look whether it is there before it is done again",
                    ) from error
                raise
        return result


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _without_server(error: DBAPIError) -> bool:
    """Return whether PostgreSQL could not be reached; what goes wrong with a file is no such thing."""
    module = type(error.orig).__module__
    return module.startswith("psycopg") and type(error.orig).__name__ in {"OperationalError", "ConnectionTimeout"}


def _race(error: SQLAlchemyError) -> bool:
    """Return whether PostgreSQL refused a row that another transaction has just added."""
    return isinstance(error, RowRefusedError) and _sqlstate(error) == "23505"


def _translated(error: SQLAlchemyError) -> InputError | StorageError:
    if isinstance(error, RowRefusedError):
        return InputError("such a row is there already, or refers to nothing")
    # The driver's own words may quote parameters; the type is enough to act on.
    return StorageError(f"the state could not be read or written: {type(error).__name__}")
