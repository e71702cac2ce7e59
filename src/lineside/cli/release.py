"""`lineside release`: where every model stands, and who approved what; people sign by the password of their account."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from lineside.adapters.audit_sqlite import SqliteAudit
from lineside.adapters.clocks import SystemClock
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.layout import Layout
from lineside.apps.plant.app import WRITER
from lineside.apps.plant.board.doorkeeper import Doorkeeper
from lineside.apps.plant.board.passwords import Passwords
from lineside.apps.plant.board.settings import BoardSettings
from lineside.apps.plant.release_ladder import ReleaseLadder
from lineside.apps.plant_state import open_plant_state
from lineside.apps.releasing import is_revision, signing_folder
from lineside.cli.options import data_option, plan_option
from lineside.domain.errors import InputError
from lineside.domain.releases.canary import Canary
from lineside.domain.releases.deciding import Person
from lineside.domain.releases.ladder import PERSONS, WATERMARK, LadderEvent, Standing
from lineside.domain.units import SECOND

_T = TypeVar("_T")
_F = TypeVar("_F", bound=Callable[..., Any])
Work = Callable[[ReleaseLadder, Person], Awaitable[_T]]


@click.group()
def command() -> None:
    """Where every release stands, and the steps from draft to champion."""


def _signed(function: _F) -> _F:
    """Add what every step needs: who, and why."""
    for option in (
        click.option("--reason", required=True, help="Why, in words that will be read years later."),
        click.option("--as", "name", required=True, metavar="NAME", help="Your account at the board."),
        data_option,
        plan_option,
    ):
        function = option(function)
    return function


@command.command("list")
@plan_option
@data_option
def list_releases(plan: Path, data: Path) -> None:
    """List every model that is kept, and where it stands."""

    async def work(ladder: ReleaseLadder, person: Person) -> list[str]:
        del person
        now, off = await ladder.ladder(), await ladder.off_the_ladder()
        kept = [bundle.name for bundle in await ladder.kept()]
        kept += [name for name in now.standings if is_revision(name)]
        return [f"{name:40} {_words(now.of(name))}{'; JUDGES OFF THE LADDER' * (name in off)}" for name in kept]

    for line in _run(plan, data, "", work):
        click.echo(line)


@command.command()
@click.argument("release")
@plan_option
@data_option
def show(release: str, plan: Path, data: Path) -> None:
    """Show everything that ever happened to RELEASE: what, who, when, why."""

    async def work(ladder: ReleaseLadder, person: Person) -> Standing:
        del person
        return (await ladder.ladder()).of(await ladder.name(release))

    standing = _run(plan, data, "", work)
    click.echo(f"{standing.release} {_words(standing)}")
    for event in standing.history:
        _said(event)


@command.command()
@click.argument("release")
@click.option("--share", type=float, default=0.0, help="For a canary: the share of parts that it judges, such as 0.05.")
@click.option("--station", "stations", multiple=True, help="For a canary: only at this station.")
@_signed
def promote(
    release: str, plan: Path, data: Path, name: str, reason: str, share: float, stations: tuple[str, ...]
) -> None:
    """Take RELEASE one step up: to draft, shadow, canary, champion.

    The last two steps need a readiness report that says ready, and the approval of two persons who are not its author.
    """
    canary = Canary(share=share, stations=stations) if share or stations else None
    _step(plan, data, name, lambda ladder, person: ladder.promote(release, person, reason, canary))


@command.command()
@click.argument("release")
@click.option(
    "--concede",
    "concedes",
    multiple=True,
    metavar="LEVEL",
    help="Approve it without this service level too, which the champion misses (as `lineside ready` names it).",
)
@_signed
def approve(release: str, plan: Path, data: Path, name: str, reason: str, concedes: tuple[str, ...]) -> None:
    """Approve the next step of RELEASE; two persons must, and its author cannot."""
    _step(plan, data, name, lambda ladder, person: ladder.approve(release, person, reason, concedes))


@command.command()
@click.argument("release")
@_signed
def retire(release: str, plan: Path, data: Path, name: str, reason: str) -> None:
    """Take RELEASE off the ladder; the champion only goes by another one, or by a rollback."""
    _step(plan, data, name, lambda ladder, person: ladder.retire(release, person, reason))


@command.command()
@_signed
def propose(plan: Path, data: Path, name: str, reason: str) -> None:
    """Propose the file --plan as the line's plan; two others approve it, `promote` puts it in force.

    Only then is it given to gateways (`lineside gateways configure`).
    """
    text = plan.read_text(encoding="utf-8-sig")
    _step(plan, data, name, lambda ladder, person: ladder.propose(text, person, reason))


@command.command()
@click.argument("characteristic")
@_signed
def rollback(characteristic: str, plan: Path, data: Path, name: str, reason: str) -> None:
    """End the canary of CHARACTERISTIC, or else go back to the champion before: at once, by one person."""

    async def work(ladder: ReleaseLadder, person: Person) -> tuple[LadderEvent, ...]:
        known = {item.id: item.station for item in ladder.plan.characteristics}
        if characteristic not in known:
            raise InputError("no such characteristic", value=characteristic, choices=tuple(known))
        return await ladder.roll_back(f"{known[characteristic]}/{characteristic}", person, reason)

    _step(plan, data, name, work)


def _step(plan: Path, data: Path, name: str, work: Work[tuple[LadderEvent, ...]]) -> None:
    for event in _run(plan, data, name, work):
        _said(event)


def _run(plan: Path, data: Path, name: str, work: Work[_T]) -> _T:
    password = click.prompt(f"Password of {name}", hide_input=True, err=True) if name else ""
    return asyncio.run(_work(plan, data, name, password, work))


async def _work(plan: Path, data: Path, name: str, password: str, work: Work[_T]) -> _T:
    folder = signing_folder(layout := Layout(data))
    state, clock = open_plant_state(layout), SystemClock()
    audit = await SqliteAudit.open(layout.plant_audit, writer=WRITER, clock=clock, key=layout.audit_key)
    try:
        doors = Doorkeeper(state=state, audit=audit, clock=clock, passwords=Passwords(), settings=BoardSettings())
        person = await _person(doors, name, password)
        ladder = ReleaseLadder(
            plan=load_plan(plan), folder=folder, history=layout.history, state=state, audit=audit, clock=clock
        )
        return await work(ladder, person)
    finally:
        await audit.close()
        state.close()


async def _person(doors: Doorkeeper, name: str, password: str) -> Person:
    if not name:
        return Person()
    account = await doors.known(name, password, address="command line")
    return Person(pseudonym=account.pseudonym, role=account.role)


def _words(standing: Standing) -> str:
    words = [str(standing.rung)]
    if standing.demo:
        words.append(WATERMARK)
    if standing.canary is not None:
        words.append(", ".join(f"{name} {value}" for name, value in standing.canary.words().items() if value))
    if standing.concession is not None:
        words.append(f"by concession: {standing.concession.said()}")
    if standing.approvals:
        words.append(f"{len(standing.approvals)} of {PERSONS} persons approve the next step")
    return "; ".join(words)


def _said(event: LadderEvent) -> None:
    when = dt.datetime.fromtimestamp(event.time // SECOND, tz=dt.UTC).isoformat()
    detail = "".join(f" {name}={value}" for name, value in event.detail.items() if value)
    click.echo(f"{when} {event.release} {event.step} by {event.by}: {event.reason}{detail}")
