"""`lineside gateway`: the process at the line, and what is asked of it there."""

from __future__ import annotations

import asyncio
import getpass
import json
from pathlib import Path
from typing import Final

import click
import msgspec

from lineside.adapters.model_slots import ModelSlots
from lineside.apps.gateway.app import run_gateway
from lineside.apps.gateway.local_status import ask_status
from lineside.apps.gateway.model_place import ask_rollback
from lineside.apps.gateway.reconcile import reconcile_now
from lineside.apps.gateway.wiring import GatewaySettings
from lineside.apps.layout import Layout
from lineside.apps.running import until_interrupted
from lineside.cli.gateway_enrol import enrol
from lineside.cli.options import (
    clock_option,
    data_option,
    gateway_address,
    gateway_name,
    nats_option,
    plain_lab_option,
    plan_option,
)
from lineside.domain.errors import InputError, UnavailableError
from lineside.domain.listening import parse_listen
from lineside.domain.reconciling import STRETCH
from lineside.wire.status import GatewayStatus

BAD: Final = 2
"""Exit code of `lineside gateway status --check` where something is bad or no gateway answers."""
_MARKS: Final = ("ok ", " ! ", "BAD")


class _RunsUnlessTold(click.Group):
    """A group whose options alone mean its subcommand ``run``: ``lineside gateway --plan PLAN`` starts the gateway."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``run`` before options that are not the group's own."""
        own = {spelling for parameter in self.get_params(ctx) for spelling in parameter.opts}
        if args and args[0].startswith("-") and args[0] not in own:
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_RunsUnlessTold)
def command() -> None:
    """The process at the line. Without a subcommand, `lineside gateway --plan PLAN` runs it."""


command.add_command(enrol)


@command.command()
@plan_option
@data_option
@nats_option
@clock_option
@plain_lab_option
@click.option("--name", default="", help="The gateway's name; default: the one it is enrolled by.")
@click.option(
    "--replay", type=float, help="Play files as if they came now, at this many times their speed; 0: at once."
)
@click.option(
    "--listen",
    default="",
    metavar="HOST:PORT",
    help="Serve the gateway's own page there, on loopback or the machines' network; default: nowhere.",
)
def run(
    plan: Path, data: Path, nats: str, clock: str, name: str, replay: float | None, listen: str, plain_lab: bool
) -> None:
    """Take readings in, judge parts, raise alerts; everything accepted reaches the plant."""
    settings = GatewaySettings(
        plan=plan,
        data=data,
        nats=gateway_address(nats, data, lab=plain_lab),
        name=gateway_name(name, data),
        clock=clock,
        replay=replay,
        listen=parse_listen(listen) if listen else None,
    )
    asyncio.run(until_interrupted(run_gateway(settings)))


@command.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print the whole status as JSON.")
@click.option("--check", is_flag=True, help="Exit with 1 where something needs attention, with 2 where it is bad.")
def status(data: Path, *, as_json: bool, check: bool) -> None:
    """Say how the gateway that runs in this data folder does: each part as a state, with its reason."""
    try:
        said = ask_status(Layout(data).status_socket)
    except UnavailableError as error:
        click.echo(f"lineside: {error}", err=True)
        raise SystemExit(BAD) from error
    click.echo(msgspec.json.format(msgspec.json.encode(said), indent=2).decode() if as_json else _in_words(said))
    raise SystemExit(said.level if check else 0)


@command.command()
@plan_option
@data_option
@nats_option
@plain_lab_option
@click.option("--name", default="", help="The gateway's name; default: the one it is enrolled by.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def reconcile(plan: Path, data: Path, nats: str, name: str, *, plain_lab: bool, as_json: bool) -> None:
    """Compare now what this gateway accepted with what the plant's history holds; exit code 1 where they differ."""
    address = gateway_address(nats, data, lab=plain_lab)
    found = asyncio.run(reconcile_now(plan, data, address, gateway_name(name, data)))
    differences = [item.words for item in found.differences]
    if as_json:
        click.echo(json.dumps({"equal": found.compared, "different": differences, "of": STRETCH}))
    else:
        click.echo(f"{found.compared} stretches of {STRETCH} records are the same at both ends")
        click.echo("\n".join(f"DIFFERENT {words}" for words in differences) or "nothing differs")
    raise SystemExit(1 if differences else 0)


@command.command()
@click.argument("characteristic")
@data_option
def rollback(characteristic: str, data: Path) -> None:
    """Return to the signed fallback of a CHARACTERISTIC's model, at once and without the plant.

    The gateway does it within a second and audits it; one that does not run does it first thing when it starts. The
    offer that was rolled back is not taken again; a newer one is.
    """
    seats = {path.name.partition(".")[2]: path for path in sorted(Layout(data).models.glob("*.*"))}
    if characteristic not in seats:
        raise InputError(
            "no model of that characteristic has ever run here",
            field="CHARACTERISTIC",
            value=characteristic,
            choices=list(seats),
        )
    if ask_rollback(seats[characteristic], getpass.getuser()):
        pointer = ModelSlots(seats[characteristic]).pointer()
        click.echo(f"{characteristic}: the {pointer.use} judges now; {pointer.reason}")
    else:
        click.echo(f"{characteristic}: no gateway runs here; it will return to the fallback when it starts")


def _in_words(said: GatewayStatus) -> str:
    lines = [f"{_MARKS[min(item.level, 2)]} {item.words}" for item in said.healths]
    counts = (
        f"{said.readings} readings, {said.parts} parts, {said.quarantined} refused, {said.late} late, "
        f"{said.dropped} dropped, {said.backlog} records wait for the plant"
    )
    return "\n".join(
        [f"gateway {said.gateway}: {('healthy', 'needs attention', 'BAD')[min(said.level, 2)]}", *lines, counts]
    )
