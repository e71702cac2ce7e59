"""The plant process: records in, history behind them, the board and its interface in front.

One event loop runs it all: it answers ingest requests, moves landed records into the history, tells gateways
which models to run, and serves the board. Its stores are its only state.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

from starlette.applications import Starlette

from lineside.adapters.audit_sqlite import SqliteAudit
from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.clocks import ProcessClock, SystemClock, clock_from
from lineside.adapters.delta_history import DeltaHistory
from lineside.adapters.durable_files import load_key
from lineside.adapters.history_query import HistoryQuery
from lineside.adapters.job_folder import JobFolder
from lineside.adapters.landing_sqlite import SqliteLanding
from lineside.adapters.nats_bus import NatsBus
from lineside.adapters.plan_files import load_plan_files
from lineside.adapters.plan_yaml import load_plan
from lineside.adapters.state_sql import SqlState
from lineside.adapters.tls_authority import LocalCertificate
from lineside.apps.drifting import DriftLook
from lineside.apps.layout import Layout
from lineside.apps.performing import PerformanceLook
from lineside.apps.plant.andon_nodes import open_andons
from lineside.apps.plant.archive import Archive
from lineside.apps.plant.board import (
    BoardSettings,
    Demo,
    create_app,
    demo_login_code,
    first_run_code,
)
from lineside.apps.plant.capabilities import Capabilities
from lineside.apps.plant.configurations import ConfigurationDesk, serve_configurations
from lineside.apps.plant.correcting import corrector_of
from lineside.apps.plant.coverages import ModelCoverages
from lineside.apps.plant.evidence import ReadyLook
from lineside.apps.plant.exact_shares import PartShares
from lineside.apps.plant.feed import FloorFeed
from lineside.apps.plant.floor import Floor
from lineside.apps.plant.gateways import GatewayDesk, GatewayRoll, serve_gateways
from lineside.apps.plant.listening import listen_to_gateways, watch_gateways
from lineside.apps.plant.long_plots import LongPlots
from lineside.apps.plant.measured_book import MeasuredBook
from lineside.apps.plant.meters import Meters
from lineside.apps.plant.metrology import Metrology
from lineside.apps.plant.notifying import answer_keys, open_telling
from lineside.apps.plant.part_traces import PartTraces
from lineside.apps.plant.reconciling import HistoryAccounts
from lineside.apps.plant.release_ladder import ReleaseLadder
from lineside.apps.plant.releases import ReleaseDesk, ReleaseNotes, unreleased
from lineside.apps.plant.rolling_back import AutomaticRollback
from lineside.apps.plant.serving import PlantSettings, local_certificate_for, serve_until
from lineside.apps.plant.stores import open_stores
from lineside.apps.plant.tracing import RecordTracer, ingest_of
from lineside.apps.plant.watching import Watch
from lineside.apps.plant.witness import Witness
from lineside.apps.plant_state import open_plant_state
from lineside.apps.releasing import signing_folder
from lineside.apps.telemetry import open_telemetry
from lineside.apps.training_jobs import JobRunner, Relearn
from lineside.domain.alerts import AlertEvent, AlertKind, fold
from lineside.domain.answers import outcome_from
from lineside.domain.errors import LinesideError, UnavailableError
from lineside.domain.features.recipe import recipe_for
from lineside.domain.judging.late_values import MOST_EXPECTED
from lineside.domain.outcomes import Outcome
from lineside.domain.plan.model import Plan
from lineside.flows.compact import Compactor
from lineside.flows.ingest import Ingest, serve_ingest
from lineside.flows.measurements import serve_measurements
from lineside.flows.releases import CHANGED, serve_releases
from lineside.flows.responses import RESPONDED, serve_responses
from lineside.flows.submit import Submitter
from lineside.ports import Clock, Telemetry
from lineside.wire.records import RecordKind
from lineside.wire.subjects import Subjects

WRITER: Final = "plant"
_FILL_BYTES: Final = 256 << 20
_FILL_ITEMS: Final = {
    RecordKind.PARTS: 1_000,
    RecordKind.PREDICTIONS: 2_000,
    RecordKind.ALERTS: 5_000,
    RecordKind.OUTCOMES: 2_000,
    RecordKind.RECEIPTS: 500,
}
"""How many of the newest items of each kind the board remembers at a start."""
_LIVE_KINDS: Final = (RecordKind.PARTS, RecordKind.PREDICTIONS, RecordKind.ALERTS)


async def run_plant(settings: PlantSettings) -> None:
    """Run until cancelled.

    Raises:
        PlanError: the plan does not say what it must.
        IntegrityError: the history is damaged where it was relied on.
    """
    plan = load_plan(settings.plan)
    layout = Layout(settings.data)
    layout.create()
    recipes = [recipe_for(plan, station.id) for station in plan.stations]
    async with AsyncExitStack() as stack:
        stores = await open_stores(layout.landing, layout.history, {recipe.digest: recipe.names for recipe in recipes})
        landing, history = stores.landing, stores.history
        stack.push_async_callback(landing.close)
        audit = await SqliteAudit.open(layout.plant_audit, writer=WRITER, clock=SystemClock(), key=layout.audit_key)
        stack.push_async_callback(audit.close)
        state = open_plant_state(layout)
        stack.callback(state.close)
        for what in stores.mended:
            await audit.append("store.mended", {"what": what})
            print(f"plant: {what}", file=sys.stderr, flush=True)  # noqa: T201 - whoever starts it must see it
        bus = await NatsBus.open(settings.nats, name=WRITER, within=5.0)
        stack.push_async_callback(bus.close)
        clock = clock_from(settings.clock)
        telemetry = open_telemetry("plant", WRITER, plan, clock)
        if telemetry is not None:
            stack.push_async_callback(telemetry.close)
        plant = _Plant(
            settings=settings, layout=layout, plan=plan, clock=clock, landing=landing,
            history=history, audit=audit, state=state, bus=bus, telemetry=telemetry,
        )  # fmt: skip
        await plant.run()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plant:
    """The parts of a running plant, introduced to each other."""

    settings: PlantSettings
    layout: Layout
    plan: Plan
    clock: Clock
    landing: SqliteLanding
    history: DeltaHistory
    audit: SqliteAudit
    state: SqlState
    bus: NatsBus
    telemetry: Telemetry | None = None

    async def run(self) -> None:
        subjects = Subjects(self.plan.site.id, self.plan.line.id)
        floor = Floor(self.plan)
        feed = FloorFeed(floor, self.plan)
        await self._fill(feed)
        tracer = None if self.telemetry is None else RecordTracer(self.telemetry, self.clock)
        ingest, roll = await self._take_in(subjects, feed, tracer)
        await self._give(subjects, floor, feed.measured)
        await self._listen(subjects, feed)
        submitter = Submitter(
            landing=self.landing, writer=WRITER, epoch=secrets.token_hex(8), site=subjects.site,
            line=subjects.line, clock=self.clock, follow=feed.record,
        )  # fmt: skip
        compactor = Compactor(
            landing=self.landing,
            history=self.history,
            tidy=self.history.join_small_files,
            follow=feed.handed_in if tracer is None else tracer.history(feed.handed_in),
        )
        telling, teller = open_telling(self.plan, self.layout, floor, self.state, self.clock, self.audit.append)
        andons = open_andons(self.plan, self.layout, floor, self.clock)
        watch = self._watch()
        corrector = corrector_of(
            plan=self.plan, layout=self.layout, landing=self.landing, history=self.history, floor=floor,
            audit=self.audit, clock=self.clock, follow=feed.record,
        )  # fmt: skip
        meters = Meters(
            floor=floor,
            gateways=lambda: feed.gateways.views(SystemClock().now()),
            watched=lambda: watch.last,
            counts=ingest.counts.by_name,
            corrections=lambda: corrector.counts,
            now=self.clock.now,
        )
        await self._serve(
            self._board(floor, submitter, feed, watch, meters),
            ("watch models", watch.run()),
            ("run trainings", self._runner().keep_running()),
            ("tell", telling.run()),
            *(("andon", node.run()) for node in andons),
            ("send", teller.run()),
            ("compact", compactor.run()),
            ("correct history", corrector.run()),
            ("gateways", roll.keep()),
            ("watch gateways", watch_gateways(feed)),
            *(() if self.telemetry is None else (("telemetry", self.telemetry.run(meters.figures)),)),
        )

    async def _serve(self, board: Starlette, *work: tuple[str, Coroutine[Any, Any, None]]) -> None:
        """Serve the board with the named work beside it, until cancelled or some of that ends."""
        beside = [asyncio.create_task(run, name=name) for name, run in work]
        try:
            await serve_until(self.settings, board, self._certificate(), self._welcome, *beside)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    async def _take_in(
        self, subjects: Subjects, feed: FloorFeed, tracer: RecordTracer | None
    ) -> tuple[Ingest, GatewayRoll]:
        """Answer gateways that enrol, and take in their records; return what does."""
        desk = GatewayDesk(layout=self.layout, state=self.state, audit=self.audit, clock=SystemClock())
        roll = GatewayRoll(desk=desk, local=frozenset(self.settings.writers))
        await roll.refresh()
        await serve_gateways(self.bus, desk, roll, subjects)
        ingest = ingest_of(
            tracer, landing=self.landing, key=load_key(self.layout.watermark_key), site=subjects.site,
            lines=[subjects.line], clock=SystemClock(), writers=roll, keys=roll.key, follow=feed.record,
        )  # fmt: skip
        feed.second_holders = ingest.counts.second_holders
        accounts = HistoryAccounts(landing=self.landing, history=self.history, query=HistoryQuery(self.layout.history))
        await serve_ingest(self.bus, ingest, subjects.site, [subjects.line], accounts.held)
        return ingest, roll

    async def _give(self, subjects: Subjects, floor: Floor, measured: MeasuredBook) -> None:
        """Answer gateways that ask for their configuration, for models, for what people answered or was measured."""
        await serve_measurements(self.bus, subjects, measured.tell)
        given = ConfigurationDesk(layout=self.layout, state=self.state, audit=self.audit, clock=SystemClock())
        await serve_configurations(self.bus, given, subjects)
        releases = ReleaseDesk(BundleFolder(self.layout.bundles), self.plan)
        await serve_releases(self.bus, subjects, releases.offers, releases.body, releases.canaries)
        await self._take_up_releases(releases)
        await serve_responses(
            self.bus, subjects, lambda ids: [event for name in ids for event in _events_of(floor, name)]
        )

    async def _fill(self, feed: FloorFeed) -> None:
        """Fill the board's memory with the newest of the history, then with what has landed and is not yet there."""
        query = HistoryQuery(self.layout.history)
        for kind, most in _FILL_ITEMS.items():
            feed.objects(kind, await asyncio.to_thread(query.recent, kind, most))
        for name in feed.measured.variables:
            feed.measured.take(await asyncio.to_thread(query.newest_outcomes, name, MOST_EXPECTED))
        for entry in await self.landing.after(await self.history.position(), _FILL_BYTES):
            await feed.record(entry.record)

    async def _listen(self, subjects: Subjects, feed: FloorFeed) -> None:
        async def live(subject: str, data: bytes) -> None:
            feed.items(RecordKind(subject.rpartition(".")[2]), data)

        for kind in _LIVE_KINDS:
            await self.bus.subscribe(f"{subjects.live}.{kind}", live)
        await listen_to_gateways(self.bus, subjects, feed, Witness(self.audit))

    def _board(self, floor: Floor, submitter: Submitter, feed: FloorFeed, watch: Watch, meters: Meters) -> Starlette:
        async def respond(event: AlertEvent) -> None:
            said = {"event": event.id, "alert": event.alert_id, "by": event.by, "verdict": event.verdict or ""}
            if event.kind is AlertKind.STEP:
                said["step"] = event.text
            if event.measured is not None:
                said["measured"] = f"{event.measured!r} {event.measured_unit}"
            await self.audit.append(f"alert.{event.kind}", said)
            await submitter.submit(RecordKind.ALERTS, [event])
            if event.kind is AlertKind.AGREED and (outcome := _agreed_outcome(floor, event, self.clock.now())):
                await submitter.submit(RecordKind.OUTCOMES, [outcome])
            with contextlib.suppress(UnavailableError):  # gateways ask now and then by themselves
                await self.bus.publish(Subjects(self.plan.site.id, self.plan.line.id).control, RESPONDED)

        async def shown(event: AlertEvent) -> None:
            await self.audit.append("alert.shown", {"event": event.id, "alert": event.alert_id})

        made = self._certificate()
        return create_app(
            floor=floor,
            state=self.state,
            audit=self.audit,
            respond=respond,
            shown=shown,
            clock=SystemClock(),
            settings=BoardSettings(
                secure=self.settings.https,
                process_clock=self.clock if self.settings.clock else None,
                authority=made.authority.read_bytes() if made is not None else None,
                releases=ReleaseNotes(BundleFolder(self.layout.bundles), self.state, self.plan),
                traces=PartTraces(self.layout.history, floor, self.plan),
                archive=Archive(self.layout.history, self.plan),
                plots=LongPlots(self.layout.history),
                exact=PartShares(BundleFolder(self.layout.bundles)),
                plan_files=load_plan_files(self.settings.plan, self.plan),
                demo=self._panel(),
                ladder=lambda *_: self._ladder(),
                link_keys=answer_keys(self.layout),
                coverages=ModelCoverages(
                    BundleFolder(self.layout.bundles), self.plan, self.layout.history, SystemClock()
                ),
                capabilities=Capabilities(self.plan, self.layout.history),
                metrology=Metrology(self.plan, self.layout.history),
                ready=ReadyLook(self.plan, BundleFolder(self.layout.bundles), self.layout.history),
                meters=meters.text,
                watched=lambda: watch.last,
                gateways=lambda: feed.gateways.views(SystemClock().now()),
                signals=feed.signals,
            ),
        )

    def _ladder(self) -> ReleaseLadder:
        async def tell() -> None:
            with contextlib.suppress(UnavailableError):  # gateways ask now and then by themselves
                await self.bus.publish(Subjects(self.plan.site.id, self.plan.line.id).control, CHANGED)

        return ReleaseLadder(
            plan=self.plan,
            folder=signing_folder(self.layout),
            history=self.layout.history,
            state=self.state,
            audit=self.audit,
            clock=SystemClock(),
            tell=tell,
        )

    def _watch(self) -> Watch:
        return Watch(
            drift=DriftLook(self.plan, BundleFolder(self.layout.bundles), self.layout.history),
            performance=PerformanceLook(self.plan, BundleFolder(self.layout.bundles), self.layout.history),
            learn_again=Relearn(
                self.plan, JobFolder(self.layout.jobs), SystemClock(), BundleFolder(self.layout.bundles).on_trial
            ),
            damaged=AutomaticRollback(self.plan, self._ladder(), self.audit),
            audit=self.audit,
            clock=self.clock,
        )

    def _runner(self) -> JobRunner:
        return JobRunner(
            folder=JobFolder(self.layout.jobs),
            plan_file=self.settings.plan,
            plan=self.plan,
            data=self.settings.data,
            audit=self.audit.append,
            clock=SystemClock(),
        )

    async def _take_up_releases(self, releases: ReleaseDesk) -> None:
        """Settle the ladder; what is wrong with it is said and stops nothing."""
        for words in await asyncio.to_thread(unreleased, releases, self.settings.data):
            sys.stderr.write(f"lineside: {words}\n")
        text = await asyncio.to_thread(self.settings.plan.read_text, "utf-8-sig")
        try:
            said = await self._ladder().take_up(text)
        except LinesideError as error:
            said = (str(error),)
        for words in said:
            sys.stderr.write(f"lineside: {words}\n")

    def _certificate(self) -> LocalCertificate | None:
        return local_certificate_for(self.settings, self.layout.keys)

    async def _welcome(self) -> str | None:
        """Return a code for who may come in: the demo's visitor, or the first admin; None where there is one."""
        now = SystemClock().now()
        if self.settings.demo:
            return await demo_login_code(self.state, self.audit, now)
        return await first_run_code(self.state, now)

    def _panel(self) -> Demo | None:
        """Return what a visitor of the demo may break."""
        if not self.settings.demo:
            return None
        from lineside.apps.demo.panel import Panel  # noqa: PLC0415 - a plant that is no demo knows nothing of it

        speed = self.clock.speed if isinstance(self.clock, ProcessClock) else 1.0
        return Panel(self.bus, self.plan.site.id, self.plan.line.id).faults(speed)


def _agreed_outcome(floor: Floor, event: AlertEvent, now: int) -> Outcome | None:
    """Return the outcome that two people agree on by this event; None where there is none."""
    known = floor.alert(event.alert_id)
    if known is None:
        return None
    alert = fold([*known.events, event])[event.alert_id]
    return outcome_from(alert, floor.plan.characteristic(event.characteristic), now)


def _events_of(floor: Floor, alert_id: str) -> tuple[AlertEvent, ...]:
    alert = floor.alert(alert_id)
    return () if alert is None else alert.events
