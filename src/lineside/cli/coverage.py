"""`lineside coverage`: which part of the declared envelope the data has seen."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from lineside.adapters.plan_yaml import load_plan
from lineside.apps.conditions import file_record, history_record
from lineside.apps.layout import Layout
from lineside.cli.output import write_file
from lineside.cli.train import history_loader, parts_loader
from lineside.domain.coverage.facts import Coverage, coverage_of
from lineside.domain.coverage.gaps import Finding, findings
from lineside.domain.coverage.record import ConditionRecord
from lineside.domain.coverage.report import coverage_html, coverage_lines, coverage_object
from lineside.domain.errors import InputError, StorageError
from lineside.domain.plan.model import Plan
from lineside.flows.train import LoadParts

_PATH = click.Path(path_type=Path)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """What the parts of one station have seen."""

    station: str
    label: str
    coverage: Coverage
    found: tuple[Finding, ...]


@click.command("coverage")
@click.argument("plan", type=_PATH)
@click.option("--data", type=_PATH, metavar="DIR", help="Data folder: the parts and conditions of its history.")
@click.option("--parts", type=_PATH, metavar="FILE", help="Finished parts or readings in a file, or a folder of them.")
@click.option("--conditions", type=_PATH, metavar="FILE", help="A longer record of the conditions alone, with times.")
@click.option("--time", default="", metavar="COLUMN", help="Column of times in --conditions [default: found out].")
@click.option("--station", default="", metavar="ID", help="Only this station [default: every one that is judged].")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--report", type=_PATH, metavar="DIR", help="Write coverage.html with plots.")
def command(plan: Path, as_json: bool, report: Path | None, **options: Any) -> None:
    """Say which part of the plan's envelope the parts have seen, and how often the line is outside of it."""
    loaded = load_plan(plan)
    record = _record(loaded, options)
    seen = _seen(loaded, _loader(loaded, options), record, options["station"])
    if report is not None:
        pages = tuple((item.label, item.coverage, item.found) for item in seen)
        _write(report, coverage_html(loaded.line.label, pages))
    if as_json:
        click.echo(json.dumps({item.station: coverage_object(item.coverage, item.found) for item in seen}))
        return
    for item in seen:
        for line in coverage_lines(item.label, item.coverage, item.found):
            click.echo(line)


def _loader(plan: Plan, options: dict[str, Any]) -> LoadParts:
    if (options["data"] is None) == (options["parts"] is None):
        raise InputError(
            "whose coverage is wanted", field="--parts", next_step="give either --data DIR or --parts FILE"
        )
    if options["parts"] is not None:
        return parts_loader(plan, options["parts"], None, "")
    return history_loader(plan, Layout(options["data"]).history)


def _record(plan: Plan, options: dict[str, Any]) -> ConditionRecord | None:
    """Return the longer record of the conditions: the file that is named, else the readings of the history."""
    if options["conditions"] is not None:
        return file_record(plan, options["conditions"], options["time"])
    return None if options["data"] is None else history_record(plan, Layout(options["data"]).history)


def _seen(plan: Plan, load: LoadParts, record: ConditionRecord | None, wanted: str) -> list[_Seen]:
    judged = [item for item in plan.stations if plan.characteristics_at(item.id)]
    chosen = [item for item in judged if item.id == wanted or not wanted]
    if not chosen:
        names = [item.id for item in judged]
        raise InputError("no such station is judged", field="--station", value=wanted or None, choices=names)
    seen = []
    for station in chosen:
        table = load(plan.characteristics_at(station.id)[0]).table
        coverage = coverage_of(plan, table.recipe, table.features)
        found = findings(coverage, record)
        seen.append(_Seen(station=station.id, label=station.label, coverage=coverage, found=found))
    return seen


def _write(folder: Path, text: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"the report cannot be written: {error.strerror}", where=str(folder)) from error
    write_file(folder / "coverage.html", text)
