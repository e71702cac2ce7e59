"""A plant without its processes: the real history, watch, trainings and ladder, by the clock of a simulated line.

Parts are judged by the judge of the gateway, by the champion or, its share of them, by the canary. All that a gateway
and inspection would send is put in the history; the watch looks at it as the plant's does, a loss of recall sets off a
training in a process of its own, and engineers take what is kept up the ladder, as soon as its readiness report says
ready; they let a challenger off the levels that the champion misses too, where that is all that is lacking. A canary
that misses a level is taken back, and else renewed. Engineers and operators are simulated: nobody refuses, and every
alert is acknowledged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lineside.adapters.delta_history import DeltaHistory
from lineside.adapters.job_folder import JobFolder, JobState
from lineside.adapters.onnx_judge import OnnxJudge
from lineside.adapters.plan_yaml import load_plan
from lineside.adapters.state_sql import open_state, sqlite_url
from lineside.apps.drifting import DriftLook
from lineside.apps.layout import Layout
from lineside.apps.performing import PerformanceLook
from lineside.apps.plant.evidence import report_of
from lineside.apps.plant.release_ladder import ReleaseLadder
from lineside.apps.plant.rolling_back import AutomaticRollback
from lineside.apps.plant.watching import Watch
from lineside.apps.releasing import place_of, signing_folder
from lineside.apps.training_jobs import JobRunner, Relearn, queue_job
from lineside.domain.access import AccessRole
from lineside.domain.alerting import AlertEngine
from lineside.domain.alerts import AlertEvent, AlertKind
from lineside.domain.errors import InputError
from lineside.domain.outcomes import Outcome
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import Plan
from lineside.domain.predictions import Prediction
from lineside.domain.readiness import Verdict
from lineside.domain.releases.canary import Canary
from lineside.domain.releases.concession import Concession
from lineside.domain.releases.deciding import Person
from lineside.domain.releases.ladder import LadderEvent
from lineside.domain.releases.table import Rung
from lineside.domain.units import SECOND
from lineside.ports import LandedRecord
from lineside.testing.clocks import ManualClock
from lineside.testing.fakes.audit import FakeAudit
from lineside.wire.bundle import Bundle
from lineside.wire.codecs import encode_items
from lineside.wire.records import RecordHeader, RecordKind, pack, unpack

WRITER = "rehearsal"
SHARE = 0.5
_AUTHOR, *_OTHERS = (
    Person(pseudonym=f"engineer-{number}", role=AccessRole.ENGINEER) for number in ("one", "two", "three")
)
_MOST = 2_000


@dataclass(kw_only=True, slots=True)
class Rehearsal:
    """The plant of one seed; ``steps`` are what was done on the ladder, ``refused`` why the last step was not."""

    plan: Plan
    history: DeltaHistory
    clock: ManualClock
    audit: FakeAudit
    watch: Watch
    runner: JobRunner
    ladder: ReleaseLadder
    station: str
    characteristic: str
    steps: list[dict[str, Any]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    _sequence: int = 0
    _champion: OnnxJudge | None = None
    _canary: tuple[Canary, OnnxJudge] | None = None

    async def keep(self, kind: RecordKind, items: Sequence[Any]) -> None:
        """Put items in the history, as records of this line."""
        records = []
        for first in range(0, len(items), _MOST):
            some = items[first : first + _MOST]
            self._sequence += 1
            header = RecordHeader(
                WRITER, "e1", self._sequence, self.plan.site.id, self.plan.line.id, kind, len(some), self.clock.now()
            )
            record = unpack(pack(header, encode_items(some)))
            records.append(LandedRecord(position=self._sequence, record=record))
        if records:
            await self.history.append(records)

    async def learn(self, reason: str) -> str:
        """Learn as a person would who asks for it; return the name of what is kept."""
        folder = self.runner.folder
        job = queue_job(folder, self.characteristic, "by hand", reason, self.clock.now())
        assert job is not None
        await self.train()
        done = folder.get(job.id)
        assert done.state is JobState.DONE, done.progress
        return done.result

    async def train(self) -> None:
        """Run the trainings that wait."""
        while await self.runner.run_next():
            pass

    async def serve(self, release: str) -> None:
        """Put the first model in service, before there is a ladder."""
        self.ladder.folder.offer(await self.ladder.bundle(release), note="the first")
        await self.ladder.ladder()
        await self.open()

    async def open(self) -> None:
        """Open what judges now: the champion, and the canary where there is one."""
        (champion,) = self.ladder.folder.active(self.station)
        self._champion = self.opened(champion)
        self._canary = None
        for standing in (await self.ladder.ladder()).at(place_of(champion), Rung.CANARY):
            assert standing.canary is not None
            self._canary = standing.canary, self.opened(await self.ladder.bundle(standing.release))

    def judge(self, parts: Sequence[PartRecord], engine: AlertEngine) -> tuple[list[Prediction], list[AlertEvent]]:
        """Judge parts in order; every alert is acknowledged at once."""
        predictions, events = [], []
        for part in parts:
            (found,) = self._judge_of(part).judge(part, part.received).predictions
            predictions.append(found)
            events += list(_acknowledged(engine.observe(found, part.received)))
        return predictions, events

    async def look(self) -> None:
        """Look as the watch does, and train what that sets off."""
        await self.history.join_small_files()
        await self.watch.look()
        await self.train()

    async def climb(self) -> None:
        """Draft what is new, and take whatever is ready a step up; what is newer takes a canary's place once it is."""
        ladder = await self.ladder.ladder()
        newest, *older = await self.ladder.kept()
        if ladder.of(newest.name).rung is Rung.NONE:
            await self._step(newest, _AUTHOR)  # a draft
            await self._step(newest, _AUTHOR)  # in the shadow
            for bundle in older:
                if ladder.of(bundle.name).rung is Rung.SHADOW:
                    await self.ladder.retire(bundle.name, _OTHERS[0], f"{_short(newest)} has learned more")
        for standing in ladder.at(place_of(newest), Rung.CANARY):
            bundle = await self.ladder.bundle(standing.release)
            levels = await self.ladder.levels(bundle)
            missed = [level.name for level in levels if level.verdict is Verdict.MISSED and not level.concedable]
            if missed:
                await self.ladder.retire(standing.release, _OTHERS[0], f"{_short(bundle)} misses {', '.join(missed)}")
                self.steps.append(
                    {"release": _short(bundle), "step": "retired", "time": self.clock.now(), "conceded": ()}
                )
                await self.open()
            else:
                await self._promote(bundle, Rung.CHAMPION)
        if (await self.ladder.ladder()).of(newest.name).rung is Rung.SHADOW:
            await self._promote(newest, Rung.CANARY)

    async def _promote(self, bundle: Bundle, after: Rung) -> None:
        """Promote a release where its report says ready, by the approval of two; a canary makes room for the next."""
        report = report_of(bundle.name, await self.ladder.levels(bundle), after)
        if report.lacks:
            self.refused[f"{_short(bundle)} to {after}"] = "; ".join(report.lacks)
            return
        if after is Rung.CANARY:
            for standing in (await self.ladder.ladder()).at(place_of(bundle), Rung.CANARY):
                await self.ladder.retire(standing.release, _OTHERS[0], f"{_short(bundle)} is ready")
        for person in _OTHERS:
            await self.ladder.approve(bundle.name, person, "its readiness report says ready", report.concedable)
        await self._step(bundle, _OTHERS[0], Canary(share=SHARE) if after is Rung.CANARY else None)
        await self.open()

    async def _step(self, bundle: Bundle, person: Person, canary: Canary | None = None) -> None:
        try:
            events = await self.ladder.promote(bundle.name, person, "a step of the rehearsal", canary)
        except InputError as error:
            self.refused[_short(bundle)] = str(error)
            return
        self.steps += [
            {"release": _short(bundle), "step": str(event.step), "time": self.clock.now(), "conceded": _conceded(event)}
            for event in events
            if event.release == bundle.name
        ]

    def _judge_of(self, part: PartRecord) -> OnnxJudge:
        assert self._champion is not None
        place = f"{self.station}/{self.characteristic}"
        if self._canary is not None and self._canary[0].takes(place, part.unit or part.cycle_id):
            return self._canary[1]
        return self._champion

    def opened(self, bundle: Bundle) -> OnnxJudge:
        """Return a judge of one model alone."""
        return OnnxJudge(self.plan, self.station, [bundle]).open()


@asynccontextmanager
async def rehearsal(text: str, folder: Path, station: str, characteristic: str, now: int) -> Any:
    """Set up a plant in a folder by the text of a plan, and take it down."""
    plan_file, layout = folder / "plan.yaml", Layout(folder / "data")
    plan_file.write_text(text, encoding="utf-8")
    plan = load_plan(plan_file)
    layout.create()
    clock = ManualClock(now)
    audit = FakeAudit(clock=clock)
    state = open_state(sqlite_url(layout.state))
    bundles = signing_folder(layout)
    ladder = ReleaseLadder(
        plan=plan, folder=bundles, history=layout.history, state=state, audit=audit, clock=clock
    )  # fmt: skip
    jobs = JobFolder(layout.jobs)
    watch = Watch(
        drift=DriftLook(plan, bundles, layout.history),
        performance=PerformanceLook(plan, bundles, layout.history),
        learn_again=Relearn(plan, jobs, clock),  # a canary's fortnight is of the wall clock, which stands still here
        damaged=AutomaticRollback(plan, ladder, audit),
        audit=audit,
        clock=clock,
    )
    runner = JobRunner(
        folder=jobs, plan_file=plan_file, plan=plan, data=layout.root, audit=audit.append, clock=clock
    )  # fmt: skip
    try:
        yield Rehearsal(
            plan=plan, history=await DeltaHistory.open(layout.history),
            clock=clock, audit=audit, watch=watch, runner=runner, ladder=ladder, station=station,
            characteristic=characteristic,
        )  # fmt: skip
    finally:
        state.close()


def found_of(outcomes: dict[tuple[str, str], tuple[str, int]], characteristic: str) -> list[Outcome]:
    """Return what inspection finds of one characteristic, in the order in which it finds it."""
    found = [
        Outcome(unit=unit, characteristic=name, value=value, found=when, recorded=when, source="inspection")
        for (unit, name), (value, when) in outcomes.items()
        if name == characteristic
    ]
    return sorted(found, key=lambda item: item.found)


def _acknowledged(events: Sequence[AlertEvent]) -> Iterator[AlertEvent]:
    for event in events:
        yield event
        if event.kind is AlertKind.RAISED:
            yield AlertEvent(
                id=f"{event.id}-ack", alert_id=event.alert_id, kind=AlertKind.ACKNOWLEDGED, time=event.time + SECOND,
                station=event.station, characteristic=event.characteristic, cause=event.cause, writer="board",
                by="operator",
            )  # fmt: skip


def _conceded(event: LadderEvent) -> tuple[str, ...]:
    concession = Concession.read(event.detail)
    return () if concession is None else concession.levels


def _short(bundle: Bundle) -> str:
    return f"{bundle.manifest.release}/{bundle.manifest.version}"
