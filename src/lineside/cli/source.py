"""`lineside source`: test the connection to machines step by step, trust their certificates, browse them."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from lineside.adapters.clocks import SystemClock
from lineside.adapters.opcua.certificates import described, fingerprint, pin, pinned
from lineside.adapters.plan_yaml import load_plan, write_yaml
from lineside.apps.gateway.probes import probe_source
from lineside.apps.gateway.servers import browse_broker, browse_server, secure_server, shown_certificate
from lineside.apps.gateway.sources import SourceOptions
from lineside.apps.layout import Layout
from lineside.cli.options import data_option
from lineside.cli.output import write_file
from lineside.domain.errors import InputError
from lineside.domain.plan.draft.nodes import Browsed, BrowseLimits, lines_for
from lineside.domain.plan.model import OpcuaSpec, Plan, SparkplugSpec
from lineside.domain.units import SECOND
from lineside.ports import ProbeReading, ProbeReport, ProbeStep

_FILE = click.Path(path_type=Path)
_POLICIES = ("Aes256_Sha256_RsaPss", "Aes128_Sha256_RsaOaep", "none")


@click.group("source")
def command() -> None:
    """Test, trust and browse machines, brokers and folders."""


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
    spec, keys = secure_server(load_plan(plan), source), Layout(data).keys
    options = SourceOptions(root=plan.parent, kept=data, keys=keys, plan=plan)
    shown = asyncio.run(shown_certificate(spec, options))
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


@command.command()
@click.argument("url")
@data_option
@click.option("--output", type=_FILE, metavar="FILE", help="Write the lines there instead of printing them.")
@click.option("--source", default="machine", show_default=True, metavar="ID", help="Id of the source in the lines.")
@click.option("--station", default="station", show_default=True, metavar="ID", help="Station of the signals.")
@click.option(
    "--match", multiple=True, metavar="PATTERN", help="Only paths like this, such as '*/Press/*'; repeatable."
)
@click.option("--depth", default=8, show_default=True, help="Steps below the server's objects.")
@click.option("--most", default=1000, show_default=True, help="Variables at most.")
@click.option("--security", type=click.Choice(_POLICIES), default=_POLICIES[0], show_default=True, help="Policy.")
@click.option("--laboratory", is_flag=True, help="Permits --security none: no plant is at stake.")
@click.option("--username", default="", help="Name to log in with.")
@click.option("--secret", default="", help="Name of the password's secret, as in a plan.")
@click.option("--seconds", default=10.0, show_default=True, help="At a broker: how long to listen for births.")
@click.option("--ask", is_flag=True, help="At a broker: ask each edge node that is heard for its births, once.")
@click.option("--trust", default="", metavar="FINGERPRINT", help="Trust the certificate that you compared.")
def browse(
    url: str, data: Path, output: Path | None, station: str, match: tuple[str, ...], depth: int, most: int, **given: Any
) -> None:
    """Walk an OPC UA server, or listen to a broker's Sparkplug B births, and write the lines of a plan.

    They name the source, and a signal for each variable of the server (opc.tcp://) or metric of the births (mqtt://).

    Units come from EngineeringUnits and ranges from EURange, or from engUnit, engLow and engHigh, where these are
    given; what was guessed from names stands in 'guessed'. A walk ends at the bounds and says so.
    """
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
    options = SourceOptions(root=Path(), kept=data, keys=Layout(data).keys)
    limits = BrowseLimits(depth=depth, most=most, patterns=match)
    if url.startswith(("mqtt://", "mqtts://")):
        source = {"id": given["source"], "kind": "sparkplug", "url": url, **_given(given, "username", "secret")}
        edges = SparkplugSpec.model_validate(source)
        found = asyncio.run(browse_broker(edges, SystemClock(), options, given["seconds"], ask=given["ask"]))
        found = _within(found, limits)
    else:
        asked = _given(given, "security", "laboratory", "username", "secret")
        source = {"id": given["source"], "kind": "opcua", "url": url, **asked}
        found = asyncio.run(browse_server(_spec(source), options, limits, given["trust"]))
    lines = lines_for(found.nodes, source, station)
    text = write_yaml(lines.content, lines.comments, _browse_header(url, found))
    if output is None:
        click.echo(text, nl=False)
        return
    write_file(output, text)
    click.echo(
        f"{len(found.nodes)} signals written to {output}. Move them into a plan, look at what was guessed, then:"
    )
    click.echo(f"  lineside source test PLAN {given['source']}")


def _given(given: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: given[name] for name in names if given[name]}


def _within(found: Browsed, limits: BrowseLimits) -> Browsed:
    wanted = [node for node in found.nodes if limits.wants(node.path)]
    return replace(found, nodes=tuple(wanted[: limits.most]), cut=len(wanted) > limits.most)


def _spec(source: dict[str, Any]) -> OpcuaSpec:
    if source["security"] == "none" and not source.get("laboratory"):
        raise InputError("neither signed nor encrypted", field="--security", value="none", next_step="add --laboratory")
    if not source["url"].startswith("opc.tcp://"):
        raise InputError(
            "not an address of OPC UA",
            field="URL",
            value=source["url"],
            next_step="opc.tcp://host:port, or mqtt://host:port",
        )
    return OpcuaSpec.model_validate(source)


def _browse_header(url: str, found: Browsed) -> str:
    lines = [f"Browsed from {url}: {len(found.nodes)} signals."]
    lines += [f"Left out: {count} {why}." for why, count in sorted(found.left_out.items())]
    if found.cut:
        lines.append("A bound cut the walk short: there is more. See --match, --depth and --most.")
    return "\n".join([*lines, "What was guessed is named in 'guessed': look at it, correct it, and delete the word."])


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
