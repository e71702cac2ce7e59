"""`lineside gateway`: the process at the line."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from lineside.apps.gateway.app import GatewaySettings, run_gateway
from lineside.apps.running import until_interrupted
from lineside.cli.options import clock_option, data_option, nats_address, nats_option, plan_option


@click.command()
@plan_option
@data_option
@nats_option
@clock_option
@click.option("--name", default="gateway", show_default=True, help="The gateway's name, unique on the site.")
@click.option(
    "--replay", type=float, help="Play files as if they came now, at this many times their speed; 0: at once."
)
def command(plan: Path, data: Path, nats: str, clock: str, name: str, replay: float | None) -> None:
    """Take readings in, judge parts, raise alerts; everything accepted reaches the plant."""
    settings = GatewaySettings(
        plan=plan, data=data, nats=nats_address(nats, data), name=name, clock=clock, replay=replay
    )
    asyncio.run(until_interrupted(run_gateway(settings)))
