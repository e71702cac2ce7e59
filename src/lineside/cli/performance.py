"""`lineside performance`: models in service by late truth, by their own risks, and by the budgets of their levels."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.layout import Layout
from lineside.apps.performing import PerformanceLook
from lineside.cli.options import data_option, plan_option
from lineside.domain.performance.report import performance_lines, performance_objects


@click.command()
@plan_option
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def command(plan: Path, data: Path, *, as_json: bool) -> None:
    """Say how each model in service does; exit code 1 where there is damage."""
    layout = Layout(data)
    reports = PerformanceLook(load_plan(plan), BundleFolder(layout.bundles), layout.history)(time.time_ns())
    if as_json:
        click.echo(json.dumps(performance_objects(reports)))
    else:
        for report in reports:
            for line in performance_lines(report):
                click.echo(line)
        if not reports:
            click.echo("no model in service has judged a part")
    raise SystemExit(1 if any(report.damage for report in reports) else 0)
