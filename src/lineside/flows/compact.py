"""From the landing table to the history: everything that has landed, once, and then no longer twice.

Each round, in this order:

1. read what has landed behind the history's position;
2. append it to the history, which makes it durable there;
3. hand it to whoever follows (losing that is harmless);
4. forget in the landing table what is well behind: a stretch stays, from which a damaged history can be mended.

A crash between any two of these repeats a step whose effect the history recognises.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from lineside.domain.errors import StorageError
from lineside.ports import History, LandedRecord, Landing
from lineside.wire.records import Record

ROUND_BYTES: Final = 16 << 20
"""Bytes of records in one round."""
KEEP_POSITIONS: Final = 2_000
"""Records that stay in the landing table behind the history."""


@dataclass(slots=True)
class CompactStatus:
    """How far the history has come; ``problem`` is for people, empty while all is well."""

    position: int = 0
    records: int = 0
    problem: str = ""


class Compactor:
    """Moves records in rounds: every ``every`` seconds, or at once while there is more than a round's worth.

    ``tidy`` is called after so many rounds that moved something; the history joins its small files there. ``follow``
    is handed every record that has just been added to the history. ``keep`` records stay in the landing table.
    """

    def __init__(
        self,
        *,
        landing: Landing,
        history: History,
        every: float = 3.0,
        tidy: Callable[[], Awaitable[None]] | None = None,
        tidy_rounds: int = 40,
        follow: Callable[[Record], Awaitable[None]] | None = None,
        keep: int = KEEP_POSITIONS,
    ) -> None:
        self._landing = landing
        self._history = history
        self._every = every
        self._tidy = tidy
        self._tidy_rounds = tidy_rounds
        self._follow = follow
        self._keep = keep
        self._untidy = 0
        self.status = CompactStatus()

    async def run(self) -> None:
        """Run until cancelled; what is under way then is finished at the next start."""
        while True:
            try:
                more = await self.round()
                if self._tidy is not None and self._untidy >= self._tidy_rounds:
                    await self._tidy()
                    self._untidy = 0
            except StorageError as error:
                self.status.problem = str(error)
                more = False
            if not more:
                await asyncio.sleep(self._every)

    async def round(self) -> bool:
        """Move one round; return whether there is certainly more to move now."""
        position = await self._history.position()
        records = await self._landing.after(position, ROUND_BYTES)
        if records:
            position = await self._history.append(records)
            self.status.records += len(records)
            self._untidy += 1
            await self._tell(records)
        await self._landing.forget(max(position - self._keep, 0))
        self.status.position = position
        self.status.problem = ""
        return sum(len(entry.record.data) for entry in records) >= ROUND_BYTES // 2

    async def _tell(self, records: Sequence[LandedRecord]) -> None:
        if self._follow is not None:
            for entry in records:
                await self._follow(entry.record)
