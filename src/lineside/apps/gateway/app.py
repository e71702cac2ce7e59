"""The gateway process: sources in, records out, judgement in between.

It opens one connection, to NATS, and only outwards. Without the plant it goes on: what it accepts waits in
the outbox, and the models it has judge on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from lineside.adapters.audit_sqlite import SqliteAudit
from lineside.adapters.clocks import SystemClock, clock_from
from lineside.adapters.nats_bus import NatsBus
from lineside.adapters.onnx_judge.accepting import Trials
from lineside.adapters.outbox_sqlite import SqliteOutbox
from lineside.adapters.service_manager import READY, tell_manager
from lineside.apps.gateway.configuration import plan_to_run
from lineside.apps.gateway.loading import Load
from lineside.apps.gateway.local_status import serve_status
from lineside.apps.gateway.reporter import last_words
from lineside.apps.gateway.salvaging import check_outbox, evidence_of, forward_saved, leave_receipt
from lineside.apps.gateway.wiring import (
    Faces,
    GatewaySettings,
    Judging,
    Opened,
    Uplink,
    faces_of,
    forwarder_of,
    take_up,
    uplink_of,
)
from lineside.apps.gateway_figures import GatewayLook, gateway_figures
from lineside.apps.layout import Layout
from lineside.apps.running import keep_for_good
from lineside.apps.telemetry import open_telemetry
from lineside.domain.buffering import bounds_of
from lineside.domain.errors import StorageError, UnavailableError
from lineside.domain.figures import Figure
from lineside.domain.health.load import Shedder
from lineside.domain.plan.model import CharacteristicKind, Plan
from lineside.flows.measurements import keep_measurements
from lineside.flows.releases import CHANGED
from lineside.flows.responses import RESPONDED
from lineside.ports import Clock
from lineside.wire.configuration import CHANGED as CONFIGURATION_CHANGED
from lineside.wire.life import BIRTHS_WANTED

_MODEL_SECONDS: Final = 30.0
_MODEL_RETRY_SECONDS: Final = 1.0
_SETTLE_SECONDS: Final = 0.25


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
        telemetry = open_telemetry("gateway", settings.name, plan, clock)
        if telemetry is not None:
            stack.push_async_callback(telemetry.close)
        trials = Trials()
        stack.push_async_callback(trials.close)
        load = Load(shedder=Shedder(plan.gateway.ceilings), folder=layout.outbox.parent)
        await _run(
            Opened(
                settings=settings,
                layout=layout,
                plan=plan,
                clock=clock,
                outbox=outbox,
                audit=audit,
                bus=bus,
                load=load,
                trials=trials,
                telemetry=telemetry,
            )
        )


async def _open_outbox(path: Path, writer: str, plan: Plan, clock: Clock) -> SqliteOutbox:
    return await SqliteOutbox.open(
        path, writer=writer, site=plan.site.id, line=plan.line.id, clock=clock, bounds=bounds_of(plan)
    )


async def _run(opened: Opened) -> None:
    """Take up the line, run everything beside it, and say goodbye at the end."""
    judging = await take_up(opened)
    uplink = uplink_of(opened)
    faces = faces_of(opened, judging, uplink)
    changed = asyncio.Event()
    await opened.bus.subscribe(opened.subjects.control, _control(changed, faces))
    beside = [
        asyncio.create_task(work, name=name) for name, work in _beside(opened, judging, uplink, faces, changed).items()
    ]
    keep_for_good()
    tell_manager(READY)
    collecting = asyncio.create_task(judging.collector.run(faces.sources), name="collect")
    why = "it was told to end"
    try:
        await _first_failure(collecting, *beside)
        await uplink.forwarder.drained()
        why = "every source has ended"
    except Exception as error:
        why = f"it failed: {error}"
        raise
    finally:
        await faces.reporter.say_goodbye(last_words(faces.vitals.healths(), why))
        for task in (collecting, *beside):
            task.cancel()
        await asyncio.gather(collecting, *beside, return_exceptions=True)
        for source in faces.sources.values():
            await source.close()


def _beside(
    opened: Opened, judging: Judging, uplink: Uplink, faces: Faces, changed: asyncio.Event
) -> dict[str, Coroutine[Any, Any, None]]:
    """Return what runs beside the collector for as long as it does, by name."""
    work = {
        "forward": uplink.forwarder.run(),
        "compare both ends": uplink.reconciler.run(),
        "forward saved": _forward_saved(opened, uplink),
        "status": faces.reporter.run(),
        "local status": serve_status(opened.layout.status_socket, faces.vitals.status),
        "models": _keep_models(opened, judging, changed),
        "model faults": _settle_models(judging),
        "responses": faces.board.keep(),
        "load": opened.load.keep(),
    }
    variables = [item.id for item in opened.plan.characteristics if item.kind is CharacteristicKind.VARIABLE]
    if variables:
        work["measured"] = keep_measurements(opened.bus, opened.subjects, variables, judging.shelf.measured)
    if opened.telemetry is not None:
        work["telemetry"] = opened.telemetry.run(lambda: _figures(faces))
    if faces.configurator is not None:
        work["configuration"] = faces.configurator.run()
    if opened.settings.listen is not None:
        work["local page"] = faces.board.serve(opened.settings.listen)
    return work


def _figures(faces: Faces) -> Iterable[Figure]:
    status = faces.vitals.status()
    return gateway_figures([GatewayLook(name=status.gateway, up=True, level=status.level, status=status)])


async def _forward_saved(opened: Opened, uplink: Uplink) -> None:
    """Forward what was saved of damaged outboxes."""
    await forward_saved(
        opened.layout.outbox.parent,
        lambda outbox: forwarder_of(opened, outbox, uplink.origin, uplink.key),
        lambda path: _open_outbox(path, opened.settings.name, opened.plan, opened.clock),
    )


async def _keep_models(opened: Opened, judging: Judging, changed: asyncio.Event) -> None:
    """Ask for the models on offer: until the plant answers, when it says so, and now and then in between."""
    while True:
        pause = _MODEL_SECONDS
        try:
            await judging.shelf.refresh(opened.bus, opened.subjects)
            await judging.canaries.refresh(opened.bus, opened.subjects)
        except (UnavailableError, StorageError):  # what judges goes on, and it is asked again
            pause = _MODEL_RETRY_SECONDS
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await changed.wait()
        changed.clear()


async def _settle_models(judging: Judging) -> None:
    """Make durable what seats have done, as soon as the disk takes it."""
    while True:
        with contextlib.suppress(StorageError):  # the seats judge on, and it is tried again
            await judging.shelf.settle()
            await judging.canaries.settle()
        await asyncio.sleep(_SETTLE_SECONDS)


def _control(changed: asyncio.Event, faces: Faces) -> Callable[[str, bytes], Awaitable[None]]:
    """Return what acts on the plant's messages to the line's gateways."""

    async def handle(_: str, data: bytes) -> None:
        if data == CHANGED:
            changed.set()
        elif data == RESPONDED:
            faces.board.asked.set()
        elif data == BIRTHS_WANTED:
            await faces.reporter.tell_birth()
        elif data == CONFIGURATION_CHANGED and faces.configurator is not None:
            faces.configurator.ask_now()

    return handle


async def _first_failure(main: asyncio.Task[None], *beside: asyncio.Task[None]) -> None:
    """Wait for the main task to end; a task beside it that fails ends the wait with its error."""
    await asyncio.wait([main, *beside], return_when=asyncio.FIRST_COMPLETED)
    for task in (main, *beside):
        if task.done():
            task.result()
