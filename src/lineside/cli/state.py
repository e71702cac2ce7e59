"""`lineside state`: where the plant's small state is, and moving it to PostgreSQL or back."""

from __future__ import annotations

from pathlib import Path

import click

from lineside.adapters.state_sql import open_engine, rows_in
from lineside.apps.layout import Layout
from lineside.apps.plant_state import move_state, said, state_url
from lineside.cli.options import data_option


@click.group()
def command() -> None:
    """Where the plant's small state is (users, releases, gateways), and moving it."""


@command.command()
@data_option
def show(data: Path) -> None:
    """Show where the state is, and how many rows each of its tables has."""
    url = state_url(Layout(data))
    engine = open_engine(url)
    try:
        found = rows_in(engine)
    finally:
        engine.dispose()
    click.echo(said(url))
    for name, count in found.items():
        click.echo(f"  {name:26}{count:>8}")


@command.command()
@click.argument("to", metavar="URL")
@data_option
def move(to: str, data: Path) -> None:
    """Move the state to the empty PostgreSQL database at URL, or back to a file (URL is then `file`).

    Stop the plant first. Plant and commands find the state there from then on.
    """
    moved = move_state(Layout(data), to)
    click.echo(f"{moved.rows} rows moved to {moved.where}")
    if moved.set_aside is not None:
        click.echo(f"the file is set aside as {moved.set_aside}; delete it when all is well")
