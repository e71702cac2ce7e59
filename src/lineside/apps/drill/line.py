"""The line of the drills: its plan, its model, and what both ends of it hold in the end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

import numpy as np

from lineside.adapters.clocks import SystemClock
from lineside.adapters.history_query import HistoryQuery
from lineside.adapters.outbox_sqlite import SqliteOutbox
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.drill.machine import rows
from lineside.apps.layout import Layout
from lineside.apps.link import Link
from lineside.apps.releasing import put_in_service
from lineside.apps.up import Supervisor
from lineside.domain.cycles.assembler import CycleAssembler
from lineside.domain.errors import UnavailableError
from lineside.domain.parts import PartTable
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.model import Plan
from lineside.domain.readings import Float64, Int64, ReadingBatch, make_batch
from lineside.learn.fit import FitRequest, fit
from lineside.wire.records import RecordKind

GATEWAY: Final = "gateway"
STATION: Final = "press"
_LEARNT_CYCLES: Final = 300
_LIVE_MINUTES: Final = 10
"""Of the plan: how old a part may be that is judged live."""
_STILL_SECONDS: Final = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Ends:
    """What both ends hold, in readings: ``lost`` is accepted minus in_history, quarantined and receipted."""

    accepted: int
    in_history: int
    quarantined: int
    receipted: int
    duplicated: int

    @property
    def lost(self) -> int:
        """What was accepted and is nowhere."""
        return self.accepted - self.in_history - self.quarantined - self.receipted


def prepare(root: Path, layout: Layout, lateness: float = 0.0, speed: float = 1.0) -> Path:
    """Write the plan, learn a model from good cycles, and put it in service; return the plan's file.

    ``lateness`` is how many seconds readings are waited for: a folder of files is always late. The line's clock runs
    ``speed`` times as fast as processes start and disks write, so both limits of time are that many times longer by it.
    """
    layout.create()
    (root / "inbox").mkdir(exist_ok=True)
    plan_file = root / "line.yaml"
    plan_file.write_text(plan_text(lateness, speed))
    plan = load_plan(plan_file)
    good = [_good_parts(plan, first=day * 86_400_000) for day in (1, 2)]
    bundle = fit(FitRequest(plan=plan, characteristic="porosity", table=good[0], calibration=good[1])).bundle
    put_in_service(layout, plan, bundle)
    return plan_file


def plan_text(lateness: float, speed: float) -> str:
    """Return the plan with its limits of time; what they are, `prepare` says."""
    text = files("lineside.apps.drill").joinpath("line.yaml").read_text()
    limits = f"lateness: {lateness * speed:g} s, live_within: {_LIVE_MINUTES * speed:g} min"
    return text.replace(f"lateness: 0 s, live_within: {_LIVE_MINUTES} min", limits)


async def first_delivery(delivered: Callable[[], int], within: float = 60.0) -> None:
    """Wait until the machine has delivered something.

    Raises:
        UnavailableError: it has not in time.
    """
    deadline = asyncio.get_running_loop().time() + within
    while not await asyncio.to_thread(delivered):
        if asyncio.get_running_loop().time() > deadline:
            raise UnavailableError("the machine delivers nothing")
        await asyncio.sleep(0.1)


async def start_behind(link: Link, supervisor: Supervisor) -> None:
    """Start everything; the link leads to the transport before the gateway looks for it."""
    starting = asyncio.create_task(supervisor.start(), name="start")
    while supervisor.nats.pid is None and not starting.done():  # noqa: ASYNC110 - it is plain state
        await asyncio.sleep(0.01)
    if not starting.done():
        host, _, port = supervisor.nats.address.url.rpartition("/")[2].partition(":")
        link.lead_to(host, int(port))
    await starting


async def settled(layout: Layout, delivered: Callable[[], int]) -> None:
    """Wait until the history holds all that was delivered and no more comes, or has not moved for a long time.

    ``delivered`` says how many readings there are until now.
    """
    query = HistoryQuery(layout.history)
    wanted, held, moved = -1, -1, asyncio.get_running_loop().time()
    while asyncio.get_running_loop().time() - moved < _STILL_SECONDS:
        before, wanted = wanted, await asyncio.to_thread(delivered)
        now = (await asyncio.to_thread(query.counts))["readings"]
        if now >= wanted == before:
            return
        if now != held:
            held, moved = now, asyncio.get_running_loop().time()
        await asyncio.sleep(1.0)


async def both_ends(layout: Layout, plan: Plan) -> Ends:
    """Compare what was accepted with what the history holds, once every process has ended."""
    outbox = await SqliteOutbox.open(
        layout.outbox, writer=GATEWAY, site=plan.site.id, line=plan.line.id, clock=SystemClock()
    )
    try:
        accepted = (await outbox.counts()).items.get(RecordKind.READINGS, 0)
    finally:
        await outbox.close()
    query = HistoryQuery(layout.history)
    # What a failed disk kept from the outbox was accepted with its receipt.
    accepted += _one(query, "SELECT coalesce(sum(count), 0)::BIGINT FROM receipts WHERE starts_with(id, 'disk-')")
    repeated = _one(query, "SELECT count(*) - count(DISTINCT (signal, source_time)) FROM readings")
    return Ends(
        accepted=accepted,
        in_history=query.counts()["readings"],
        quarantined=_one(query, "SELECT coalesce(sum(count), 0)::BIGINT FROM quarantine WHERE reason = 'record'"),
        receipted=_one(query, "SELECT coalesce(sum(count), 0)::BIGINT FROM receipts"),
        duplicated=max(sum(query.doubled().values()), repeated),
    )


def batch_of(plan: Plan, times: Int64, values: Float64) -> ReadingBatch:
    """Return the rows of the machine as readings."""
    size = values.shape[1]
    return make_batch(catalogue_for(plan), np.tile(np.arange(size), len(times)), np.repeat(times, size), values.ravel())


def free_port() -> int:
    """Return a port of loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _one(query: HistoryQuery, text: str) -> int:
    return int(query.sql(text).column(0)[0].as_py())


def _good_parts(plan: Plan, first: int) -> PartTable:
    """Return parts of the drill's machine while its die is not hot."""
    times, values = rows(first, _LEARNT_CYCLES * 1000)
    good = values[:, 0] < 220
    batch = batch_of(plan, times[good], values[good])
    assembler = CycleAssembler(plan, STATION, batch.catalogue)
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
