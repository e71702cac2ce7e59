"""The crash drill: kill -9 the real processes at random moments under load, then account for every reading.

Gateway, plant, transport and machine run as `lineside up` runs them. While the machine delivers, one of them after
another is killed at random and started again. Then the machine stops, what is under way may finish, everything is
stopped, and the two ends are compared: what the outbox accepted, and what the history holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import sys
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

import numpy as np

from lineside.adapters.audit_sqlite import read_chain
from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.clocks import SystemClock
from lineside.adapters.history_query import HistoryQuery
from lineside.adapters.nats_bus import NatsBus
from lineside.adapters.outbox_sqlite import SqliteOutbox
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.drill.machine import count_delivered, rows
from lineside.apps.layout import Layout
from lineside.apps.up import ChildSpec, Supervisor, UpSettings
from lineside.domain.alerts import AlertEvent
from lineside.domain.audit import AuditEntry
from lineside.domain.cycles.assembler import CycleAssembler
from lineside.domain.errors import UnavailableError
from lineside.domain.parts import PartTable
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.model import Plan
from lineside.domain.readings import make_batch
from lineside.learn.fit import FitRequest, fit
from lineside.wire.codecs import decode_items
from lineside.wire.records import RecordKind
from lineside.wire.subjects import Subjects

TARGETS: Final = ("gateway", "plant", "nats", "machine")
_GATEWAY: Final = "gateway"
_STILL_SECONDS: Final = 60.0
_LEARNT_CYCLES: Final = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class CrashSettings:
    """``seconds`` of load, a kill about every ``every`` seconds, in the order that ``seed`` gives, below ``root``."""

    root: Path
    seconds: float
    every: float = 3.0
    seed: int = 0
    targets: tuple[str, ...] = TARGETS


@dataclass(frozen=True, kw_only=True, slots=True)
class CrashResult:
    """What came of a drill, in readings but for the alerts (events) and the kills.

    ``delivered`` is what the machine put into its inbox, ``accepted`` what the outbox ever committed; ``lost`` is
    accepted minus in_history, quarantined and receipted.
    """

    delivered: int
    accepted: int
    in_history: int
    quarantined: int
    receipted: int
    lost: int
    duplicated: int
    alerts_shown: int
    alerts_audited: int
    kills: int

    @property
    def passed(self) -> bool:
        """Whether nothing was lost, doubled or shown without being recorded."""
        complete = self.lost == 0 and self.duplicated == 0 and self.delivered == self.accepted
        return complete and self.alerts_shown == self.alerts_audited

    def as_dict(self) -> dict[str, int]:
        """Return the figures by name."""
        return asdict(self)


async def crash_drill(settings: CrashSettings) -> CrashResult:
    """Run the drill and return what came of it.

    Raises:
        UnavailableError: the processes do not come up.
    """
    layout = Layout(settings.root / "data")
    plan_file = await asyncio.to_thread(_prepare, settings.root, layout)
    plan = load_plan(plan_file)
    supervisor = Supervisor(UpSettings(plan=plan_file, data=layout.root, port=_free_port()))
    inbox = settings.root / "inbox"
    shown: set[str] = set()
    try:
        await supervisor.start()
        watching = asyncio.create_task(_watch_alerts(supervisor, plan, shown), name="watch alerts")
        command = [sys.executable, "-m", "lineside", "drill", "machine", str(inbox)]
        machine = supervisor.add(ChildSpec(name="machine", command=command))
        await _first_delivery(inbox)
        kills = await _kill_at_random(supervisor, settings)
        await machine.stop()
        await _drained(layout, inbox)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    finally:
        await supervisor.stop()
    return await _account(layout, plan, inbox, shown, kills)


async def _first_delivery(inbox: Path, within: float = 60.0) -> None:
    deadline = asyncio.get_running_loop().time() + within
    while not await asyncio.to_thread(count_delivered, inbox):
        if asyncio.get_running_loop().time() > deadline:
            raise UnavailableError("the machine delivers nothing", where=str(inbox))
        await asyncio.sleep(0.1)


async def _kill_at_random(supervisor: Supervisor, settings: CrashSettings) -> int:
    """Kill one process after another until the time is over, each of them once before any for the second time."""
    choose = random.Random(settings.seed)  # noqa: S311 - a drill that can be repeated
    end = asyncio.get_running_loop().time() + settings.seconds
    kills, turn = 0, list[str]()
    while True:
        pause = choose.uniform(0.2, 1.8) * settings.every
        left = end - asyncio.get_running_loop().time()
        await asyncio.sleep(max(0.0, min(pause, left)))
        if pause >= left:
            return kills
        if not turn:
            turn = choose.sample(settings.targets, len(settings.targets))
        victim = supervisor.pids().get(turn.pop())
        if victim is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
                kills += 1


async def _watch_alerts(supervisor: Supervisor, plan: Plan, shown: set[str]) -> None:
    """Take note of every alert event that is published for boards."""

    async def see(_: str, data: bytes) -> None:
        shown.update(event.id for event in decode_items(data, AlertEvent))

    bus = await NatsBus.open(supervisor.nats.address, name="drill")
    try:
        await bus.subscribe(f"{Subjects(plan.site.id, plan.line.id).live}.{RecordKind.ALERTS}", see)
        await asyncio.Event().wait()
    finally:
        await bus.close()


async def _drained(layout: Layout, inbox: Path) -> None:
    """Wait until the history holds all that was delivered, or has not moved for a long time."""
    delivered = await asyncio.to_thread(count_delivered, inbox)
    query = HistoryQuery(layout.history)
    held, moved = -1, asyncio.get_running_loop().time()
    while held < delivered and asyncio.get_running_loop().time() - moved < _STILL_SECONDS:
        await asyncio.sleep(1.0)
        now = (await asyncio.to_thread(query.counts))["readings"]
        if now != held:
            held, moved = now, asyncio.get_running_loop().time()


async def _account(layout: Layout, plan: Plan, inbox: Path, shown: set[str], kills: int) -> CrashResult:
    """Compare what was accepted with what the history holds, once every process has ended."""
    outbox = await SqliteOutbox.open(
        layout.outbox, writer=_GATEWAY, site=plan.site.id, line=plan.line.id, clock=SystemClock()
    )
    try:
        accepted = (await outbox.counts()).items.get(RecordKind.READINGS, 0)
    finally:
        await outbox.close()
    query = HistoryQuery(layout.history)
    counts = query.counts()
    quarantined = _one(query, "SELECT coalesce(sum(count), 0)::BIGINT FROM quarantine WHERE reason = 'record'")
    receipted = _one(query, "SELECT coalesce(sum(count), 0)::BIGINT FROM receipts")
    repeated = _one(query, "SELECT count(*) - count(DISTINCT (signal, source_time)) FROM readings")
    recorded = query.sql("SELECT DISTINCT id FROM alert_events").column("id").to_pylist()
    seen = shown | set(recorded)
    return CrashResult(
        delivered=count_delivered(inbox),
        accepted=accepted,
        in_history=counts["readings"],
        quarantined=quarantined,
        receipted=receipted,
        lost=accepted - counts["readings"] - quarantined - receipted,
        duplicated=max(sum(query.doubled().values()), repeated),
        alerts_shown=len(seen),
        alerts_audited=len(seen & _audited(layout)),
        kills=kills,
    )


def _one(query: HistoryQuery, text: str) -> int:
    return int(query.sql(text).column(0)[0].as_py())


def _audited(layout: Layout) -> set[str]:
    """Return the ids of the alert events that an audit chain holds."""
    paths = [path for path in (layout.gateway_audit, layout.plant_audit) if path.exists()]
    entries: list[AuditEntry] = [entry for path in paths for entry in read_chain(path)]
    return {json.loads(entry.content)["event"] for entry in entries if entry.action.startswith("alert.")}


def _prepare(root: Path, layout: Layout) -> Path:
    """Write the plan, learn a model from good cycles, and put it in service; return the plan's file."""
    layout.create()
    (root / "inbox").mkdir(exist_ok=True)
    plan_file = root / "line.yaml"
    plan_file.write_bytes(files("lineside.apps.drill").joinpath("line.yaml").read_bytes())
    plan = load_plan(plan_file)
    good = [_good_parts(plan, first=day * 86_400_000) for day in (1, 2)]
    bundle = fit(FitRequest(plan=plan, characteristic="porosity", table=good[0], calibration=good[1])).bundle
    folder = BundleFolder(layout.bundles)
    folder.add(bundle)
    folder.activate(bundle)
    return plan_file


def _good_parts(plan: Plan, first: int) -> PartTable:
    """Return parts of the drill's machine while its die is not hot."""
    times, values = rows(first, _LEARNT_CYCLES * 1000)
    good = values[:, 0] < 220
    times, values = times[good], values[good]
    size = values.shape[1]
    batch = make_batch(
        catalogue_for(plan), np.tile(np.arange(size), len(times)), np.repeat(times, size), values.ravel()
    )
    assembler = CycleAssembler(plan, "press", batch.catalogue)
    parts = [part for part in [*assembler.push(batch), *assembler.flush()] if not part.incomplete]
    return PartTable(
        recipe=assembler.recipe,
        unit=tuple(part.unit for part in parts),
        started=np.array([part.started for part in parts]),
        ended=np.array([part.ended for part in parts]),
        features=np.stack([part.features for part in parts]),
        group=("",) * len(parts),
        outcome=("",) * len(parts),
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
