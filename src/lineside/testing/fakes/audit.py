"""An audit record in memory, whose disk can be made to fail."""

from __future__ import annotations

from collections.abc import Mapping

from lineside.domain.audit import GENESIS, AuditEntry, canonical, make_entry
from lineside.domain.errors import StorageError
from lineside.ports import Clock
from lineside.testing.clocks import ManualClock


class FakeAudit:
    """Implements `lineside.ports.AuditLog`; set ``broken`` to make every entry fail."""

    def __init__(self, writer: str = "fake", clock: Clock | None = None) -> None:
        self.broken = False
        self.kept: list[AuditEntry] = []
        self._writer = writer
        self._clock = clock or ManualClock()

    async def append(self, action: str, content: Mapping[str, object]) -> AuditEntry:
        """Keep an entry and return it."""
        if self.broken:
            raise StorageError("the fake disk is broken")
        previous = self.kept[-1].hash if self.kept else GENESIS
        entry = make_entry(
            writer=self._writer,
            sequence=len(self.kept) + 1,
            time=self._clock.now(),
            action=action,
            content=canonical(content),
            previous=previous,
        )
        self.kept.append(entry)
        return entry

    async def entries(self, after: int = 0) -> tuple[AuditEntry, ...]:
        """Return the entries behind a sequence."""
        return tuple(self.kept[after:])
