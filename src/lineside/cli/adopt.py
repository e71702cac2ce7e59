"""`lineside adopt`: bring a prototype and learn what will happen to it in production."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import click

from lineside.adapters.plan_yaml import load_plan
from lineside.adapters.plan_yaml.document import read_document
from lineside.apps.adopting import AdoptOptions, adopt_model
from lineside.cli.backtest import choose_characteristic, read_tables, say
from lineside.cli.options import moment
from lineside.cli.output import write_file
from lineside.domain.adoption.report import html, overview
from lineside.domain.adoption.result import Readiness, json_object
from lineside.domain.errors import InputError, StorageError

_PATH = click.Path(path_type=Path)
_FIGURES: Final = ("auc", "r2")


@click.command("adopt")
@click.argument("model")
@click.option("--plan", required=True, type=_PATH, help="The line's control plan (YAML).")
@click.option("--data", required=True, type=_PATH, help="Past parts: CSV or Parquet file, or a folder of them.")
@click.option("--characteristic", default="", help="What the prototype judges; needed where the plan has several.")
@click.option("--files", multiple=True, metavar="GLOB", help="Only these files of the folder, such as 'valve*/*.csv'.")
@click.option(
    "--group", default="", metavar="COLUMN", help="Column that names campaigns or lots; else each file is one."
)
@click.option("--inputs", type=_PATH, metavar="MAP.yaml", help="Which feature each input is, where names differ.")
@click.option("--lab", multiple=True, metavar="NAME=VALUE", help="The laboratory's figure, such as auc=0.97.")
@click.option("--trained-until", metavar="TIME", help="Time of the last part that it was learned from (ISO 8601).")
@click.option("--good-is-high", is_flag=True, help="The prototype's greater answers mean good parts.")
@click.option("--seed", default=0, show_default=True, help="Every random choice follows from it.")
@click.option("--trust-pickle", is_flag=True, help="Load a pickle, in a process that is shut in: you know who made it.")
@click.option("--output", type=_PATH, metavar="FILE", help="Write the prototype as a bundle there.")
@click.option(
    "--data-folder", type=_PATH, metavar="DIR", help="Keep it as a bundle in this data folder, not in service."
)
@click.option(
    "--core-hour", default=0.05, show_default=True, help="What an hour of one core costs, in the plan's currency."
)
@click.option("--report", type=_PATH, metavar="DIR", help="Write readiness.html and readiness.json there.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
def command(model: str, plan: Path, data: Path, *, as_json: bool, **options: Any) -> None:
    """Re-run the prototype MODEL as production would, and write what becomes of it there."""
    loaded = load_plan(plan)
    characteristic = choose_characteristic(loaded, options["characteristic"])
    wanted = AdoptOptions(
        model=model,
        given=_map(options["inputs"]),
        lab=_lab(options["lab"]),
        until=moment(options["trained_until"], "--trained-until") if options["trained_until"] else None,
        group=options["group"],
        flipped=options["good_is_high"],
        trust_pickle=options["trust_pickle"],
        output=options["output"],
        folder=options["data_folder"],
        hour_price=options["core_hour"],
        seed=options["seed"],
        data=data.name,
    )
    tables = list(read_tables(loaded, characteristic, data, options["files"]))
    report = adopt_model(loaded, characteristic, tables, wanted, say)
    if options["report"] is not None:
        _write(options["report"], report)
    click.echo(json.dumps(json_object(report)) if as_json else overview(report))


def _write(folder: Path, report: Readiness) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"the report cannot be written: {error.strerror}", where=str(folder)) from error
    write_file(folder / "readiness.html", html(report))
    write_file(folder / "readiness.json", json.dumps(json_object(report), indent=1) + "\n")


def _map(path: Path | None) -> dict[str, str]:
    """Return what a map file says: one line per input, its name and the feature or column that it is."""
    if path is None:
        return {}
    try:
        document = read_document(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("the map cannot be read", field="--inputs", value=str(path)) from error
    if document.findings or not all(isinstance(value, str) for value in document.data.values()):
        raise InputError(
            "not a map of inputs",
            field="--inputs",
            value=str(path),
            next_step="write lines such as 'temp_1: die_temperature', a feature or a column for each input",
        )
    return {str(name): str(value) for name, value in document.data.items()}


def _lab(given: tuple[str, ...]) -> dict[str, float]:
    found = {}
    for text in given:
        name, _, value = text.partition("=")
        try:
            found[name] = float(value)
        except ValueError:
            name = ""
        if name not in _FIGURES:
            raise InputError(
                "not a laboratory figure", field="--lab", value=text, choices=_FIGURES, next_step="write auc=0.97"
            )
    return found
