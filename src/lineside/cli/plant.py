"""`lineside plant`: the process of the site."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from lineside.apps.plant.app import PlantSettings, run_plant
from lineside.apps.running import until_interrupted
from lineside.cli.options import clock_option, data_option, nats_address, nats_option, plan_option


@click.command()
@plan_option
@data_option
@nats_option
@clock_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address that the board listens on.")
@click.option("--port", default=8800, show_default=True, help="Port that the board listens on.")
@click.option("--https/--http", default=None, help="Serve the board over HTTPS; default: unless on loopback.")
@click.option("--certificate", type=click.Path(path_type=Path), help="Own certificate (PEM), with its chain.")
@click.option("--key", type=click.Path(path_type=Path), help="Private key of the own certificate (PEM).")
@click.option("--demo", is_flag=True, hidden=True, help="Offer the panel on which things can be broken.")
def command(  # noqa: PLR0913, PLR0917 - click passes one argument per option
    plan: Path,
    data: Path,
    nats: str,
    clock: str,
    host: str,
    port: int,
    https: bool | None,
    certificate: Path | None,
    key: Path | None,
    demo: bool,
) -> None:
    """Keep the history, serve the board and its interface, and tell gateways which models to run."""
    settings = PlantSettings(
        plan=plan,
        data=data,
        nats=nats_address(nats, data),
        clock=clock,
        host=host,
        port=port,
        https=https if https is not None else host not in {"127.0.0.1", "::1", "localhost"},
        certificate=certificate,
        key=key,
        demo=demo,
    )
    asyncio.run(until_interrupted(run_plant(settings)))
