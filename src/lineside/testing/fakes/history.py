"""A history in memory."""

from __future__ import annotations

from collections.abc import Sequence

from lineside.domain.errors import StorageError
from lineside.ports import LandedRecord


class FakeHistory:
    """Implements `lineside.ports.History`; set ``broken`` to make every append fail."""

    def __init__(self) -> None:
        self.broken = False
        self.held: list[LandedRecord] = []

    async def append(self, records: Sequence[LandedRecord]) -> int:
        """Keep the records that are not held yet."""
        if self.broken:
            raise StorageError("the fake disk is broken")
        position = await self.position()
        self.held += [entry for entry in records if entry.position > position]
        return await self.position()

    async def position(self) -> int:
        """Return the position of the newest record."""
        return self.held[-1].position if self.held else 0
