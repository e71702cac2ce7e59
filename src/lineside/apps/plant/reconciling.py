"""What the history holds of a gateway's stretches: the plant's side of the comparison of both ends."""

from __future__ import annotations

import asyncio
from typing import Final

from lineside.adapters.history_query import HistoryQuery, quoted
from lineside.adapters.landing_sqlite import SqliteLanding
from lineside.domain.errors import StorageError
from lineside.domain.reconciling import STRETCH, Stretch, stretches_of
from lineside.ports import History
from lineside.wire.claims import Claim

WAIT_SECONDS: Final = 20.0
_HELD: Final = """
SELECT sequence, sum(n)::BIGINT AS n FROM (
  SELECT sequence, count(*) AS n FROM readings WHERE {0} GROUP BY ALL
  UNION ALL SELECT sequence, count AS n FROM receipts WHERE {0} AND starts_with(id, 'buffer-')
  UNION ALL SELECT sequence, count AS n FROM quarantine WHERE {0} AND reason = 'record'
) GROUP BY sequence
"""


async def caught_up(history: History, position: int) -> None:
    """Return once a history holds all that has landed up to a position.

    Raises:
        StorageError: it does not get there in `WAIT_SECONDS`.
    """
    deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
    while await history.position() < position:
        if asyncio.get_running_loop().time() > deadline:
            raise StorageError("the history does not catch up with what has landed")
        await asyncio.sleep(0.2)


class HistoryAccounts:
    """Answers claims from the history, once it holds all that has landed."""

    def __init__(self, *, landing: SqliteLanding, history: History, query: HistoryQuery) -> None:
        self._landing = landing
        self._history = history
        self._query = query

    async def held(self, claim: Claim) -> tuple[Stretch, ...]:
        """Return what the history holds of the claimed stretches.

        Raises:
            StorageError: the history does not catch up with what has landed.
        """
        if not claim.stretches:
            return ()
        await caught_up(self._history, (await self._landing.counts()).position)
        numbers = [item.number for item in claim.stretches]
        return await asyncio.to_thread(self._held, claim, min(numbers), max(numbers))

    def _held(self, claim: Claim, first: int, last: int) -> tuple[Stretch, ...]:
        where = f"writer = {quoted(claim.writer)} AND epoch = {quoted(claim.epoch)}"
        where += f" AND sequence BETWEEN {first * STRETCH} AND {(last + 1) * STRETCH - 1}"
        found = self._query.sql(_HELD.format(where))
        pairs = zip(found.column("sequence").to_pylist(), found.column("n").to_pylist(), strict=True)
        return tuple(stretches_of(claim.epoch, dict(pairs)).values())
