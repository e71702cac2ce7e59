"""`lineside uptake`: whether alerts are acted on, by station and shift, never by person."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

import click

from lineside.adapters.history_query import HistoryQuery
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.layout import Layout
from lineside.apps.plant.floor.shifts import shift_at
from lineside.cli.options import data_option, plan_option
from lineside.domain.alerts import fold
from lineside.domain.plan.model import Plan
from lineside.domain.units import DAY, SECOND
from lineside.domain.uptake import TooFew, Uptake, uptake
from lineside.wire.records import RecordKind

_MOST_EVENTS = 200_000


@click.command()
@plan_option
@data_option
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 366), help="How far back.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(plan: Path, data: Path, days: int, *, as_json: bool) -> None:
    """Say what became of alerts; nothing is said of groups that are too small."""
    shown, hidden = _found(load_plan(plan), Layout(data).history, days * DAY)
    if as_json:
        content = {"shown": [asdict(item) for item in shown], "too_few_people": [asdict(item) for item in hidden]}
        click.echo(json.dumps(content))
        return
    for item in shown:
        click.echo(_line(item))
    for few in hidden:
        click.echo(f"{few.station:16} {few.shift:10} too few people answered to tell nothing of one of them")
    if not shown and not hidden:
        click.echo(f"no alert in {days} days")


def _found(plan: Plan, history: Path, over: int) -> tuple[tuple[Uptake, ...], tuple[TooFew, ...]]:
    if not (history / "alert_events").is_dir():
        return (), ()
    now = time.time_ns()
    alerts = fold(HistoryQuery(history).recent(RecordKind.ALERTS, _MOST_EVENTS)).values()
    raised = [(alert.raised.time, alert) for alert in alerts if alert.raised is not None and not alert.suppressed]
    recent = ((shift_at(plan, when).id, alert) for when, alert in raised if when > now - over)
    return uptake(recent, now, plan.privacy.least_group)


def _line(item: Uptake) -> str:
    times = [f"{value / SECOND:.0f} s" if value is not None else "-" for value in (item.median, item.p90)]
    return (
        f"{item.station:16} {item.shift:10} {item.alerts} alerts: {item.acted} acted on, {item.overridden} overridden, "
        f"{item.ignored} ignored; first answer after {times[0]} (90 %: {times[1]}); {item.people} people"
    )
