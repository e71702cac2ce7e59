"""`lineside gateways`: which gateways may write, from the machine on which the plant runs.

Every change goes into the plant's audit chain first, and holds at the transport at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

import click

from lineside.adapters.audit_sqlite import SqliteAudit
from lineside.adapters.clocks import SystemClock
from lineside.adapters.durable_files import replace_file
from lineside.adapters.nats_server import check_version, find_binary
from lineside.adapters.nats_users import check_configuration
from lineside.adapters.plan_yaml import load_plan
from lineside.adapters.state_sql.configurations import Placement
from lineside.apps.layout import Layout
from lineside.apps.plant.app import WRITER
from lineside.apps.plant.configurations import ConfigurationDesk, describe
from lineside.apps.plant.gateways import GatewayDesk
from lineside.apps.plant_state import open_plant_state
from lineside.cli.options import data_option, plan_option
from lineside.domain.enrolment import Gateway
from lineside.domain.units import SECOND, parse_duration
from lineside.wire.enrolment import encode_token

_T = TypeVar("_T")
BY: Final = "command line"


@click.group()
def command() -> None:
    """Which gateways may write, and with which keys."""


@command.command()
@click.argument("gateway")
@plan_option
@click.option("--lasts", default="1 h", show_default=True, help="How long the token can be used, at most 7 d.")
@click.option("--url", default="", help="Where the gateway finds the transport; default: as the transport says.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the token to this file, for its owner alone.")
@data_option
def enrol(gateway: str, plan: Path, lasts: str, url: str, out: Path | None, data: Path) -> None:
    """Make a token with which one device can become GATEWAY, once; carry it there, and show it to nobody else."""
    found = load_plan(plan)
    seconds = parse_duration(lasts)

    def work(desk: GatewayDesk) -> Awaitable[str]:
        return _token(desk, gateway, found.site.id, found.line.id, url, seconds)

    text = _with_desk(data, work)
    if out is None:
        click.echo(text)
    else:
        replace_file(out, text.encode() + b"\n")
        click.echo(f"{out}: on the device, `lineside gateway enrol {out.name}` within {lasts}")


async def _token(desk: GatewayDesk, gateway: str, site: str, line: str, url: str, lasts: int) -> str:
    return encode_token(await desk.make_token(gateway, site=site, line=line, url=url, lasts=lasts, by=BY))


@command.command()
@click.argument("request", type=click.Path(path_type=Path, exists=True))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where to write the answer.")
@data_option
def answer(request: Path, out: Path, data: Path) -> None:
    """Take a request to enrol that was carried here as a file, and write the answer to carry back."""
    replace_file(out, _with_desk(data, lambda desk: desk.enrol(request.read_bytes())))
    click.echo(f"{out}: on the device, `lineside gateway enrol TOKEN --answer {out.name}`")


@command.command("list")
@data_option
def list_gateways(data: Path) -> None:
    """List every gateway: name, line, since when, state."""
    for gateway in _with_desk(data, lambda desk: desk.state.gateways.all()):
        click.echo(f"{gateway.name}  {gateway.site}/{gateway.line}  {_when(gateway.enrolled)}  {_state(gateway)}")


@command.command()
@click.argument("gateway")
@data_option
def revoke(gateway: str, data: Path) -> None:
    """Shut GATEWAY out: its connection is closed now, and nothing more of it is taken. Its outbox keeps what it has."""
    _with_desk(data, lambda desk: desk.revoke(gateway, by=BY))
    click.echo(f"{gateway} is revoked; to let it in again, enrol it again")


@command.command()
@plan_option
@click.option("--first", default="", help="The gateway that gets it first; default: the first of the line by name.")
@click.option("--rest", is_flag=True, help="Give the newest to the others, now that the first runs it well.")
@data_option
def configure(plan: Path, first: str, rest: bool, data: Path) -> None:
    """Give PLAN to one gateway of its line, signed; then, with --rest, to the others."""
    found, text = load_plan(plan), plan.read_text(encoding="utf-8-sig")

    async def work(desk: GatewayDesk) -> str:
        given = ConfigurationDesk(layout=desk.layout, state=desk.state, audit=desk.audit, clock=desk.clock)
        if rest:
            version, names = await given.go_on(found.site.id, found.line.id, by=BY)
            return f"version {version} is given to {', '.join(names) or 'nobody: all have it'}"
        version = await given.begin(text, first, by=BY)
        (name,) = [name for name, item in (await _placements(desk)).items() if item.version == version]
        return f"version {version} is given to {name}; when it runs well: the same command with --rest"

    click.echo(_with_desk(data, work))


@command.command()
@data_option
def configurations(data: Path) -> None:
    """Say how each gateway stands with the configuration that it was given."""
    for name, item in _with_desk(data, _placements).items():
        click.echo(f"{name}  {describe(item)}")


async def _placements(desk: GatewayDesk) -> dict[str, Placement]:
    return await desk.state.configurations.placements()


@command.command("check-server")
@click.argument("configuration", type=click.Path(path_type=Path, exists=True))
def check_server(configuration: Path) -> None:
    """Check the server that would be started, and a configuration of your own for it, for ways in that must not be."""
    version = asyncio.run(check_version(find_binary()))
    check_configuration(configuration)
    click.echo(f"nats-server {'.'.join(map(str, version))}: nothing in {configuration} opens another way in")


def _when(time: int) -> str:
    return datetime.fromtimestamp(time / SECOND, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _state(gateway: Gateway) -> str:
    return "enrolled" if gateway.revoked is None else f"revoked {_when(gateway.revoked)}"


def _with_desk(data: Path, work: Callable[[GatewayDesk], Awaitable[_T]]) -> _T:
    return asyncio.run(_run(data, work))


async def _run(data: Path, work: Callable[[GatewayDesk], Awaitable[_T]]) -> _T:
    layout, clock = Layout(data), SystemClock()
    layout.create()
    state = open_plant_state(layout)
    audit = await SqliteAudit.open(layout.plant_audit, writer=WRITER, clock=clock, key=layout.audit_key)
    try:
        return await work(GatewayDesk(layout=layout, state=state, audit=audit, clock=clock))
    finally:
        await audit.close()
        state.close()
