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
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from lineside.adapters.audit_sqlite import read_chain
from lineside.adapters.history_query import HistoryQuery
from lineside.adapters.nats_bus import NatsBus
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.drill.line import both_ends, first_delivery, free_port, prepare, settled
from lineside.apps.drill.machine import count_delivered
from lineside.apps.layout import Layout
from lineside.apps.up import ChildSpec, Supervisor, UpSettings
from lineside.domain.alerts import AlertEvent
from lineside.domain.audit import AuditEntry
from lineside.domain.plan.model import Plan
from lineside.wire.codecs import decode_items
from lineside.wire.records import RecordKind
from lineside.wire.subjects import Subjects

TARGETS: Final = ("gateway", "plant", "nats", "machine")


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
    plan_file = await asyncio.to_thread(prepare, settings.root, layout)
    plan = load_plan(plan_file)
    supervisor = Supervisor(UpSettings(plan=plan_file, data=layout.root, port=free_port()))
    inbox = settings.root / "inbox"
    shown: set[str] = set()
    try:
        await supervisor.start()
        watching = asyncio.create_task(_watch_alerts(supervisor, plan, shown), name="watch alerts")
        command = [sys.executable, "-m", "lineside", "drill", "machine", str(inbox)]
        machine = supervisor.add(ChildSpec(name="machine", command=command))
        await first_delivery(lambda: count_delivered(inbox))
        kills = await _kill_at_random(supervisor, settings)
        await machine.stop()
        await settled(layout, lambda: count_delivered(inbox))
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    finally:
        await supervisor.stop()
    return await _account(layout, plan, inbox, shown, kills)


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


async def _account(layout: Layout, plan: Plan, inbox: Path, shown: set[str], kills: int) -> CrashResult:
    """Compare what was accepted with what the history holds, once every process has ended."""
    ends = await both_ends(layout, plan)
    recorded = HistoryQuery(layout.history).sql("SELECT DISTINCT id FROM alert_events").column("id").to_pylist()
    seen = shown | set(recorded)
    return CrashResult(
        delivered=count_delivered(inbox),
        accepted=ends.accepted,
        in_history=ends.in_history,
        quarantined=ends.quarantined,
        receipted=ends.receipted,
        lost=ends.lost,
        duplicated=ends.duplicated,
        alerts_shown=len(seen),
        alerts_audited=len(seen & _audited(layout)),
        kills=kills,
    )


def _audited(layout: Layout) -> set[str]:
    """Return the ids of the alert events that an audit chain holds."""
    paths = [path for path in (layout.gateway_audit, layout.plant_audit) if path.exists()]
    entries: list[AuditEntry] = [entry for path in paths for entry in read_chain(path)]
    return {json.loads(entry.content)["event"] for entry in entries if entry.action.startswith("alert.")}
