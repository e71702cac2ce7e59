"""`lineside drill`: break things on purpose and count what was lost."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from lineside.adapters.cancelling import keep_cancellations
from lineside.adapters.clocks import clock_from
from lineside.apps.drill.crash import TARGETS, CrashResult, CrashSettings, crash_drill
from lineside.apps.drill.machine import write_files
from lineside.apps.drill.outage import FULL, SHORT, OutageResult, outage_drill
from lineside.apps.drill.rollback import RollbackResult, rollback_drill
from lineside.apps.drill.soak import FULL_SOAK, SHORT_SOAK, soak_drill, soak_of
from lineside.cli.options import clock_option


@click.group()
def command() -> None:
    """Break things on purpose and count what was lost."""
    keep_cancellations()


@command.command()
@click.option("--seconds", default=60.0, show_default=True, help="How long to kill.")
@click.option("--every", default=3.0, show_default=True, help="Seconds between two kills, on average.")
@click.option("--seed", default=0, show_default=True, help="Moments and order of the kills follow from it.")
@click.option("--kill", "targets", multiple=True, type=click.Choice(TARGETS), help="Only these [default: all].")
@click.option("--keep", type=click.Path(path_type=Path), metavar="DIR", help="Work there and keep it all.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def crash(seconds: float, every: float, seed: int, targets: tuple[str, ...], keep: Path | None, as_json: bool) -> None:
    """Kill gateway, plant, transport and machine at random under load; every reading must be there once."""
    with _folder(keep) as root:
        settings = CrashSettings(root=root, seconds=seconds, every=every, seed=seed, targets=targets or TARGETS)
        with _processes_print_to(root / "processes.log"):
            result = asyncio.run(crash_drill(settings))
    click.echo(json.dumps(result.as_dict()) if as_json else _text(result))
    raise SystemExit(0 if result.passed else 1)


@command.command()
@click.option("--full", is_flag=True, help="Half an hour of 5,000 readings a second, in about four minutes.")
@click.option("--keep", type=click.Path(path_type=Path), metavar="DIR", help="Work there and keep it all.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def outage(full: bool, keep: Path | None, as_json: bool) -> None:
    """Cut link and power, kill the broker, fill the disk, on a schedule; nothing may be lost without a receipt."""
    with _folder(keep) as root, _processes_print_to(root / "processes.log"):
        result = asyncio.run(outage_drill(root, FULL if full else SHORT))
    for said, alerts in (("not raised", result.alerts_missing), ("not expected", result.alerts_beside)):
        for alert in alerts:
            click.echo(f"alert {said}: {alert}", err=True)
    click.echo(json.dumps(result.as_dict()) if as_json else _text(result))
    raise SystemExit(0 if result.passed else 1)


@command.command()
@click.option("--full", is_flag=True, help="24 hours of the line, in twelve minutes.")
@click.option("--hours", type=click.FloatRange(min=0.5), help="So many of the line's hours instead.")
@click.option("--keep", type=click.Path(path_type=Path), metavar="DIR", help="Work there and keep it all.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def soak(full: bool, hours: float | None, keep: Path | None, as_json: bool) -> None:
    """Run hours of a line in compressed time; memory, threads, descriptors and files must not grow."""
    with _folder(keep) as root, _processes_print_to(root / "processes.log"):
        length = soak_of(hours) if hours is not None else FULL_SOAK if full else SHORT_SOAK
        result = asyncio.run(soak_drill(root, length))
    click.echo(json.dumps(result.as_dict()) if as_json else json.dumps(result.as_dict(), indent=2))
    raise SystemExit(0 if result.passed else 1)


@command.command()
@click.option("--keep", type=click.Path(path_type=Path), metavar="DIR", help="Work there and keep it all.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def rollback(keep: Path | None, as_json: bool) -> None:
    """Let a new model break while the plant is away; the gateway must return in five seconds without a missed part."""
    with _folder(keep) as root, _processes_print_to(root / "processes.log"):
        result = asyncio.run(rollback_drill(root))
    click.echo(json.dumps(result.as_dict()) if as_json else _text(result))
    raise SystemExit(0 if result.passed else 1)


@command.command(hidden=True)
@click.argument("inbox", type=click.Path(path_type=Path))
@click.option("--spacing", default=1, help="Milliseconds between two rows.")
@click.option("--most-files", default=0, help="Files that stay; 0: all.")
@clock_option
def machine(inbox: Path, spacing: int, most_files: int, clock: str) -> None:
    """Deliver files of readings until it is killed; the drill starts it."""
    for _ in write_files(inbox, clock_from(clock), spacing, most_files):
        pass


def _text(result: CrashResult | OutageResult | RollbackResult) -> str:
    lines = [f"{name:<22}{number:>14,}" for name, number in result.as_dict().items()]
    verdict = (
        "passed" if result.passed else "FAILED: something was lost, doubled, too slow, or shown without being recorded"
    )
    return "\n".join([*lines, verdict])


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="lineside-drill-") as name:
        yield Path(name)


@contextmanager
def _processes_print_to(file: Path) -> Iterator[None]:
    """Send what the processes print to a file, so that the result is all that the command prints."""
    sys.stdout.flush()
    kept = os.dup(1), os.dup(2)
    with file.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    try:
        yield
    finally:
        for number, handle in enumerate(kept, 1):
            os.dup2(handle, number)
            os.close(handle)
