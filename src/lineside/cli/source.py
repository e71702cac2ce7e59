"""`lineside source`: test the connection to machines, step by step."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from lineside.adapters.clocks import SystemClock
from lineside.adapters.opcua.certificates import described, fingerprint, pin, pinned
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.gateway.probes import opcua_certificate, probe_source
from lineside.apps.gateway.sources import SourceOptions
from lineside.apps.layout import Layout
from lineside.cli.options import data_option
from lineside.domain.errors import InputError
from lineside.domain.plan.model import Plan
from lineside.domain.units import SECOND
from lineside.ports import ProbeReading, ProbeReport, ProbeStep

_FILE = click.Path(path_type=Path)


@click.group("source")
def command() -> None:
    """Test the connection to machines, brokers and folders."""


@command.command()
@click.argument("plan", type=_FILE)
@click.argument("signals", metavar="[SIGNAL]...", nargs=-1)
@data_option
@click.option("--seconds", default=10.0, show_default=True, help="How long to wait for a reading.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def test(
    context: click.Context, plan: Path, signals: tuple[str, ...], data: Path, seconds: float, as_json: bool
) -> None:
    """Connect to the source of each signal (or a source named by its id), read, and say what is wrong.

    Without a signal every source of the plan is tested. Nothing is recorded, and a running gateway is not disturbed.
    Exit code 1 if a step did not hold.
    """
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)  # it says in tracebacks what the steps say in words
    loaded = load_plan(plan)
    options = SourceOptions(root=plan.parent, kept=data, keys=Layout(data).keys, plan=plan)
    reports = asyncio.run(_test(loaded, _by_source(loaded, signals), options, seconds))
    click.echo(_as_json(reports) if as_json else "\n\n".join(_as_text(item, loaded) for item in reports))
    context.exit(0 if all(item.ok for item in reports) else 1)


@command.command()
@click.argument("plan", type=_FILE)
@click.argument("source")
@data_option
@click.option("--yes", is_flag=True, help="Trust it without being asked; for scripts that compared the fingerprint.")
def trust(plan: Path, source: str, data: Path, yes: bool) -> None:
    """Show the certificate of an OPC UA server, and trust it and no other from now on.

    Compare the fingerprint with the one that the machine's own panel or its maker's tool shows: that comparison is
    what keeps an impostor out. A gateway that runs takes the new certificate at its next attempt to connect.
    """
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
    loaded, keys = load_plan(plan), Layout(data).keys
    options = SourceOptions(root=plan.parent, kept=data, keys=keys, plan=plan)
    shown = asyncio.run(opcua_certificate(loaded, source, options))
    path = keys / f"{source}.peer.crt"
    known = pinned(path)
    click.echo(f"{source} shows   {fingerprint(shown)}\n{'':<{len(source)}}         {described(shown)}")
    for other in known:
        click.echo(
            f"{'trusted now':<{len(source) + 8}} {fingerprint(other)}\n{'':<{len(source) + 8}} {described(other)}"
        )
    if shown in known:
        click.echo("It is trusted already.")
        return
    if not yes:
        click.confirm("Is this the fingerprint that the machine shows?", abort=True)
    pin(path, shown)
    click.echo(f"Trusted: {path}")


async def _test(
    plan: Plan, wanted: dict[str, tuple[str, ...]], options: SourceOptions, seconds: float
) -> list[ProbeReport]:
    clock = SystemClock()
    return [
        await probe_source(plan, source, clock, options, signals=signals, within=seconds)
        for source, signals in wanted.items()
    ]


def _by_source(plan: Plan, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the signals to test by source; none stands for all of the source.

    Raises:
        InputError: the plan has neither a signal nor a source of that name.
    """
    sources, signals = {item.id for item in plan.sources}, {item.id: item.source for item in plan.signals}
    if not names:
        return {item.id: () for item in plan.sources}
    wanted: dict[str, list[str]] = {}
    for name in names:
        if name in signals:
            wanted.setdefault(signals[name], []).append(name)
        elif name in sources:
            wanted.setdefault(name, [])
        else:
            raise InputError("no signal or source of the plan", value=name, choices=(*signals, *sorted(sources)))
    return {source: tuple(found) for source, found in wanted.items()}


# -- what is printed --------------------------------------------------------------------------------------


def _as_text(report: ProbeReport, plan: Plan) -> str:
    spec = plan.source(report.source)
    place = getattr(spec, "url", "") or getattr(spec, "path", "")
    lines = [f"{report.source} ({spec.kind}) {place}".rstrip()]
    lines += [line for step in report.steps if not step.signal for line in _step(step)]
    readings = {reading.signal: reading for reading in report.readings}
    for signal in dict.fromkeys(step.signal for step in report.steps if step.signal):
        lines += ["", f"  {signal}: {_reading(readings[signal])}" if signal in readings else f"  {signal}"]
        lines += [f"  {line}" for step in report.steps if step.signal == signal for line in _step(step)]
    return "\n".join([*lines, "", f"  {report.verdict}"])


def _step(step: ProbeStep) -> list[str]:
    mark = click.style("ok   ", fg="green") if step.ok else click.style("FAILS", fg="red")
    lines = [f"  {mark}  {step.name:<12}{step.seen}".rstrip()]
    return lines + ([f"         {'':<12}-> {step.next_step}"] if step.next_step else [])


def _reading(reading: ProbeReading) -> str:
    said = "no value" if reading.value is None else f"{reading.value:.9g}" if _is_number(reading) else reading.value
    moment = datetime.fromtimestamp(reading.source_time // SECOND, tz=UTC)
    return f"{said} {reading.unit}".rstrip() + f", {moment:%Y-%m-%d %H:%M:%S} UTC, status 0x{reading.status:08X}"


def _is_number(reading: ProbeReading) -> bool:
    return isinstance(reading.value, float)


def _as_json(reports: Sequence[ProbeReport]) -> str:
    found: list[dict[str, Any]] = [{**asdict(item), "ok": item.ok, "verdict": item.verdict} for item in reports]
    return json.dumps({"ok": all(item.ok for item in reports), "sources": found}, indent=2)
