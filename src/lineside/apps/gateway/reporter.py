"""How the gateway does, once a second: gathered from its parts, kept for the local reader, sent to the plant."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lineside.adapters.audit_sqlite import SqliteAudit
from lineside.adapters.durable_files import replace_file
from lineside.apps.gateway.models import ModelShelf
from lineside.domain.errors import StorageError, UnavailableError
from lineside.domain.health.gateway import (
    ClockWatch,
    Finding,
    HealthBook,
    buffer_finding,
    disk_finding,
    link_finding,
    model_findings,
    station_finding,
)
from lineside.domain.health.sources import silence_allowed, source_health
from lineside.domain.health.states import Health, State, Subject
from lineside.domain.plan.model import Plan
from lineside.domain.units import SECOND
from lineside.flows.collect import Collector
from lineside.flows.forward import Forwarder
from lineside.flows.judge import LineJudge
from lineside.ports import Bus, Clock, Source
from lineside.wire.status import GatewayStatus, SourceStatus, encode_status, health_status

STATUS_SECONDS: Final = 1.0
PROBE_SECONDS: Final = 10.0
"""Between two durable writes that try the disk."""
_PROBE: Final = bytes(4096)
_RATE_SECONDS: Final = 60.0


@dataclass(kw_only=True, slots=True)
class Reporter:
    """Gathers, keeps and sends; ``outbox`` is the file of the outbox and ``subject`` where statuses go."""

    name: str
    plan: Plan
    clock: Clock
    outbox: Path
    audit: SqliteAudit
    bus: Bus
    subject: str
    collector: Collector
    forwarder: Forwarder
    line: LineJudge
    shelf: ModelShelf
    sources: Mapping[str, Source]
    _book: HealthBook = field(default_factory=HealthBook)
    _watch: ClockWatch = field(default_factory=ClockWatch)
    _clock_finding: Finding = field(default_factory=lambda: Finding(State.STEADY))
    _write: int = 0
    _probe_at: float = 0.0
    _grown: tuple[float, int] = (0.0, 0)
    _bytes_per_second: float = 0.0

    async def run(self) -> None:
        """Look and tell the plant until cancelled; while the link is down the board sees the age of the last one."""
        while True:
            self._clock_finding = self._watch.look(time.time_ns(), time.monotonic_ns())
            await self._try_disk()
            with contextlib.suppress(UnavailableError):
                await self.bus.publish(self.subject, encode_status(self.status()))
            await asyncio.sleep(STATUS_SECONDS)

    def status(self) -> GatewayStatus:
        """Return how the gateway does now."""
        counts, audited = self.collector.counts, self.audit.last
        healths = tuple(self._healths(self.clock.now()))
        return GatewayStatus(
            gateway=self.name,
            time=self.clock.now(),
            sources=tuple(
                SourceStatus(spec.id, counts.delivered.get(spec.id, 0), counts.heard.get(spec.id, 0))
                for spec in self.plan.sources
            ),
            readings=counts.readings,
            parts=counts.parts,
            quarantined=counts.quarantined,
            dropped=counts.dropped,
            late=sum(item.late for item in self.line.counts.values()),
            backlog=self.forwarder.status.backlog,
            unrecorded=counts.unrecorded,
            problem=self.forwarder.status.problem or "; ".join(self.shelf.refused.values()),
            audited=0 if audited is None else audited.sequence,
            audit_hash="" if audited is None else audited.hash,
            healths=tuple(health_status(item) for item in healths),
        )

    def _healths(self, now: int) -> Iterator[Health]:
        heard = self.collector.counts.heard
        for name, source in self.sources.items():
            allowed = silence_allowed(self.plan, name)
            yield source_health(name, source.condition, heard=heard.get(name, 0), allowed=allowed, now=now)
        for name, finding in self._stations(now):
            yield self._book.note(Subject.STATION, name, finding, now)
        for name, finding in model_findings(self.shelf.in_service, self.shelf.refused).items():
            yield self._book.note(Subject.MODEL, name, finding, now)
        for subject, finding in self._own():
            yield self._book.note(subject, "", finding, now)

    def _stations(self, now: int) -> Iterator[tuple[str, Finding]]:
        for name, count in self.line.stations.items():
            last = count.last
            yield (
                name,
                station_finding(
                    expected=[item.id for item in self.plan.characteristics_at(name)],
                    judged=count.judged,
                    parts=count.parts,
                    last=0 if last is None else last.ended,
                    missing=() if last is None else last.missing,
                    now=now,
                ),
            )

    def _own(self) -> Iterator[tuple[Subject, Finding]]:
        buffer, forward, counts = self.plan.gateway.buffer, self.forwarder.status, self.collector.counts
        yield (
            Subject.BUFFER,
            buffer_finding(
                unrecorded=counts.unrecorded,
                used=_size_of(self.outbox),
                limit=buffer.bytes,
                bytes_per_second=self._bytes_per_second,
                dropped=counts.dropped,
            ),
        )
        yield Subject.CLOCK, self._clock_finding
        free = shutil.disk_usage(self.outbox.parent).free
        yield Subject.DISK, disk_finding(free=free, least=buffer.free_bytes, write=self._write)
        yield (
            Subject.LINK,
            link_finding(
                reachable=forward.reachable,
                tried=forward.failures > 0,
                backlog=forward.backlog,
                confirmed=forward.confirmed,
                problem=forward.problem,
            ),
        )

    async def _try_disk(self) -> None:
        """Measure a durable write now and then, and how quickly the outbox grows."""
        now = time.monotonic()
        if now < self._probe_at:
            return
        self._probe_at = now + PROBE_SECONDS
        self._write = await asyncio.to_thread(_durable_write, self.outbox.with_name("probe"))
        before, size = self._grown
        grown = _size_of(self.outbox)
        if now - before >= _RATE_SECONDS:
            self._bytes_per_second = max(0, grown - size) / (now - before) if before else 0.0
            self._grown = (now, grown)


def _durable_write(path: Path) -> int:
    """Return how long (ns) a durable write takes; one that fails counts as longer than any."""
    began = time.perf_counter_ns()
    try:
        replace_file(path, _PROBE)
    except StorageError:
        return 3600 * SECOND
    return time.perf_counter_ns() - began


def _size_of(path: Path) -> int:
    """Return the bytes of a SQLite file with its log."""
    files = (path, path.with_name(f"{path.name}-wal"))
    return sum(item.stat().st_size for item in files if item.exists())
