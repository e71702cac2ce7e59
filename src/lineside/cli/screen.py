"""`lineside screen`: let screens of other systems (MES, HMI, stack lights) show stations, and nothing else."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import click

from lineside.adapters.audit_sqlite import SqliteAudit
from lineside.adapters.clocks import SystemClock
from lineside.adapters.plan_yaml import load_plan
from lineside.adapters.state_sql import SqlState
from lineside.adapters.state_sql.screens import Screen
from lineside.apps.layout import Layout
from lineside.apps.plant.app import WRITER
from lineside.apps.plant.board.tokens import hashed, new_secret
from lineside.apps.plant_state import open_plant_state
from lineside.cli.options import data_option, plan_option
from lineside.domain.errors import InputError
from lineside.domain.units import SECOND, parse_duration

_T = TypeVar("_T")


@click.group()
def command() -> None:
    """Let screens of other systems show stations."""


@command.command()
@click.argument("label")
@plan_option
@click.option("--station", "stations", multiple=True, help="A station that it may show; none: all.")
@click.option("--origin", "origins", multiple=True, help="Origin of a page that it may stand on: https://mes.example.")
@click.option("--lasts", default="365 d", show_default=True, help="How long its token holds.")
@data_option
def issue(label: str, plan: Path, stations: tuple[str, ...], origins: tuple[str, ...], lasts: str, data: Path) -> None:
    """Make a token for the screen LABEL, and print it once."""
    known = tuple(item.id for item in load_plan(plan).stations)
    for name in stations:
        if name not in known:
            raise InputError("no such station", field="--station", value=name, choices=known)
    for origin in origins:
        parts = urlsplit(origin)
        if parts.scheme not in {"https", "http"} or not parts.netloc or origin != f"{parts.scheme}://{parts.netloc}":
            raise InputError("not an origin", field="--origin", value=origin, choices=("https://mes.example",))
    now, token = SystemClock().now(), new_secret()
    screen = Screen(
        id=secrets.token_hex(4), label=label[:100], stations=stations, origins=origins, created=now,
        expires=now + parse_duration(lasts),
    )  # fmt: skip
    said = {"screen": screen.id, "label": label, "stations": list(stations), "origins": list(origins)}
    _change(data, "screen.issued", said, lambda state: state.screens.add(screen, hashed(token)))
    click.echo(f"screen {screen.id}: its token is shown once")
    click.echo(token)


@command.command("list")
@data_option
def listed(data: Path) -> None:
    """List screens: id, label, stations, origins, until when."""
    state = open_plant_state(Layout(data))
    try:
        found = asyncio.run(state.screens.all())
    finally:
        state.close()
    for item in found:
        until = datetime.fromtimestamp(item.expires // SECOND, tz=UTC).date().isoformat()
        word = "revoked" if item.revoked else f"until {until}" if item.holds(SystemClock().now()) else "over"
        origins = ", ".join(item.origins) or "no page"
        click.echo(f"{item.id}  {item.label}  {', '.join(item.stations) or 'all stations'}  {origins}  {word}")


@command.command()
@click.argument("screen")
@data_option
def revoke(screen: str, data: Path) -> None:
    """End the token of SCREEN at once."""
    now = SystemClock().now()
    done = _change(data, "screen.revoked", {"screen": screen}, lambda state: state.screens.revoke(screen, now))
    if not done:
        raise InputError("no such screen, or revoked already", field="SCREEN", value=screen)
    click.echo(f"{screen}: revoked")


def _change(data: Path, kind: str, said: Mapping[str, object], work: Callable[[SqlState], Awaitable[_T]]) -> _T:
    """Do one change, with its entry in the audit chain before it."""

    async def change() -> _T:
        layout = Layout(data)
        audit = await SqliteAudit.open(layout.plant_audit, writer=WRITER, clock=SystemClock(), key=layout.audit_key)
        state = open_plant_state(layout)
        try:
            await audit.append(kind, {**said, "by": "command line"})
            return await work(state)
        finally:
            state.close()
            await audit.close()

    return asyncio.run(change())
