"""`lineside reproduce`: build a release again from its data, plan, seed and code, and compare."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.onnx_judge.golden import with_reference
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.layout import Layout
from lineside.apps.plant.evidence import kept_bundle
from lineside.apps.reproducing import Reproduced, reproduce
from lineside.cli.options import data_option, plan_option
from lineside.cli.train import history_loader, parts_loader

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("release")
@plan_option
@data_option
@click.option("--parts", type=_PATH, metavar="FILE", help="It was learned from this file, or folder of them.")
@click.option("--outcomes", type=_PATH, metavar="FILE", help="What was found of these parts.")
@click.option("--unit", default="", metavar="COLUMN", help="Column of units in both [default: the serial, or 'unit'].")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    release: str, plan: Path, data: Path, parts: Path | None, outcomes: Path | None, unit: str, *, as_json: bool
) -> None:
    """Build RELEASE (such as porosity/3) again, and say whether it scores the same; exit code 1 where it does not."""
    found, layout = load_plan(plan), Layout(data)
    bundle = kept_bundle(BundleFolder(layout.bundles), found, release)
    if parts is not None:
        load = parts_loader(found, parts, outcomes, unit)
    else:
        load = history_loader(found, layout.history, until=bundle.manifest.training.data_marks)
    result = reproduce(found, bundle, load, with_reference, lambda text: click.echo(text, err=True))
    click.echo(json.dumps(asdict(result)) if as_json else _text(result))
    raise SystemExit(0 if result.identical else 1)


def _text(result: Reproduced) -> str:
    lines = [f"{result.release}: {'identical scores' if result.identical else 'NOT reproduced'}"]
    if not result.identical:
        then, now = result.limit
        lines.append(f"  greatest difference of a score {result.greatest:.3g}; limit {then!r}, now {now!r}")
    lines += [f"  another file: {name}" for name in result.files]
    lines += [
        f"  other software: {name} {then or '-'} -> {now or '-'}" for name, (then, now) in result.software.items()
    ]
    return "\n".join(lines)
