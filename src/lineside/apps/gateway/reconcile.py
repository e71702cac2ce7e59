"""Comparing both ends on demand, beside a running gateway: from its outbox file, with a connection of its own."""

from __future__ import annotations

from pathlib import Path

from lineside.adapters.nats_bus import NatsAddress, NatsBus
from lineside.adapters.outbox_accounts import OutboxAccounts
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.gateway.wiring import watermark_key
from lineside.apps.layout import Layout
from lineside.domain.errors import UnavailableError
from lineside.flows.forward import Origin
from lineside.flows.reconcile_ends import Reconciler, ReconcileStatus
from lineside.wire.subjects import Subjects

_CONNECT_SECONDS = 5.0


async def reconcile_now(plan_file: Path, data: Path, nats: NatsAddress, name: str) -> ReconcileStatus:
    """Compare the newest stretches of the gateway of a data folder with the plant's history.

    Raises:
        UnavailableError: the plant does not answer.
        StorageError: there is no outbox that can be read.
        IntegrityError: the plant's answer cannot be trusted, or it says why it has none.
    """
    plan, layout = load_plan(plan_file), Layout(data)
    subjects = Subjects(plan.site.id, plan.line.id, name)
    bus = await NatsBus.open(nats, name=name, within=_CONNECT_SECONDS)
    try:
        if not bus.is_connected:
            raise UnavailableError(f"no connection: {bus.problem}", field="--nats", value=nats.url)
        origin = Origin(writer=name, holder="", subjects=subjects)
        reconciler = Reconciler(
            outbox=OutboxAccounts(layout.outbox),
            bus=bus,
            origin=origin,
            key=watermark_key(layout, subjects),
            audit=None,  # the running gateway audits what it finds itself, and holds its chain alone
        )
        return await reconciler.compare_now()
    finally:
        await bus.close()
