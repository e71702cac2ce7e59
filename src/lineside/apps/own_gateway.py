"""The gateway of the plant's own machine: it enrols as every other does, by a token that nobody has to carry."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from lineside.adapters.audit_sqlite import SqliteAudit
from lineside.adapters.clocks import SystemClock
from lineside.adapters.gateway_identity import load_identity
from lineside.adapters.nats_server import read_address
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.gateway.enrol import enrol
from lineside.apps.layout import Layout
from lineside.apps.plant.app import WRITER
from lineside.apps.plant.gateways import GatewayDesk
from lineside.apps.plant_state import open_plant_state
from lineside.domain.enrolment import Gateway
from lineside.domain.plan.model import Plan

OWN_GATEWAY: Final = "gateway"


async def enrol_own(plan_file: Path, layout: Layout, name: str) -> None:
    """Enrol this machine's gateway with the plant that runs here, unless it is known; one that is revoked stays so.

    Raises:
        UnavailableError: the plant does not answer.
    """
    plan, clock = load_plan(plan_file), SystemClock()
    state = open_plant_state(layout)
    audit = await SqliteAudit.open(layout.plant_audit, writer=WRITER, clock=clock, key=layout.audit_key)
    try:
        if not _is_known(await state.gateways.all(), layout, plan, name):
            desk = GatewayDesk(layout=layout, state=state, audit=audit, clock=clock)
            here = read_address(layout.nats)
            url = "" if here is None else here.url
            site, line = plan.site.id, plan.line.id
            token = await desk.make_token(name, site=site, line=line, url=url, by="this machine")
            await enrol(token, layout, clock.now())
    finally:
        await audit.close()
        state.close()


def _is_known(gateways: tuple[Gateway, ...], layout: Layout, plan: Plan, name: str) -> bool:
    identity = load_identity(layout.identity)
    if identity is None:
        return False
    wanted = (name, plan.site.id, plan.line.id, identity.signer.public.hex())
    return any((item.name, item.site, item.line, item.key) == wanted for item in gateways)
