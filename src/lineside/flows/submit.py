"""Records that the plant itself writes: people's answers, inspections, events at the line.

They take the same way as a gateway's, only shorter: straight into the landing table, under a writer and an
epoch of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from lineside.ports import Clock, Landing
from lineside.wire.codecs import encode_items
from lineside.wire.records import Record, RecordHeader, RecordKind, pack, unpack

Follower = Callable[[Record], Awaitable[None]]


class Submitter:
    """Lands items of one writer, in order.

    Args:
        landing: the plant's landing table.
        writer: who writes, such as ``plant`` or ``inspection``.
        epoch: a random name for this run of the writer.
        site: the site's id.
        line: the line's id.
        clock: the time.
        follow: is handed each record once it is durable.
    """

    def __init__(
        self,
        *,
        landing: Landing,
        writer: str,
        epoch: str,
        site: str,
        line: str,
        clock: Clock,
        follow: Follower | None = None,
    ) -> None:
        self._landing = landing
        self._writer = writer
        self._epoch = epoch
        self._site = site
        self._line = line
        self._clock = clock
        self._follow = follow
        self._sequence = 0
        self._turn = asyncio.Lock()

    async def submit(self, kind: RecordKind, items: Sequence[Any]) -> None:
        """Make items of a kind durable.

        Raises:
            StorageError: they are not.
        """
        async with self._turn:
            header = RecordHeader(
                writer=self._writer,
                epoch=self._epoch,
                sequence=self._sequence + 1,
                site=self._site,
                line=self._line,
                kind=kind,
                count=len(items),
                written=self._clock.now(),
            )
            record = unpack(pack(header, encode_items(items)))
            await self._landing.land([record])
            self._sequence += 1
        if self._follow is not None:
            await self._follow(record)
