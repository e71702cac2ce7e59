"""The gateway process: sources in, records out, judgement in between.

It opens one connection, to NATS, and only outwards. Without the plant it goes on: what it accepts waits in
the outbox, and the models it has judge on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lineside.adapters.audit_sqlite import SqliteAudit
from lineside.adapters.clocks import SystemClock, clock_from
from lineside.adapters.configuration_files import ConfigurationFiles
from lineside.adapters.durable_files import load_key
from lineside.adapters.gateway_identity import load_identity
from lineside.adapters.nats_bus import NatsAddress, NatsBus
from lineside.adapters.outbox_sqlite import SqliteOutbox
from lineside.adapters.service_manager import READY, tell_manager
from lineside.apps.gateway.configuration import Configurator, plan_to_run
from lineside.apps.gateway.enrol import watermark_key_of
from lineside.apps.gateway.live import LiveGateway, replaceable_sources
from lineside.apps.gateway.loading import Load
from lineside.apps.gateway.local_board import LocalBoard
from lineside.apps.gateway.local_floor import LocalFloor
from lineside.apps.gateway.local_status import serve_status
from lineside.apps.gateway.models import ModelShelf
from lineside.apps.gateway.reporter import Reporter, last_words
from lineside.apps.gateway.salvaging import check_outbox, evidence_of, forward_saved, leave_receipt
from lineside.apps.gateway.sources import SourceOptions
from lineside.apps.gateway.vitals import Vitals
from lineside.apps.layout import Layout
from lineside.domain.alerts import AlertEvent
from lineside.domain.buffering import bounds_of
from lineside.domain.errors import StorageError, UnavailableError
from lineside.domain.health.load import Detail, Shedder
from lineside.domain.listening import Listen
from lineside.domain.parts import PartRecord
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.liveness import stations_of_files
from lineside.domain.plan.model import Plan
from lineside.domain.predictions import Prediction
from lineside.domain.readings import Catalogue, ReadingBatch
from lineside.flows.collect import Collector, Hooks
from lineside.flows.forward import Forwarder, Origin
from lineside.flows.hearing import Hearing
from lineside.flows.judge import LineJudge
from lineside.flows.reconcile_ends import Reconciler
from lineside.flows.releases import CHANGED
from lineside.flows.responses import RESPONDED
from lineside.ports import Clock, Outbox
from lineside.wire.codecs import decode_items, decode_readings, encode_catalogue, readings_catalogue
from lineside.wire.configuration import CHANGED as CONFIGURATION_CHANGED
from lineside.wire.life import BIRTHS_WANTED
from lineside.wire.records import Record, RecordKind
from lineside.wire.subjects import Subjects

RESUMED_RECORDS: Final = 4_000
"""Records of the outbox that are read again at a start, to take up cycles that a crash cut."""
RESUMED_BYTES: Final = 64 << 20
"""Bytes of them at most, about."""
AUDITED_ENTRIES: Final = 20_000
"""Newest audit entries among which an alert event of that stretch is looked for."""
_MODEL_SECONDS: Final = 30.0
_MODEL_RETRY_SECONDS: Final = 1.0
_SETTLE_SECONDS: Final = 0.25


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


async def run_gateway(settings: GatewaySettings) -> None:
    """Run until cancelled, or until every source has ended and all of it has reached the plant.

    Raises:
        PlanError: the plan does not say what it must.
        ConfigurationError: another process holds the gateway's folder.
    """
    layout = Layout(settings.data)
    plan = plan_to_run(settings.plan, layout, SystemClock().now())
    layout.create()
    clock = clock_from(settings.clock)
    # The client writes a traceback for each broken connection; the source says the same in the status.
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
    async with AsyncExitStack() as stack:
        audit = await SqliteAudit.open(layout.gateway_audit, writer=settings.name, clock=clock, key=layout.audit_key)
        stack.push_async_callback(audit.close)
        saved = await check_outbox(
            layout.outbox, writer=settings.name, site=plan.site.id, line=plan.line.id, clock=clock
        )
        outbox = await _open_outbox(layout.outbox, settings.name, plan, clock)
        stack.push_async_callback(outbox.close)
        if saved is not None:
            await audit.append("outbox.salvaged", evidence_of(saved))
            await leave_receipt(outbox, saved, clock.now())
        bus = await NatsBus.open(settings.nats, name=settings.name, within=2.0)
        stack.push_async_callback(bus.close)
        load = Load(shedder=Shedder(plan.gateway.ceilings), folder=layout.outbox.parent)
        await _Gateway(settings=settings, plan=plan, clock=clock, outbox=outbox, audit=audit, bus=bus, load=load).run(
            layout
        )


async def _open_outbox(path: Path, writer: str, plan: Plan, clock: Clock) -> SqliteOutbox:
    return await SqliteOutbox.open(
        path, writer=writer, site=plan.site.id, line=plan.line.id, clock=clock, bounds=bounds_of(plan)
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Gateway:
    """The parts of a running gateway, introduced to each other."""

    settings: GatewaySettings
    plan: Plan
    clock: Clock
    outbox: SqliteOutbox
    audit: SqliteAudit
    bus: NatsBus
    load: Load
    subjects: Subjects = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "subjects", Subjects(self.plan.site.id, self.plan.line.id, self.settings.name))

    async def run(self, layout: Layout) -> None:
        shelf = ModelShelf(layout.models, layout.keys, self.plan, self.audit.append, SystemClock())
        await shelf.open()
        catalogue = catalogue_for(self.plan)
        never_live = stations_of_files(self.plan) if self.settings.replay is None else frozenset()
        line = LineJudge(self.plan, catalogue, shelf.judge_for, self.settings.name, never_live=never_live)
        hearing = Hearing(self.plan, catalogue)
        floor = LocalFloor(self.plan)
        collector = Collector(
            outbox=self.outbox,
            audit=self.audit,
            line=line,
            publish=self._publish,
            clock=self.clock,
            hooks=Hooks(
                hear=lambda name, delivery: hearing.hear(name, delivery, self.clock.now()),
                follow=floor.follow,
                admit=self.load.admit,
                trim=self.load.trim,
            ),
        )
        past = await read_past(self.outbox, self.outbox.last, catalogue)
        line.restore(past.events)
        floor.take(past.events)
        await self.outbox.commit([(RecordKind.CATALOGUE, encode_catalogue(catalogue), 1)])
        newest = 0 if self.audit.last is None else self.audit.last.sequence
        await collector.audit_missed(past.events, await self.audit.entries(max(0, newest - AUDITED_ENTRIES)))
        await collector.resume(line.resume(past.readings, past.cycles, self.clock.now()))
        line.wait(past.parts, past.predicted)
        origin = Origin(writer=self.settings.name, holder=secrets.token_hex(8), subjects=self.subjects)
        key = watermark_key(layout, self.subjects)
        reconciler = Reconciler(outbox=self.outbox, bus=self.bus, origin=origin, key=key, audit=self.audit)
        forwarder = self._forwarder(self.outbox, origin, key)
        options = SourceOptions(
            root=self.settings.plan.parent,
            kept=layout.outbox.parent,
            keys=layout.keys,
            plan=self.settings.plan,
            replay=self.settings.replay,
            recorded=past.cycles,
        )
        sources = replaceable_sources(self.plan, self.clock, options, past.readings)
        vitals = Vitals(
            name=self.settings.name,
            plan=self.plan,
            clock=self.clock,
            outbox=layout.outbox,
            audit=self.audit,
            collector=collector,
            forwarder=forwarder,
            reconciler=reconciler,
            space=lambda: self.outbox.space,
            line=line,
            shelf=shelf,
            sources=sources,
            hearing=hearing,
            shedder=self.load.shedder,
        )
        reporter = Reporter(
            vitals=vitals, bus=self.bus, subjects=self.subjects, outbox=self.outbox, started=self.clock.now()
        )
        board = LocalBoard(
            name=self.settings.name,
            plan=self.plan,
            clock=self.clock,
            outbox=self.outbox,
            audit=self.audit,
            bus=self.bus,
            subjects=self.subjects,
            floor=floor,
            status=vitals.status,
        )

        async def lately() -> tuple[ReadingBatch, ...]:
            return (await read_past(self.outbox, self.outbox.last, catalogue)).readings

        live = LiveGateway(
            plan=self.plan,
            clock=self.clock,
            options=options,
            vitals=vitals,
            sources=sources,
            past=lately,
            takers=(line.take_plan, floor.take_plan),
        )
        configurator = self._configurator(layout, live)
        changed = asyncio.Event()
        await self.bus.subscribe(self.subjects.control, _control(changed, reporter, board.asked, configurator))
        beside = [
            *([] if configurator is None else [asyncio.create_task(configurator.run(), name="configuration")]),
            asyncio.create_task(forwarder.run(), name="forward"),
            asyncio.create_task(reconciler.run(), name="compare both ends"),
            asyncio.create_task(self._forward_saved(layout, origin, key), name="forward saved"),
            asyncio.create_task(reporter.run(), name="status"),
            asyncio.create_task(serve_status(layout.status_socket, vitals.status), name="local status"),
            asyncio.create_task(self._keep_models(shelf, changed), name="models"),
            asyncio.create_task(_settle_models(shelf), name="model faults"),
            asyncio.create_task(board.keep(), name="responses"),
            asyncio.create_task(self.load.keep(), name="load"),
        ]
        if self.settings.listen is not None:
            beside.append(asyncio.create_task(board.serve(self.settings.listen), name="local page"))
        tell_manager(READY)
        collecting = asyncio.create_task(collector.run(sources), name="collect")
        why = "it was told to end"
        try:
            await _first_failure(collecting, *beside)
            await forwarder.drained()
            why = "every source has ended"
        except Exception as error:
            why = f"it failed: {error}"
            raise
        finally:
            await reporter.say_goodbye(last_words(vitals.healths(), why))
            for task in (collecting, *beside):
                task.cancel()
            await asyncio.gather(collecting, *beside, return_exceptions=True)
            for source in sources.values():
                await source.close()

    def _forwarder(self, outbox: Outbox, origin: Origin, key: bytes) -> Forwarder:
        rate = self.plan.gateway.buffer.backlog_rate
        return Forwarder(outbox=outbox, bus=self.bus, origin=origin, key=key, backlog_rate=rate)

    async def _forward_saved(self, layout: Layout, origin: Origin, key: bytes) -> None:
        """Forward what was saved of damaged outboxes."""
        await forward_saved(
            layout.outbox.parent,
            lambda outbox: self._forwarder(outbox, origin, key),
            lambda path: _open_outbox(path, self.settings.name, self.plan, self.clock),
        )

    def _configurator(self, layout: Layout, live: LiveGateway) -> Configurator | None:
        """Return what takes configurations from the plant, None where no plant is known to take one from."""
        identity = load_identity(layout.identity)
        if identity is None:
            return None
        return Configurator(
            identity=identity,
            files=ConfigurationFiles(layout.configuration),
            plan_file=self.settings.plan,
            plan=self.plan,
            bus=self.bus,
            subject=self.subjects.configuration,
            audit=self.audit,
            clock=SystemClock(),
            runs=live,
        )

    async def _publish(self, kind: RecordKind, body: bytes) -> None:
        """Send something to the live board; while the link is down nobody looks, and the record holds it."""
        if kind is not RecordKind.ALERTS and self.load.shedder.sheds(Detail.LIVE):
            return
        with contextlib.suppress(UnavailableError):
            await self.bus.publish(f"{self.subjects.live}.{kind}", body)

    async def _keep_models(self, shelf: ModelShelf, changed: asyncio.Event) -> None:
        """Ask for the models on offer: until the plant answers, when it says so, and now and then in between."""
        while True:
            pause = _MODEL_SECONDS
            try:
                await shelf.refresh(self.bus, self.subjects)
            except (UnavailableError, StorageError):  # what judges goes on, and it is asked again
                pause = _MODEL_RETRY_SECONDS
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await changed.wait()
            changed.clear()


def watermark_key(layout: Layout, subjects: Subjects) -> bytes:
    """Return the key of a gateway's watermarks: its own where it is enrolled, else the folder's."""
    identity = load_identity(layout.identity)
    return load_key(layout.watermark_key) if identity is None else watermark_key_of(identity, subjects)


async def _settle_models(shelf: ModelShelf) -> None:
    """Make durable what seats have done, as soon as the disk takes it."""
    while True:
        with contextlib.suppress(StorageError):  # the seats judge on, and it is tried again
            await shelf.settle()
        await asyncio.sleep(_SETTLE_SECONDS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """What the newest stretch of an outbox tells a gateway that starts again.

    ``predicted`` has cycle and characteristic of each prediction.
    """

    readings: tuple[ReadingBatch, ...]
    parts: tuple[PartRecord, ...]
    predicted: frozenset[tuple[str, str]]
    events: tuple[AlertEvent, ...]

    @property
    def cycles(self) -> frozenset[str]:
        """The cycles whose parts were recorded."""
        return frozenset(part.cycle_id for part in self.parts)


async def read_past(outbox: Outbox, last: int, catalogue: Catalogue) -> Past:
    """Read the newest `RESUMED_RECORDS` of an outbox: its readings, parts, judgements and alert events."""
    records: list[Record] = []
    at = max(0, last - RESUMED_RECORDS)
    while more := await outbox.unsent(at, RESUMED_BYTES):
        # A full piece makes the ones before it too old to matter.
        records = list(more) if sum(len(item.data) for item in more) > RESUMED_BYTES // 2 else [*records, *more]
        at = more[-1].header.sequence
    bodies = {kind: [item.body for item in records if item.header.kind is kind] for kind in RecordKind}
    return Past(
        readings=tuple(
            decode_readings(body, catalogue)
            for body in bodies[RecordKind.READINGS]
            if readings_catalogue(body) == catalogue.digest
        ),
        parts=tuple(part for body in bodies[RecordKind.PARTS] for part in decode_items(body, PartRecord)),
        predicted=frozenset(
            (item.cycle_id, item.characteristic)
            for body in bodies[RecordKind.PREDICTIONS]
            for item in decode_items(body, Prediction)
        ),
        events=tuple(event for body in bodies[RecordKind.ALERTS] for event in decode_items(body, AlertEvent)),
    )


def _control(  # type: ignore[no-untyped-def]  # noqa: ANN202 - a handler
    changed: asyncio.Event, reporter: Reporter, asked: asyncio.Event, configurator: Configurator | None
):
    async def handle(_: str, data: bytes) -> None:
        if data == CHANGED:
            changed.set()
        elif data == RESPONDED:
            asked.set()
        elif data == BIRTHS_WANTED:
            await reporter.tell_birth()
        elif data == CONFIGURATION_CHANGED and configurator is not None:
            configurator.ask_now()

    return handle


async def _first_failure(main: asyncio.Task[None], *beside: asyncio.Task[None]) -> None:
    """Wait for the main task to end; a task beside it that fails ends the wait with its error."""
    await asyncio.wait([main, *beside], return_when=asyncio.FIRST_COMPLETED)
    for task in (main, *beside):
        if task.done():
            task.result()
