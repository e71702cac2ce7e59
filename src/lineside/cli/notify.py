"""`lineside notify`: who is told of alerts, where, and what became of it."""

from __future__ import annotations

import asyncio
import base64
import secrets
from datetime import UTC, datetime
from pathlib import Path

import click

from lineside.adapters.clocks import SystemClock
from lineside.adapters.notifiers import notifier_for
from lineside.adapters.notifiers.posting import Poster
from lineside.adapters.notifiers.targets_file import load_notifying
from lineside.adapters.plan_yaml import load_plan
from lineside.adapters.state_sql.deliveries import Delivery
from lineside.apps.gateway.secrets import find_secret
from lineside.apps.layout import Layout
from lineside.apps.plant_state import open_plant_state
from lineside.apps.web.words import tongue
from lineside.cli.options import data_option, plan_option
from lineside.domain.errors import ConfigurationError, UnavailableError
from lineside.domain.notifying.delivery import Deferred, Refused
from lineside.domain.notifying.messages import Message, Occasion
from lineside.domain.notifying.routing import Target
from lineside.domain.nuisance import Notice
from lineside.domain.plan.model import Plan, Priority
from lineside.domain.said import Tongue, say
from lineside.domain.units import SECOND


@click.group()
def command() -> None:
    """Who is told of alerts, where, and what became of it."""


@command.command()
@plan_option
@data_option
def check(plan: Path, data: Path) -> None:
    """Check the file of targets, and that every secret that it names is there."""
    layout = Layout(data)
    told = load_notifying(layout.notify_file, load_plan(plan))
    if not told.targets:
        click.echo(f"{layout.notify_file}: no targets; nobody is told anything")
    for target in told.targets:
        for option in ("secret", "url_secret"):
            find_secret(target.options.get(option, ""), layout.keys)
        click.echo(f"{target.id}: {target.channel}, in {target.language}, {_route(target)}")
    for node in told.andons:
        find_secret(node.secret, layout.keys)
        click.echo(f"{node.id}: Sparkplug B as {node.group}/{node.edge}, in {node.language}")


@command.command()
@click.argument("target")
@plan_option
@data_option
def test(target: str, plan: Path, data: Path) -> None:
    """Send TARGET a message that says that it is a test, and say what became of it."""
    layout, found = Layout(data), load_plan(plan)
    told = load_notifying(layout.notify_file, found)
    wanted = next((item for item in told.targets if item.id == target), None)
    if wanted is None:
        known = tuple(item.id for item in told.targets)
        raise ConfigurationError("no such target", field="TARGET", value=target, choices=known)
    speak = tongue(wanted.language, found)
    notifier = notifier_for(wanted, Poster(inside=told.inside), lambda name: find_secret(name, layout.keys), speak)
    outcome = asyncio.run(notifier.deliver(_test_message(found, SystemClock().now(), told.board, speak)))
    if isinstance(outcome, Deferred | Refused):
        raise UnavailableError(f"the test was not taken: {outcome.reason}", field=target)
    click.echo(f"{target}: taken{f' as {outcome.reference}' if outcome.reference else ''}")


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Also what was sent; else what waits or was given up.")
@data_option
def listed(everything: bool, data: Path) -> None:
    """List messages: what waits, what was given up and why."""
    states = () if everything else ("waiting", "dead")
    state = open_plant_state(Layout(data))
    try:
        found = asyncio.run(state.deliveries.listed(states))
    finally:
        state.close()
    if not found:
        click.echo("nothing waits, and nothing was given up")
    for item in found:
        click.echo(_line(item))


@command.command()
@click.argument("target")
@click.argument("message")
@data_option
def again(target: str, message: str, data: Path) -> None:
    """Let MESSAGE, which was given up, be sent to TARGET again; the running plant does it."""
    state = open_plant_state(Layout(data))
    try:
        done = asyncio.run(state.deliveries.again(target, message, SystemClock().now()))
    finally:
        state.close()
    if not done:
        raise ConfigurationError(
            "no such message was given up", field="MESSAGE", value=message, next_step="see: lineside notify list"
        )
    click.echo(f"{target}: {message} is sent again")


@command.command()
def secret() -> None:
    """Print a new secret for a signed webhook; put it before the old one in its file, then take the old one out."""
    click.echo(f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}")


def _route(target: Target) -> str:
    route = target.route
    said = [
        f"{name} {', '.join(values)}"
        for name, values in (
            ("stations", route.stations), ("priorities", route.priorities), ("notices", route.notices),
            ("occasions", route.occasions), ("shifts", route.shifts), ("roles", route.roles),
        )
        if values
    ]  # fmt: skip
    return "; ".join(said) or "everything"


def _line(item: Delivery) -> str:
    changed = datetime.fromtimestamp(item.changed // SECOND, tz=UTC).isoformat(timespec="seconds")
    why = f": {item.reason}" if item.reason else ""
    return f"{changed} {item.state} {item.target} {item.message.id} after {item.attempts} attempts{why}"


def _test_message(plan: Plan, now: int, board: str, speak: Tongue) -> Message:
    station = plan.stations[0]
    judged = next(iter(plan.characteristics), None)
    return Message(
        id=f"test#{now}",
        alert=f"test/{now}",
        occasion=Occasion.RAISED,
        time=now,
        raised=now,
        line=plan.line.id,
        station=station.id,
        station_label=station.label,
        characteristic="" if judged is None else judged.id,
        characteristic_label=speak(say("a test")),
        cause="test",
        priority=Priority.ADVISORY,
        notice=Notice.INTERRUPT,
        text=speak(say("This is a test. Nothing is wrong; nothing has to be done.")),
        link=f"{board}/alerts" if board else "",
    )
