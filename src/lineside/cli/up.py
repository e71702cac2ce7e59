"""`lineside up`: gateway, plant and transport on one machine."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from lineside.adapters.service_manager import READY, tell_manager
from lineside.apps.running import until_interrupted
from lineside.apps.up import Supervisor, UpSettings
from lineside.cli.options import data_option, plain_lab_option, plan_option, transport_option
from lineside.domain.listening import parse_listen


@click.command()
@plan_option
@data_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address that the board listens on.")
@click.option("--port", default=8800, show_default=True, help="Port that the board listens on.")
@click.option(
    "--gateway-page",
    default="",
    metavar="HOST:PORT",
    help="Serve the gateway's own page there, on loopback or the machines' network; default: nowhere.",
)
@transport_option
@plain_lab_option
def command(plan: Path, data: Path, host: str, port: int, gateway_page: str, transport: str, plain_lab: bool) -> None:
    """Run everything that a line needs on this machine, until Ctrl-C."""
    if gateway_page:
        parse_listen(gateway_page, "--gateway-page")
    settings = UpSettings(
        plan=plan,
        data=data,
        host=host,
        port=port,
        transport=transport,
        plain_lab=plain_lab,
        gateway_options=("--listen", gateway_page) if gateway_page else (),
    )
    asyncio.run(until_interrupted(_run(settings)))


async def _run(settings: UpSettings) -> None:
    supervisor = Supervisor(settings)
    try:
        await supervisor.start()
        tell_manager(READY)
        await asyncio.Event().wait()
    finally:
        await supervisor.stop()
