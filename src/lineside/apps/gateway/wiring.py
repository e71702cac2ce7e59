"""The parts of a gateway, introduced to each other: what judges, what connects it to the plant, what shows it.

Nothing here runs; `lineside.apps.gateway.app` does.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lineside.adapters.audit_sqlite import SqliteAudit
from lineside.adapters.clocks import SystemClock
from lineside.adapters.configuration_files import ConfigurationFiles
from lineside.adapters.durable_files import load_key
from lineside.adapters.gateway_identity import load_identity
from lineside.adapters.nats_bus import NatsAddress, NatsBus
from lineside.adapters.onnx_judge.accepting import Trials
from lineside.adapters.outbox_sqlite import SqliteOutbox
from lineside.apps.gateway.canaries import CanaryShelf
from lineside.apps.gateway.configuration import Configurator
from lineside.apps.gateway.enrol import watermark_key_of
from lineside.apps.gateway.live import LiveGateway, replaceable_sources
from lineside.apps.gateway.loading import Load
from lineside.apps.gateway.local_board import LocalBoard
from lineside.apps.gateway.local_floor import LocalFloor
from lineside.apps.gateway.models import ModelShelf
from lineside.apps.gateway.past import Past, read_past, read_words
from lineside.apps.gateway.reporter import Reporter
from lineside.apps.gateway.sources import SourceOptions
from lineside.apps.gateway.vitals import Vitals
from lineside.apps.layout import Layout
from lineside.domain.errors import UnavailableError
from lineside.domain.health.load import Detail
from lineside.domain.listening import Listen
from lineside.domain.part_path import gateway_steps
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.liveness import stations_of_files
from lineside.domain.plan.model import Plan
from lineside.domain.readings import Catalogue, ReadingBatch
from lineside.flows.collect import Collector, Hooks
from lineside.flows.forward import Forwarder, Origin
from lineside.flows.hearing import Hearing
from lineside.flows.judge import Judged, LineJudge
from lineside.flows.reconcile_ends import Reconciler
from lineside.flows.replaceable import ReplaceableSource
from lineside.ports import Clock, Outbox, Telemetry
from lineside.wire.codecs import encode_catalogue
from lineside.wire.records import RecordKind
from lineside.wire.subjects import Subjects

AUDITED_ENTRIES: Final = 20_000
"""Newest audit entries among which an alert event of that stretch is looked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewaySettings:
    """What a gateway needs to know beside its plan; ``clock`` is empty but for a simulated line.

    ``replay`` plays the plan's files as if they came now: see `SourceOptions`. ``listen`` is where the
    gateway's own page is served, None: nowhere.
    """

    plan: Path
    data: Path
    nats: NatsAddress
    name: str = "gateway"
    clock: str = ""
    replay: float | None = None
    listen: Listen | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A gateway's settings, its stores and its connection, all open."""

    settings: GatewaySettings
    layout: Layout
    plan: Plan
    clock: Clock
    outbox: SqliteOutbox
    audit: SqliteAudit
    bus: NatsBus
    load: Load
    trials: Trials
    telemetry: Telemetry | None = None
    subjects: Subjects = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "subjects", Subjects(self.plan.site.id, self.plan.line.id, self.settings.name))

    async def publish(self, kind: RecordKind, body: bytes) -> None:
        """Send something to the live board; while the link is down nobody looks, and the record holds it."""
        if kind is not RecordKind.ALERTS and self.load.shedder.sheds(Detail.LIVE):
            return
        with contextlib.suppress(UnavailableError):
            await self.bus.publish(f"{self.subjects.live}.{kind}", body)


@dataclass(frozen=True, kw_only=True, slots=True)
class Judging:
    """What turns readings into parts, judgements and alerts, taken up where the outbox says that it was."""

    catalogue: Catalogue
    shelf: ModelShelf
    canaries: CanaryShelf
    line: LineJudge
    hearing: Hearing
    floor: LocalFloor
    collector: Collector
    past: Past


async def take_up(opened: Opened) -> Judging:
    """Build what judges, and bring it to where the last run ended; what a crash kept from being recorded is recorded.

    Raises:
        StorageError: the outbox or the audit record cannot be written.
    """
    plan, settings, clock = opened.plan, opened.settings, opened.clock
    accept = opened.trials.accept
    shelf = ModelShelf(opened.layout.models, opened.layout.keys, plan, opened.audit.append, SystemClock(), accept)
    await shelf.open()
    canaries = CanaryShelf(
        opened.layout.models, opened.layout.keys, plan, shelf.judge_for, opened.audit.append, SystemClock(), accept
    )
    catalogue = catalogue_for(plan)
    never_live = stations_of_files(plan) if settings.replay is None else frozenset()
    line = LineJudge(plan, catalogue, shelf.judge_for, settings.name, never_live=never_live)
    hearing, floor = Hearing(plan, catalogue), LocalFloor(plan)
    hooks = Hooks(
        hear=lambda name, delivery: hearing.hear(name, delivery, clock.now()),
        follow=_follower(opened, floor),
        admit=opened.load.admit,
        trim=opened.load.trim,
    )
    collector = Collector(
        outbox=opened.outbox, audit=opened.audit, line=line, publish=opened.publish, clock=clock, hooks=hooks
    )
    past = await read_past(opened.outbox, opened.outbox.last, catalogue, plan)
    line.restore(past.events, past.predictions)
    floor.take(past.events)
    await opened.outbox.commit([(RecordKind.CATALOGUE, encode_catalogue(catalogue), 1)])
    newest = 0 if opened.audit.last is None else opened.audit.last.sequence
    await collector.audit_missed(past.events, await opened.audit.entries(max(0, newest - AUDITED_ENTRIES)))
    line.wait(past.parts, past.predicted)
    words = await read_words(opened.outbox, past, catalogue, plan)
    await collector.resume(line.resume(past.readings, past.cycles, clock.now(), words=words))
    return Judging(
        catalogue=catalogue,
        shelf=shelf,
        canaries=canaries,
        line=line,
        hearing=hearing,
        floor=floor,
        collector=collector,
        past=past,
    )


def _follower(opened: Opened, floor: LocalFloor) -> Callable[[Judged], None]:
    """Return what follows judged parts: the floor alone, unless telemetry is sent."""
    telemetry, clock = opened.telemetry, opened.clock
    if telemetry is None:
        return floor.follow

    def follow(judged: Judged) -> None:
        floor.follow(judged)
        telemetry.steps(gateway_steps(judged.parts, judged.predictions, judged.events, clock.now()))

    return follow


@dataclass(frozen=True, kw_only=True, slots=True)
class Uplink:
    """What brings the record to the plant: the forwarder of the outbox in use, and the comparison of both ends."""

    origin: Origin
    key: bytes
    forwarder: Forwarder
    reconciler: Reconciler


def uplink_of(opened: Opened) -> Uplink:
    """Build what brings the record to the plant."""
    origin = Origin(writer=opened.settings.name, holder=secrets.token_hex(8), subjects=opened.subjects)
    key = watermark_key(opened.layout, opened.subjects)
    return Uplink(
        origin=origin,
        key=key,
        forwarder=forwarder_of(opened, opened.outbox, origin, key),
        reconciler=Reconciler(outbox=opened.outbox, bus=opened.bus, origin=origin, key=key, audit=opened.audit),
    )


def forwarder_of(opened: Opened, outbox: Outbox, origin: Origin, key: bytes) -> Forwarder:
    """Build the forwarder of one outbox."""
    rate = opened.plan.gateway.buffer.backlog_rate
    return Forwarder(outbox=outbox, bus=opened.bus, origin=origin, key=key, backlog_rate=rate)


@dataclass(frozen=True, kw_only=True, slots=True)
class Faces:
    """What shows the gateway and lets it be changed: its reports, its own page, its sources and configuration."""

    sources: dict[str, ReplaceableSource]
    vitals: Vitals
    reporter: Reporter
    board: LocalBoard
    configurator: Configurator | None


def faces_of(opened: Opened, judging: Judging, uplink: Uplink) -> Faces:
    """Build what shows the gateway and lets it be changed."""
    options = SourceOptions(
        root=opened.settings.plan.parent,
        kept=opened.layout.outbox.parent,
        keys=opened.layout.keys,
        plan=opened.settings.plan,
        replay=opened.settings.replay,
        recorded=judging.past.cycles,
    )
    sources = replaceable_sources(opened.plan, opened.clock, options, judging.past.readings)
    vitals = Vitals(
        name=opened.settings.name,
        plan=opened.plan,
        clock=opened.clock,
        outbox=opened.layout.outbox,
        audit=opened.audit,
        collector=judging.collector,
        forwarder=uplink.forwarder,
        reconciler=uplink.reconciler,
        space=lambda: opened.outbox.space,
        line=judging.line,
        shelf=judging.shelf,
        canaries=judging.canaries,
        sources=sources,
        hearing=judging.hearing,
        shedder=opened.load.shedder,
    )
    reporter = Reporter(
        vitals=vitals, bus=opened.bus, subjects=opened.subjects, outbox=opened.outbox, started=opened.clock.now()
    )
    board = LocalBoard(
        name=opened.settings.name,
        plan=opened.plan,
        clock=opened.clock,
        outbox=opened.outbox,
        audit=opened.audit,
        bus=opened.bus,
        subjects=opened.subjects,
        floor=judging.floor,
        status=vitals.status,
        hear=judging.line.hear,
    )

    async def lately() -> tuple[ReadingBatch, ...]:
        return (await read_past(opened.outbox, opened.outbox.last, judging.catalogue, opened.plan)).readings

    live = LiveGateway(
        plan=opened.plan,
        clock=opened.clock,
        options=options,
        vitals=vitals,
        sources=sources,
        past=lately,
        takers=(judging.line.take_plan, judging.floor.take_plan),
    )
    return Faces(
        sources=sources, vitals=vitals, reporter=reporter, board=board, configurator=_configurator(opened, live)
    )


def _configurator(opened: Opened, live: LiveGateway) -> Configurator | None:
    """Return what takes configurations from the plant, None where no plant is known to take one from."""
    identity = load_identity(opened.layout.identity)
    if identity is None:
        return None
    return Configurator(
        identity=identity,
        files=ConfigurationFiles(opened.layout.configuration),
        plan_file=opened.settings.plan,
        plan=opened.plan,
        bus=opened.bus,
        subject=opened.subjects.configuration,
        audit=opened.audit,
        clock=SystemClock(),
        runs=live,
    )


def watermark_key(layout: Layout, subjects: Subjects) -> bytes:
    """Return the key of a gateway's watermarks: its own where it is enrolled, else the folder's."""
    identity = load_identity(layout.identity)
    return load_key(layout.watermark_key) if identity is None else watermark_key_of(identity, subjects)
