"""An outbox in memory, whose disk can be made to fail."""

from __future__ import annotations

from collections.abc import Sequence

from lineside.domain.errors import StorageError
from lineside.domain.quarantine import RAW_LIMIT, Quarantined
from lineside.wire.codecs import encode_items
from lineside.wire.records import Record, RecordHeader, RecordKind, pack, unpack


class FakeOutbox:
    """Implements `lineside.ports.Outbox`; set ``broken`` to make every commit fail."""

    def __init__(self, writer: str = "gw", site: str = "site", line: str = "line", epoch: str = "fake") -> None:
        self.writer = writer
        self.site = site
        self.line = line
        self.epoch = epoch
        self.last = 0
        self.begun = 0
        self.records: dict[int, Record] = {}
        self.aside: dict[int, str] = {}
        self.broken = False

    async def commit(self, items: Sequence[tuple[RecordKind, bytes, int]]) -> tuple[int, ...]:
        """Keep the bodies and return their sequences."""
        if self.broken:
            raise StorageError("the fake disk is broken")
        first = self.last + 1
        for kind, body, count in items:
            self.last += 1
            self.records[self.last] = self._record(self.last, kind, body, count)
        return tuple(range(first, self.last + 1))

    async def unsent(self, after: int, most_bytes: int) -> tuple[Record, ...]:
        """Return the records behind a sequence, up to a size."""
        found: list[Record] = []
        size = 0
        for sequence in sorted(key for key in self.records if key > after):
            size += len(self.records[sequence].data)
            if found and size > most_bytes:
                break
            found.append(self.records[sequence])
        return tuple(found)

    async def renew(self) -> None:
        """Begin a new epoch with what was committed since `begun`."""
        old = [record for sequence, record in sorted(self.records.items()) if sequence > self.begun]
        self.epoch, self.last, self.begun, self.records = f"{self.epoch}+", 0, 0, {}
        await self.commit([(record.header.kind, record.body, record.header.count) for record in old])

    async def set_aside(self, sequence: int, reason: str) -> bool:
        """Put a quarantine record in the place of another."""
        old = self.records[sequence]
        self.aside[sequence] = reason
        note = Quarantined(
            source=self.writer,
            reason="record",
            detail=reason,
            raw=old.data[:RAW_LIMIT],
            received=0,
            count=old.header.count,
        )
        self.records[sequence] = self._record(sequence, RecordKind.QUARANTINE, encode_items([note]), 1)
        return True

    async def forget(self, watermark: int) -> None:
        """Delete everything up to the watermark."""
        self.records = {key: record for key, record in self.records.items() if key > watermark}

    async def close(self) -> None:
        """Do nothing: memory needs no closing."""

    def _record(self, sequence: int, kind: RecordKind, body: bytes, count: int) -> Record:
        header = RecordHeader(self.writer, self.epoch, sequence, self.site, self.line, kind, count, 0)
        return unpack(pack(header, body))
