"""How the gateway does now, gathered from its parts: the facts here, what they mean in `lineside.domain.health`."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lineside.adapters.audit_sqlite import SqliteAudit
from lineside.adapters.clocks import ProcessClock
from lineside.adapters.durable_files import replace_file
from lineside.adapters.outbox_room import Space
from lineside.apps.gateway.canaries import CanaryShelf
from lineside.apps.gateway.models import ModelShelf
from lineside.domain.errors import StorageError
from lineside.domain.health.clocks import clock_finding
from lineside.domain.health.gateway import (
    ClockWatch,
    Finding,
    HealthBook,
    buffer_finding,
    disk_finding,
    link_finding,
    model_findings,
    record_finding,
    station_finding,
)
from lineside.domain.health.load import Detail, Shedder
from lineside.domain.health.sources import silence_allowed, source_health
from lineside.domain.health.states import Health, State, Subject, not_good
from lineside.domain.plan.model import Plan, SourceSpec
from lineside.domain.units import SECOND
from lineside.flows.collect import Collector
from lineside.flows.forward import Forwarder
from lineside.flows.hearing import Hearing
from lineside.flows.judge import LineJudge
from lineside.flows.reconcile_ends import Reconciler
from lineside.ports import Clock, Source
from lineside.wire.status import GatewayStatus, SourceStatus, health_status

PROBE_SECONDS: Final = 10.0
"""Between two durable writes that try the disk."""
RATE_SECONDS: Final = 60.0
"""Over which the growth of the outbox is measured."""
BREATH: Final = 5 * SECOND
"""Of our own time that a simulated line's sources may be silent."""
_PROBE: Final = bytes(4096)


@dataclass(kw_only=True, slots=True)
class Vitals:
    """The parts of a gateway that are asked how they do; ``outbox`` is the outbox's file."""

    name: str
    plan: Plan
    clock: Clock
    outbox: Path
    audit: SqliteAudit
    collector: Collector
    forwarder: Forwarder
    reconciler: Reconciler
    space: Callable[[], Space]
    line: LineJudge
    shelf: ModelShelf
    canaries: CanaryShelf
    sources: Mapping[str, Source]
    hearing: Hearing
    shedder: Shedder
    _book: HealthBook = field(default_factory=HealthBook)
    _watch: ClockWatch = field(default_factory=ClockWatch)
    _clock: Finding = field(default_factory=lambda: Finding(State.STEADY))
    _write: int = 0
    _probe_at: float = 0.0
    _grown: tuple[float, int] = (0.0, 0)
    _bytes_per_second: float = 0.0

    def look(self) -> None:
        """Look at the clock, and now and then measure a durable write and how quickly the outbox grows; blocks."""
        self._clock = self._watch.look(time.time_ns(), time.monotonic_ns())
        now = time.monotonic()
        if now >= self._probe_at:
            self._probe_at = now + PROBE_SECONDS
            self._write = _durable_write(self.outbox.with_name("probe"))
        before, size = self._grown
        if now - before >= RATE_SECONDS:
            grown = _size_of(self.outbox)
            self._bytes_per_second = max(0, grown - size) / (now - before) if before else 0.0
            self._grown = (now, grown)

    def healths(self) -> tuple[Health, ...]:
        """Return the state of every part now."""
        return tuple(self._healths(self.clock.now()))

    def status(self) -> GatewayStatus:
        """Return how the gateway does now."""
        counts, audited = self.collector.counts, self.audit.last
        return GatewayStatus(
            gateway=self.name,
            time=self.clock.now(),
            sources=tuple(self._source(spec) for spec in self.plan.sources),
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
            healths=tuple(health_status(item) for item in self._shown()),
        )

    def _shown(self) -> tuple[Health, ...]:
        """Return the states that are told: all, or under load those alone that are not good."""
        healths = self.healths()
        return not_good(healths) if self.shedder.sheds(Detail.STATUS) else healths

    def _source(self, spec: SourceSpec) -> SourceStatus:
        counts, clock = self.collector.counts, self.hearing.clock(spec.id)
        delivered, heard = counts.delivered.get(spec.id, 0), counts.heard.get(spec.id, 0)
        came = self.hearing.counts[spec.id]
        return SourceStatus(
            spec.id,
            delivered,
            heard,
            offset=None if clock is None else clock.offset,
            jitter=None if clock is None else clock.jitter,
            drift=None if clock is None else clock.drift,
            readings=came.readings,
            duplicates=came.duplicates,
            refused=came.refused,
        )

    def _healths(self, now: int) -> Iterator[Health]:
        for spec in self.plan.sources:
            if spec.id in self.sources:
                yield self._source_health(spec.id, self.sources[spec.id], now)
        for name, finding in self._stations(now):
            yield self._book.note(Subject.STATION, name, finding, now)
        serving = {**self.shelf.in_service, **self.canaries.on_trial}
        for name, finding in model_findings(serving, {**self.shelf.refused, **self.canaries.refused}).items():
            yield self._book.note(Subject.MODEL, name, finding, now)
        for spec in self.plan.sources:
            estimate = self.hearing.clock(spec.id)
            if estimate is not None:
                within = None if spec.clock_within is None else round(spec.clock_within * self._speed)
                finding = clock_finding(
                    estimate,
                    within,
                    self.hearing.refused_ahead(spec.id, now),
                    sets_back=self.hearing.sets_back(spec.id, now),
                )
                yield self._book.note(Subject.CLOCK, spec.id, finding, now)
        for subject, finding in self._own():
            yield self._book.note(subject, "", finding, now)

    @property
    def _speed(self) -> float:
        """How much quicker than ours the time of a simulated line runs: what is a moment here is longer there."""
        return self.clock.speed if isinstance(self.clock, ProcessClock) else 1.0

    def _source_health(self, name: str, source: Source, now: int) -> Health:
        condition = source.condition
        allowed, slack = silence_allowed(self.plan, name), round(BREATH * (self._speed - 1.0))
        silent = tuple(self.hearing.silent(name, condition.since, now - slack))
        return source_health(
            name,
            condition,
            heard=self.collector.counts.heard.get(name, 0),
            allowed=allowed + slack if allowed else 0,
            now=now,
            more_troubles=silent,
        )

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
        filled = buffer_finding(
            unrecorded=counts.unrecorded,
            used=self.space().used,
            limit=self.space().limit or buffer.bytes,
            bytes_per_second=self._bytes_per_second,
            dropped=counts.dropped,
        )
        yield Subject.BUFFER, filled
        yield Subject.CLOCK, self._clock
        yield Subject.LOAD, self.shedder.finding
        free = shutil.disk_usage(self.outbox.parent).free
        yield Subject.DISK, disk_finding(free=free, least=buffer.free_bytes, write=self._write)
        link = link_finding(
            reachable=forward.reachable,
            tried=forward.failures > 0,
            backlog=forward.backlog,
            confirmed=forward.confirmed,
            problem=forward.problem,
        )
        yield Subject.LINK, link
        compared = self.reconciler.status
        yield (
            Subject.RECORD,
            record_finding(
                compared=compared.compared,
                rounds=compared.rounds,
                differences=[item.words for item in compared.differences],
                problem=compared.problem,
            ),
        )


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
