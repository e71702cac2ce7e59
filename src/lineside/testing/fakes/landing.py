"""A landing table in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lineside.domain.errors import StorageError
from lineside.ports import LandedRecord
from lineside.wire.records import Record
from lineside.wire.watermarks import Refusal, Watermark


class FakeLanding:
    """Implements `lineside.ports.Landing`; set ``broken`` to make every landing fail."""

    def __init__(self) -> None:
        self.broken = False
        self.landed: list[LandedRecord] = []
        self._position = 0
        self._watermarks: dict[tuple[str, str], int] = {}
        self._waiting: dict[tuple[str, str, int], Record] = {}

    async def land(self, records: Sequence[Record]) -> Mapping[tuple[str, str], Watermark]:
        """Keep each record once and return the watermarks."""
        if self.broken:
            raise StorageError("the fake disk is broken")
        refused: dict[tuple[str, str], str] = {}
        for record in records:
            key = (record.header.writer, record.header.epoch)
            if self._held(record) not in (None, record.data):
                refused[key] = f"{Refusal.CONFLICT}: {record.header.sequence}"
            elif record.header.sequence > self._watermarks.setdefault(key, 0):
                self._waiting[*key, record.header.sequence] = record
                self._promote(key)
        keys = dict.fromkeys((record.header.writer, record.header.epoch) for record in records)
        return {key: self._watermark(key, refused.get(key, "")) for key in keys}

    async def watermark(self, writer: str, epoch: str) -> Watermark:
        """Return how far a stream is."""
        return self._watermark((writer, epoch), "")

    async def after(self, position: int, most_bytes: int) -> tuple[LandedRecord, ...]:
        """Return what has landed behind a position, up to a size."""
        found: list[LandedRecord] = []
        size = 0
        for landed in self.landed:
            if landed.position > position:
                size += len(landed.record.data)
                if found and size > most_bytes:
                    break
                found.append(landed)
        return tuple(found)

    async def forget(self, position: int) -> None:
        """Delete the records up to a position."""
        self.landed = [landed for landed in self.landed if landed.position > position]

    async def close(self) -> None:
        """Do nothing: memory needs no closing."""

    def _held(self, record: Record) -> bytes | None:
        identity = record.header.writer, record.header.epoch, record.header.sequence
        if identity in self._waiting:
            return self._waiting[identity].data
        for landed in self.landed:
            header = landed.record.header
            if (header.writer, header.epoch, header.sequence) == identity:
                return landed.record.data
        return None

    def _promote(self, key: tuple[str, str]) -> None:
        while (record := self._waiting.pop((*key, self._watermarks[key] + 1), None)) is not None:
            self._watermarks[key] += 1
            self._position += 1
            self.landed.append(LandedRecord(position=self._position, record=record))

    def _watermark(self, key: tuple[str, str], refused: str) -> Watermark:
        mark = self._watermarks.get(key, 0)
        waiting = {sequence for *stream, sequence in self._waiting if tuple(stream) == key}
        missing = tuple(n for n in range(mark + 1, max(waiting, default=mark)) if n not in waiting)
        return Watermark(*key, mark, missing, refused)
