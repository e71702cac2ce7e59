"""`lineside users`: who may use the board, from the machine on which it runs.

Passwords never stand on the command line: adding and resetting print a one-time address with which the person sets
their own. Every change goes into the plant's audit chain first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

import click

from lineside.adapters.audit_sqlite import SqliteAudit
from lineside.adapters.clocks import SystemClock
from lineside.apps.layout import Layout
from lineside.apps.plant.app import WRITER
from lineside.apps.plant.board.people import People
from lineside.apps.plant_state import open_plant_state
from lineside.cli.options import data_option
from lineside.domain.access import AccessRole, Account
from lineside.domain.errors import InputError

_T = TypeVar("_T")
BY: Final = "command line"


@click.group()
def command() -> None:
    """Who may use the board."""


@command.command("list")
@data_option
def list_accounts(data: Path) -> None:
    """List every account: name, role, name in records, state."""
    for account in _with_people(data, lambda people: people.all()):
        click.echo(f"{account.name}  {account.role}  {account.pseudonym}  {_state(account)}")


@command.command()
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice([role.value for role in AccessRole]),
    default="operator",
    show_default=True,
    help="What the account may do.",
)
@data_option
def add(name: str, role: str, data: Path) -> None:
    """Add an account, and print the address with which its owner sets a password."""

    async def work(people: People) -> str:
        return (await people.add(name, AccessRole(role), by=BY))[1]

    _invite(name, _with_people(data, work))


@command.command()
@click.argument("name")
@data_option
def reset(name: str, data: Path) -> None:
    """Print an address with which an account's owner sets a new password."""

    async def work(people: People) -> str:
        return await people.reset(await people.named(name), by=BY)

    _invite(name, _with_people(data, work))


@command.command()
@click.argument("name")
@data_option
def disable(name: str, data: Path) -> None:
    """Shut an account out; its sessions end at once."""
    _set_disabled(data, name, disabled=True)


@command.command()
@click.argument("name")
@data_option
def enable(name: str, data: Path) -> None:
    """Let an account in again."""
    _set_disabled(data, name, disabled=False)


@command.command("first-run")
@data_option
def first_run(data: Path) -> None:
    """Print a new address for the first admin, while nobody has an account yet."""
    code = _with_people(data, lambda people: people.first_code())
    if code is None:
        raise InputError("there are accounts already", next_step="use 'lineside users reset NAME'")
    click.echo(f"within an hour, open at the board: /first-run?code={code}")


def _set_disabled(data: Path, name: str, *, disabled: bool) -> None:
    async def work(people: People) -> None:
        await people.set_disabled(await people.named(name), disabled=disabled, by=BY)

    _with_people(data, work)
    click.echo(f"{name} is {'disabled' if disabled else 'enabled'}")


def _invite(name: str, code: str) -> None:
    click.echo(f"{name} sets a password within an hour, at the board: /first-run?code={code}")


def _state(account: Account) -> str:
    if account.disabled:
        return "disabled"
    return "active" if account.password else "no password yet"


def _with_people(data: Path, work: Callable[[People], Awaitable[_T]]) -> _T:
    return asyncio.run(_run(data, work))


async def _run(data: Path, work: Callable[[People], Awaitable[_T]]) -> _T:
    layout, clock = Layout(data), SystemClock()
    layout.create()
    state = open_plant_state(layout)
    audit = await SqliteAudit.open(layout.plant_audit, writer=WRITER, clock=clock, key=layout.audit_key)
    try:
        return await work(People(state=state, audit=audit, clock=clock))
    finally:
        await audit.close()
        state.close()
