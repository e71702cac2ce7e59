"""`lineside ready`: whether a release keeps what the line declared, level by level, with the evidence."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click
import msgspec

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.layout import Layout
from lineside.apps.plant.evidence import champion_of, kept_bundle, levels_of
from lineside.cli.options import data_option, plan_option
from lineside.domain.readiness import Level, lacking


@click.command()
@click.argument("release")
@plan_option
@data_option
@click.option(
    "--for", "rung", type=click.Choice(["canary", "champion"]), default="champion", show_default=True, help="Which step"
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(release: str, plan: Path, data: Path, rung: str, *, as_json: bool) -> None:
    """Say of RELEASE (such as porosity/3) whether it is ready for the next step; exit code 1 where it is not."""
    found, layout = load_plan(plan), Layout(data)
    folder = BundleFolder(layout.bundles)
    bundle = kept_bundle(folder, found, release)
    levels = levels_of(found, bundle, layout.history, champion_of(folder, bundle))
    passed = not lacking(levels, served=rung == "champion")
    if as_json:
        shown = [asdict(level) | {"concedable": level.concedable} for level in levels]
        said = {"release": bundle.name, "ready": passed, "levels": shown}
        click.echo(json.dumps(msgspec.to_builtins(said)))
    else:
        click.echo(_table(bundle.name, levels, passed=passed))
    sys.exit(0 if passed else 1)


def _table(name: str, levels: tuple[Level, ...], *, passed: bool) -> str:
    head = ("level", "declared", "measured", "verdict")
    rows = [head, *((item.name, item.declared, item.measured, str(item.verdict)) for item in levels)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(head))]
    lines = [f"{name}: {'ready' if passed else 'not ready'}"]
    for row, evidence in zip(rows, ("", *(_evidence(item) for item in levels)), strict=True):
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        lines += [f"    {evidence}"] if evidence else []
    return "\n".join(lines)


def _evidence(level: Level) -> str:
    if not level.concedable or level.beside is None:
        return level.evidence
    return f"{level.evidence}; the champion misses it on the same parts: {level.beside.measured}; two can concede it"
