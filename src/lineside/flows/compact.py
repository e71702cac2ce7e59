"""From the landing table to the history: everything that has landed, once, and then no longer twice.

Each round, in this order:

1. read what has landed behind the history's position;
2. append it to the history, which makes it durable there;
3. forget it in the landing table.

A crash between any two of these repeats a step whose effect the history recognises.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from lineside.domain.errors import StorageError
from lineside.ports import History, Landing

ROUND_BYTES: Final = 16 << 20
"""Bytes of records in one round."""


@dataclass(slots=True)
class CompactStatus:
    """How far the history has come; ``problem`` is for people, empty while all is well."""

    position: int = 0
    records: int = 0
    problem: str = ""


class Compactor:
    """Moves records in rounds: every ``every`` seconds, or at once while there is more than a round's worth.

    ``tidy`` is called now and then between rounds; the history joins its small files there.
    """

    def __init__(
        self,
        *,
        landing: Landing,
        history: History,
        every: float = 3.0,
        tidy: Callable[[], Awaitable[None]] | None = None,
        tidy_rounds: int = 40,
    ) -> None:
        self._landing = landing
        self._history = history
        self._every = every
        self._tidy = tidy
        self._tidy_rounds = tidy_rounds
        self.status = CompactStatus()

    async def run(self) -> None:
        """Run until cancelled; what is under way then is finished at the next start."""
        rounds = 0
        while True:
            try:
                moved = await self.round()
                rounds += bool(moved)
                if self._tidy is not None and rounds >= self._tidy_rounds:
                    await self._tidy()
                    rounds = 0
            except StorageError as error:
                self.status.problem = str(error)
                moved = False
            if not moved:
                await asyncio.sleep(self._every)

    async def round(self) -> bool:
        """Move one round; return whether there is certainly more to move now."""
        position = await self._history.position()
        records = await self._landing.after(position, ROUND_BYTES)
        if records:
            position = await self._history.append(records)
            self.status.records += len(records)
        await self._landing.forget(position)
        self.status.position = position
        self.status.problem = ""
        return sum(len(entry.record.data) for entry in records) >= ROUND_BYTES // 2
