"""The outage drill: cut the link, take the power away, kill the broker and fill the disk, on a schedule.

Gateway, plant, transport and machine are real processes; the gateway reaches the transport through a relay of ours,
which breaks or hangs as a cable does. Time is compressed: the processes' clock runs faster, so that half an hour of
5,000 readings a second passes in minutes. Meanwhile both ends are looked at ten times a second, from which come how
long a reading took at the worst and how fast a backlog drained. In the end every reading is accounted for, and the
alerts that the gateway raised are compared with those that the same readings bring about without any fault.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from lineside.adapters.audit_sqlite import read_chain
from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.clocks import ProcessClock, SystemClock, describe
from lineside.adapters.onnx_judge import OnnxJudge
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.drill.line import (
    GATEWAY,
    STATION,
    batch_of,
    both_ends,
    first_delivery,
    free_port,
    prepare,
    settled,
    start_behind,
)
from lineside.apps.drill.machine import SIGNALS, count_delivered, files_in, rows
from lineside.apps.drill.watching import Watch
from lineside.apps.gateway.reconcile import reconcile_now
from lineside.apps.layout import Layout
from lineside.apps.link import Link
from lineside.apps.up import ChildSpec, Supervisor, UpSettings
from lineside.domain.alerts import AlertEvent, AlertKind
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.model import Plan
from lineside.domain.units import SECOND
from lineside.flows.judge import LineJudge
from lineside.wire.records import RecordKind

READINGS_PER_SECOND: Final = 1_000 * len(SIGNALS)
"""What the machine makes in a second of its own time."""
LATENESS: Final = 12.0
"""Seconds of the drill that readings are waited for: longer than a gateway takes to start again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A fault ``at`` a second of the drill, for ``lasts`` seconds where it is not over at once."""

    at: float
    fault: str
    lasts: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """How long the machine delivers, in seconds of the drill, how many of its own pass in one, and the faults."""

    seconds: float
    speed: float
    steps: tuple[Step, ...]


SHORT: Final = Schedule(
    seconds=20.0,
    speed=3.0,
    steps=(
        Step(at=2.0, fault="hang", lasts=4.0),
        Step(at=7.0, fault="gateway"),
        Step(at=12.0, fault="disk", lasts=2.0),
        Step(at=15.0, fault="broker"),
        Step(at=17.0, fault="break", lasts=2.5),
    ),
)
FULL: Final = Schedule(
    seconds=180.0,
    speed=10.0,
    steps=(
        Step(at=10.0, fault="hang", lasts=20.0),
        Step(at=45.0, fault="gateway"),
        Step(at=60.0, fault="broker"),
        Step(at=75.0, fault="break", lasts=15.0),
        Step(at=105.0, fault="disk", lasts=10.0),
        Step(at=125.0, fault="hang", lasts=20.0),
        Step(at=130.0, fault="gateway"),
        Step(at=160.0, fault="broker"),
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class OutageResult:
    """What came of a drill, in readings, but for the alerts and the times in seconds of the drill.

    ``max_delay_s`` is the longest from a commit at the gateway to the plant's, ``back_s`` from the link's return to
    the first record that got through, ``drain_ratio`` the slowest of the backlogs against the line's own rate in
    the drill. ``stretches_different`` are those of which both ends, compared in the end, hold different things.
    ``alerts_missing`` were expected and not raised, ``alerts_beside`` raised and not expected; both are ids.
    """

    accepted: int
    in_history: int
    lost: int
    duplicated: int
    receipted: int
    max_delay_s: float
    back_s: float
    drain_ratio: float
    local_alerts_raised: int
    local_alerts_expected: int
    stretches_different: int
    alerts_missing: tuple[str, ...] = ()
    alerts_beside: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing was lost outside a receipt, nothing doubled, and every local alert raised."""
        whole = self.lost == self.duplicated == self.stretches_different == 0 and self.accepted > 0
        return whole and self.local_alerts_raised == self.local_alerts_expected > 0

    def as_dict(self) -> dict[str, float]:
        """Return the figures by name."""
        return {name: value for name, value in asdict(self).items() if not name.startswith("alerts_")}


async def outage_drill(root: Path, schedule: Schedule) -> OutageResult:
    """Run the drill below a folder and return what came of it.

    Raises:
        UnavailableError: the processes do not come up.
    """
    drill = _Drill(root=root, schedule=schedule)
    return await drill.run()


@dataclass(kw_only=True)
class _Drill:
    root: Path
    schedule: Schedule
    layout: Layout = field(init=False)
    link: Link = field(default_factory=lambda: Link("127.0.0.1", 0))
    supervisor: Supervisor = field(init=False)
    watch: Watch = field(init=False)

    async def run(self) -> OutageResult:
        self.layout, inbox = Layout(self.root / "data"), self.root / "inbox"
        plan_file = await asyncio.to_thread(prepare, self.root, self.layout, LATENESS, self.schedule.speed)
        plan = load_plan(plan_file)
        now = SystemClock().now()
        clock = describe(ProcessClock(self.schedule.speed, now, now))
        await self.link.start()
        self.supervisor = Supervisor(
            UpSettings(
                plan=plan_file,
                data=self.layout.root,
                port=free_port(),
                clock=clock,
                gateway_nats=f"nats://127.0.0.1:{self.link.port}",
            )
        )
        self.watch = Watch(self.layout)
        try:
            await start_behind(self.link, self.supervisor)
            command = [sys.executable, "-m", "lineside", "drill", "machine", str(inbox), "--clock", clock]
            machine = self.supervisor.add(ChildSpec(name="machine", command=command))
            await first_delivery(lambda: self.watch.accepted(RecordKind.READINGS))
            await self._break_things()
            await machine.stop()
            await settled(self.layout, lambda: count_delivered(inbox))
            expected = await asyncio.to_thread(expected_alerts, plan, self.layout, inbox)
            await self._alerts_raised(expected)
            compared = await reconcile_now(plan_file, self.layout.root, self.supervisor.nats.address, GATEWAY)
        finally:
            await self.watch.stop()
            await self.supervisor.stop()
            await self.link.stop()
        return await self._account(plan, expected, len(compared.differences))

    async def _break_things(self) -> None:
        """Go through the schedule: one fault after another at its time, until the machine's time is over."""
        self.watch.start()
        began = asyncio.get_running_loop().time()
        running: list[asyncio.Task[None]] = []
        for step in self.schedule.steps:
            await asyncio.sleep(max(0.0, began + step.at - asyncio.get_running_loop().time()))
            running.append(asyncio.create_task(self._faults()[step.fault](step.lasts), name=step.fault))
        await asyncio.sleep(max(0.0, began + self.schedule.seconds - asyncio.get_running_loop().time()))
        await asyncio.gather(*running)

    def _faults(self) -> dict[str, Callable[[float], Coroutine[None, None, None]]]:
        return {
            "hang": lambda lasts: self._cut(self.link.hang, lasts),
            "break": lambda lasts: self._cut(self.link.cut, lasts),
            "gateway": lambda _: self._kill("gateway"),
            "broker": lambda _: self._kill("nats"),
            "disk": self._fill_disk,
        }

    async def _cut(self, how: Callable[[], None], lasts: float) -> None:
        how()
        await asyncio.sleep(lasts)
        self.link.mend()
        self.watch.link_returned()

    async def _kill(self, name: str) -> None:
        pid = self.supervisor.pids()[name]
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def _fill_disk(self, lasts: float) -> None:
        """Let no file of the gateway be written, as when its disk is full; a quota does that without any rights."""
        pid = self.supervisor.pids()[GATEWAY]
        if pid is None:
            return
        _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, most))
        await asyncio.sleep(lasts)
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))

    async def _alerts_raised(self, expected: set[str]) -> None:
        """Wait for the last alerts: their cycles are closed once no reading is waited for any more."""
        deadline = asyncio.get_running_loop().time() + 3 * LATENESS
        while asyncio.get_running_loop().time() < deadline:
            if expected <= await asyncio.to_thread(raised_alerts, self.layout):
                return
            await asyncio.sleep(0.5)

    async def _account(self, plan: Plan, expected: set[str], different: int) -> OutageResult:
        ends = await both_ends(self.layout, plan)
        raised = raised_alerts(self.layout)
        measured = self.watch.measure(READINGS_PER_SECOND * self.schedule.speed)
        return OutageResult(
            accepted=ends.accepted,
            in_history=ends.in_history,
            lost=ends.lost,
            duplicated=ends.duplicated,
            receipted=ends.receipted,
            max_delay_s=round(measured.max_delay, 1),
            back_s=round(measured.back, 1),
            drain_ratio=round(measured.drain_ratio, 1),
            local_alerts_raised=len(raised & expected),
            local_alerts_expected=len(expected),
            stretches_different=different,
            alerts_missing=tuple(sorted(expected - raised)),
            alerts_beside=tuple(sorted(raised - expected)),
        )


def expected_alerts(plan: Plan, layout: Layout, inbox: Path) -> set[str]:
    """Return the alerts that what was delivered brings about at a gateway to which nothing happens."""
    bundles = BundleFolder(layout.bundles).active(STATION)
    line = LineJudge(plan, catalogue_for(plan), lambda _: OnnxJudge(plan, STATION, bundles).open(), GATEWAY)
    events: list[AlertEvent] = []
    last = 0
    for first, count in files_in(inbox):
        if count:
            batch = batch_of(plan, *rows(first, count))
            last = int(batch.source_time[-1])
            events += line.push(batch, last).events
    events += line.advance(last + 2 * plan.station(STATION).lateness + SECOND).events
    return {event.alert_id for event in events if event.kind is AlertKind.RAISED}


def raised_alerts(layout: Layout) -> set[str]:
    """Return the alerts that the gateway's own audit chain says were raised there."""
    entries = read_chain(layout.gateway_audit)
    return {json.loads(entry.content)["alert"] for entry in entries if entry.action == f"alert.{AlertKind.RAISED}"}
