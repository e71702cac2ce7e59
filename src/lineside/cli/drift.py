"""`lineside drift`: whether the parts made since a model was learned come from where its own came from."""

from __future__ import annotations

import json
from pathlib import Path

import click

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.drifting import WINDOW, DriftLook
from lineside.apps.layout import Layout
from lineside.cli.options import data_option, plan_option
from lineside.domain.drift.report import drift_lines, drift_objects


@click.command()
@plan_option
@data_option
@click.option("--parts", default=WINDOW, show_default=True, type=click.IntRange(50), help="Newest parts to look at.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def command(plan: Path, data: Path, *, parts: int, as_json: bool) -> None:
    """Say of each model in service which features have drifted, and which only moved with their conditions."""
    layout = Layout(data)
    reports = DriftLook(load_plan(plan), BundleFolder(layout.bundles), layout.history, parts)()
    if as_json:
        click.echo(json.dumps(drift_objects(reports)))
        return
    for report in reports:
        for line in drift_lines(report):
            click.echo(line)
    if not reports:
        click.echo("nothing to say: no model in service has 50 parts of the history before and since it was learned")
