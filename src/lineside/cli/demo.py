"""`lineside demo`: a simulated die-casting cell, judged live."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from lineside.apps.demo.prepare import DAYS, Prepared
from lineside.apps.demo.run import Demo, DemoSettings
from lineside.apps.running import until_interrupted


@click.command()
@click.option("--speed", default=20.0, show_default=True, type=click.FloatRange(1, 60), help="Process time to clock.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".lineside-demo"),
    show_default=True,
    envvar="LINESIDE_DEMO_DIR",
    help="Folder of everything that is kept; delete it to begin anew.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address that the board listens on.")
@click.option("--port", default=8800, show_default=True, help="Port that the board listens on.")
@click.option("--days", default=DAYS, hidden=True, help="Production days that the past has.")
def command(speed: float, data: Path, host: str, port: int, days: int) -> None:
    """Run a simulated die-casting cell with gateway, plant and board on this machine, until Ctrl-C."""
    settings = DemoSettings(data=data.resolve(), speed=speed, host=host, port=port, days=days)
    demo = Demo(settings, click.echo)
    prepared = demo.prepare()
    asyncio.run(until_interrupted(_run(demo, prepared, settings)))
    click.echo("stopped; the next start goes on from here")


async def _run(demo: Demo, prepared: Prepared, settings: DemoSettings) -> None:
    click.echo(f"start: transport, plant, cell and gateway; process time runs {settings.speed:g} times as fast")
    try:
        await demo.start(prepared)
        click.echo("running: open the address above; it works once. Ctrl-C stops everything")
        await asyncio.Event().wait()
    finally:
        await demo.stop()
