"""`lineside compress`: smaller and quicker variants of a model, measured on this device."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click
import msgspec

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.compressing import Compressed, Measured, compress
from lineside.apps.layout import Layout
from lineside.apps.releasing import offer_checked, signing_folder
from lineside.cli.train import parts_loader
from lineside.domain.errors import InputError
from lineside.wire.bundle import unpack_bundle

_PATH = click.Path(path_type=Path)


@click.command("compress")
@click.argument("bundle", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--plan", type=_PATH, required=True, help="The line's control plan (YAML).")
@click.option("--parts", type=_PATH, metavar="FILE", help="Further parts to measure by, or a folder of them.")
@click.option("--outcomes", type=_PATH, metavar="FILE", help="What was found of the parts, joined by unit.")
@click.option("--unit", default="", metavar="COLUMN", help="Column of units in both [default: the serial, or 'unit'].")
@click.option(
    "--tolerance",
    default=0.02,
    show_default=True,
    type=click.FloatRange(0.0, 1.0, min_open=True),
    help="Greatest difference of a pruned model's score, relative to 1 + its size.",
)
@click.option("--write", metavar="VARIANT", help="Keep this variant in the data folder, with its lineage.")
@click.option("--demo", is_flag=True, help="With --write: put it in service, watermarked.")
@click.option("--data", type=_PATH, metavar="DIR", help="Data folder to keep the variant in.")
@click.option("--json", "as_json", is_flag=True, help="Print the measurements as JSON.")
def command(bundle: Path, plan: Path, *, write: str | None, demo: bool, as_json: bool, **options: Any) -> None:
    """Make the variants of BUNDLE that suit it, and measure time per part, memory, size and agreement by class.

    Nothing is chosen: read the table, then write the variant that you want.
    """
    original, data = unpack_bundle(bundle.read_bytes()), options["data"]
    if (write is None) != (data is None) or (demo and write is None):
        raise InputError(
            "a variant is written into a data folder", field="--write", next_step="give --write and --data"
        )
    loaded, table = load_plan(plan), None
    if options["parts"] is not None:
        load = parts_loader(loaded, options["parts"], options["outcomes"], options["unit"])
        table = load(loaded.characteristic(original.manifest.characteristic)).table
    version = BundleFolder(Layout(data).bundles).next_version(original.manifest.characteristic) if data else 1
    found = asyncio.run(compress(loaded, original, table, options["tolerance"], version))
    click.echo(msgspec.json.encode(found.measured).decode() if as_json else _table(found.measured))
    if write is not None:
        _write(found, write, data, demo=demo)


def _table(measured: tuple[Measured, ...]) -> str:
    lines = [f"{'variant':14}{'p50 us':>9}{'p99 us':>9}{'memory MB':>11}{'size KB':>9}{'score':>9}  agreement by class"]
    for item in measured:
        if not item.suits:
            lines.append(f"{item.name:14}{item.how}")
            continue
        classes = ", ".join(f"{name} {one.agree}/{one.parts}" for name, one in item.classes.items())
        figures = f"{item.p50_us:9.1f}{item.p99_us:9.1f}{item.memory / 2**20:11.1f}{item.size / 1024:9.1f}"
        lines.append(f"{item.name:14}{figures}{item.worst_score:9.2g}  {classes}")
        lines.append(f"{'':14}{item.how}")
        lines += [f"{'':14}a gateway would refuse it: {problem}" for problem in item.problems]
    return "\n".join(lines)


def _write(found: Compressed, name: str, data: Path, *, demo: bool) -> None:
    if name not in found.bundles:
        raise InputError("there is no such variant", field="--write", value=name, choices=list(found.bundles))
    folder, variant = signing_folder(Layout(data)), found.bundles[name]
    where, manifest = folder.add(variant), variant.manifest
    click.echo(f"{name}: {variant.name} in {where}", err=True)
    if demo:
        said = offer_checked(Layout(data), variant, demo=True, note=f"{name} variant")
        click.echo(f"{said.place}: offer {said.version}", err=True)
    else:
        click.echo(f"next: lineside release promote {manifest.characteristic}/{manifest.version}", err=True)
