"""`lineside plant`: the process of the site."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from lineside.adapters.nats_bus import NatsAddress
from lineside.apps.layout import Layout
from lineside.apps.plant.app import run_plant
from lineside.apps.plant.serving import PlantSettings
from lineside.apps.running import until_interrupted
from lineside.apps.transport import with_transport
from lineside.cli.options import (
    clock_option,
    data_option,
    nats_address,
    nats_option,
    plain_lab_option,
    plan_option,
    transport_option,
)


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
@click.option(
    "--writer", "writers", multiple=True, help="Take records of this writer too, which holds the plant's credentials."
)
@transport_option
@plain_lab_option
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
    writers: tuple[str, ...],
    demo: bool,
    transport: str,
    plain_lab: bool,
) -> None:
    """Keep the history, serve the board and its interface, and tell gateways which models to run."""

    def settings(address: NatsAddress) -> PlantSettings:
        return PlantSettings(
            plan=plan,
            data=data,
            nats=address,
            clock=clock,
            host=host,
            port=port,
            https=https if https is not None else host not in {"127.0.0.1", "::1", "localhost"},
            certificate=certificate,
            key=key,
            demo=demo,
            writers=writers,
        )

    if transport:
        work = with_transport(Layout(data), transport, lambda address: run_plant(settings(address)), lab=plain_lab)
    else:
        work = run_plant(settings(nats_address(nats, data, lab=plain_lab)))
    asyncio.run(until_interrupted(work))
