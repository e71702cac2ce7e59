"""`lineside backup`: copy everything that is kept, check a copy, and bring it back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from lineside.adapters.clocks import SystemClock
from lineside.apps.backup import Copied, back_up, check, restore
from lineside.cli.options import data_option
from lineside.domain.units import SECOND


@click.group()
def command() -> None:
    """Copy everything that is kept, check a copy, and bring it back."""


@command.command()
@click.argument("out", type=click.Path(path_type=Path))
@data_option
def make(out: Path, data: Path) -> None:
    """Copy the data folder to OUT, while plant and gateway run."""
    click.echo(f"{out}: {_said(back_up(data, out, SystemClock().now()))}")


@command.command("check")
@click.argument("copy", type=click.Path(path_type=Path, exists=True, file_okay=False))
def check_copy(copy: Path) -> None:
    """Check that COPY is whole."""
    content = check(copy)
    click.echo(f"{copy}: whole, {len(content['files'])} files, by Lineside {content['lineside']}")


@command.command("restore")
@click.argument("copy", type=click.Path(path_type=Path, exists=True, file_okay=False))
@data_option
def bring_back(copy: Path, data: Path) -> None:
    """Bring COPY back into a data folder that is empty or not there; then start the plant."""
    click.echo(f"{data}: {_said(restore(copy, data))}")


def _said(copied: Copied) -> str:
    begun = datetime.fromtimestamp(copied.begun // SECOND, tz=UTC).isoformat(timespec="seconds")
    return f"{copied.files} files, {copied.size / 1e6:.1f} MB, as of {begun}"
