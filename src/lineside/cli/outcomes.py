"""`lineside outcomes`: what was later found to be true of parts, and what people did at the line."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from pathlib import Path
from typing import Any

import click

from lineside.adapters.clocks import SystemClock
from lineside.adapters.history_query import HistoryQuery
from lineside.adapters.landing_sqlite import SqliteLanding
from lineside.adapters.plan_yaml import load_plan
from lineside.adapters.tables import TimeOptions, read_table
from lineside.apps.layout import Layout
from lineside.cli.options import data_option, plan_option
from lineside.domain.errors import InputError
from lineside.domain.outcome_import import (
    UNIT_COLUMNS,
    OutcomeImport,
    latest_by_key,
    read_outcomes,
)
from lineside.domain.outcomes import EventKind, LineEvent, Outcome
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import Plan
from lineside.domain.tables import Table
from lineside.flows.import_outcomes import WRITER, hand_in
from lineside.wire.codecs import decode_items
from lineside.wire.records import RecordKind

_EVERYTHING = 1 << 40


@click.group()
def command() -> None:
    """Import what was later found to be true of parts, and note what people did at the line."""


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@plan_option
@data_option
@click.option("--unit", default="", metavar="COLUMN", help=f"Column of units [default: {', '.join(UNIT_COLUMNS)}].")
@click.option("--time", default="", metavar="COLUMN", help="Column of when it was found [default: now].")
@click.option("--time-zone", default="UTC", metavar="ZONE", help="Zone of times that carry none [default: UTC].")
def import_file(file: Path, plan: Path, data: Path, unit: str, time: str, time_zone: str) -> None:
    """Import outcomes from a CSV, Parquet or AQDEF FILE, while the plant runs or not; twice changes nothing."""
    loaded = load_plan(plan)
    table = read_table(file, time=TimeOptions(column=time, zone=time_zone), as_text=(unit, *UNIT_COLUMNS))
    epoch = _content_name(file, loaded, unit, time, time_zone)
    asyncio.run(_import(Layout(data), loaded, table, epoch, unit))


@command.command()
@click.argument("kind", type=click.Choice([kind.value for kind in EventKind]))
@plan_option
@data_option
@click.option("--station", required=True, help="Where it was done.")
@click.option("--minutes", type=float, help="How long it took.")
@click.option("--unit", default="", help="The unit that it was done to.")
@click.option("--by", default="", help="The role of who did it; never a name.")
@click.option("--text", default="", help="What was done, in a sentence.")
def event(kind: str, plan: Path, data: Path, station: str, **said: Any) -> None:
    """Note a manual check, an intervention, a changeover or anything else: the past that value is measured against."""
    loaded = load_plan(plan)
    stations = tuple(item.id for item in loaded.stations)
    if station not in stations:
        raise InputError("the plan has no such station", field="--station", value=station, choices=stations)
    name = secrets.token_hex(8)
    noted = LineEvent(id=name, kind=EventKind(kind), station=station, time=SystemClock().now(), **said)
    asyncio.run(_note(Layout(data), loaded, noted))
    click.echo(f"noted {kind} at {station}: {name}")


async def _import(layout: Layout, plan: Plan, table: Table, epoch: str, unit: str) -> None:
    landing = await SqliteLanding.open(layout.landing)
    try:
        if (WRITER, epoch) in await landing.watermarks():
            click.echo(f"{table.name} was imported before: nothing changed")
            return
        query = HistoryQuery(layout.history)
        now = SystemClock().now()
        known = latest_by_key(await _known(landing, query, plan))
        found = read_outcomes(plan, table, known, unit=unit, now=now)
        items = [(RecordKind.OUTCOMES, found.outcomes), (RecordKind.QUARANTINE, found.refused)]
        await hand_in(landing, items, epoch=epoch, site=plan.site.id, line=plan.line.id, now=now)
        _say(table.name, found, await _unknown_units(landing, query, found.outcomes))
    finally:
        await landing.close()


async def _note(layout: Layout, plan: Plan, noted: LineEvent) -> None:
    landing = await SqliteLanding.open(layout.landing)
    try:
        items = [(RecordKind.EVENTS, [noted])]
        await hand_in(landing, items, epoch=noted.id, site=plan.site.id, line=plan.line.id, now=noted.time)
    finally:
        await landing.close()


async def _known(landing: SqliteLanding, query: HistoryQuery, plan: Plan) -> list[Outcome]:
    """Return every outcome there is. What has landed is read first: it may be on its way into the history."""
    landed = await landing.after(0, _EVERYTHING)
    bodies = [entry.record.body for entry in landed if entry.record.header.kind is RecordKind.OUTCOMES]
    found = [outcome for body in bodies for outcome in decode_items(body, Outcome)]
    for characteristic in plan.characteristics:
        found += query.outcomes(characteristic.id)
    return found


async def _unknown_units(landing: SqliteLanding, query: HistoryQuery, outcomes: tuple[Outcome, ...]) -> set[str]:
    """Return the units of which no part is known yet."""
    units = {outcome.unit for outcome in outcomes}
    if not units:
        return set()
    return units - await _landed_units(landing) - query.known_units(units)


async def _landed_units(landing: SqliteLanding) -> set[str]:
    landed = await landing.after(0, _EVERYTHING)
    bodies = [entry.record.body for entry in landed if entry.record.header.kind is RecordKind.PARTS]
    return {part.unit for body in bodies for part in decode_items(body, PartRecord)}


def _say(name: str, found: OutcomeImport, unknown: set[str]) -> None:
    click.echo(f"{name}: {len(found.outcomes)} outcomes imported, {found.corrected} of them corrections")
    if found.unchanged:
        click.echo(f"  {found.unchanged} were known already")
    if found.empty:
        click.echo(f"  {found.empty} cells say nothing")
    if found.refused:
        click.echo(f"  {len(found.refused)} rows quarantined, {found.contradictory} of them contradict each other:")
        for item in found.refused[:5]:
            click.echo(f"    {item.source}: {item.detail}")
    if unknown:
        some = ", ".join(sorted(unknown)[:5])
        click.echo(f"  {len(unknown)} units are not known as parts (yet): {some}{' ...' if len(unknown) > 5 else ''}")


def _content_name(file: Path, plan: Plan, *said_of_it: str) -> str:
    """Return a name for what is handed in: the same content, read in the same way, has the same name."""
    said = hashlib.sha256(file.read_bytes())
    said.update("\0".join(["", plan.site.id, plan.line.id, *said_of_it]).encode())
    return said.hexdigest()[:16]
