"""What every store of the state shares: one transaction in a thread, foreign errors translated."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError as RowRefusedError
from sqlalchemy.exc import SQLAlchemyError

from lineside.domain.errors import InputError, StorageError

_T = TypeVar("_T")


class Store:
    """A group of tables behind one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def _run(self, work: Callable[[Connection], _T]) -> _T:
        """Return what the work returns, done in one transaction."""
        return await asyncio.to_thread(self._transact, work)

    def _transact(self, work: Callable[[Connection], _T]) -> _T:
        try:
            with self._engine.begin() as connection:
                return work(connection)
        except RowRefusedError as error:
            raise InputError("such a row is there already, or refers to nothing") from error
        except SQLAlchemyError as error:
            # The driver's own words may quote parameters; the type is enough to act on.
            raise StorageError(f"the state could not be read or written: {type(error).__name__}") from error
