"""`lineside train`: learn a model from history or files and write a bundle."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np

from lineside.adapters.onnx_judge.golden import with_reference
from lineside.adapters.plan_yaml import load_plan
from lineside.adapters.tables import CsvOptions, TimeOptions, read_table, table_files
from lineside.apps.layout import Layout
from lineside.apps.releasing import offer_checked, signing_folder
from lineside.cli.options import since_option
from lineside.domain.backtests.units import column_of, units_from_tables
from lineside.domain.errors import InputError, StorageError
from lineside.domain.outcomes import is_nonconforming, other_characteristics
from lineside.domain.part_tables import join_parts, latest_outcomes, with_outcomes
from lineside.domain.plan.model import Characteristic, Plan, SourceKind
from lineside.domain.releases.ladder import WATERMARK
from lineside.domain.tables import Table
from lineside.flows.train import LoadedParts, LoadParts, Trained, TrainRequest, train
from lineside.wire.bundle import Bundle, pack_bundle

_PATH = click.Path(path_type=Path)


@click.command("train")
@click.argument("plan", type=_PATH)
@click.option("--data", type=_PATH, metavar="DIR", help="Data folder: learn from its history, keep models there.")
@click.option("--parts", type=_PATH, metavar="FILE", help="Learn from a file instead, or a folder of them.")
@click.option("--outcomes", type=_PATH, metavar="FILE", help="What was found of the parts, joined by unit.")
@click.option("--unit", default="", metavar="COLUMN", help="Column of units in both [default: the serial, or 'unit'].")
@click.option("--characteristic", multiple=True, metavar="ID", help="Only these [default: all of the plan].")
@click.option("--output", type=_PATH, metavar="FILE", help="Write the bundle there; one characteristic only.")
@click.option("--seed", default=0, show_default=True, help="Every random choice follows from it.")
@since_option
@click.option("--demo", is_flag=True, help="Put it in service at once, watermarked; not over an approved release.")
def command(plan: Path, data: Path | None, parts: Path | None, output: Path | None, **options: Any) -> None:
    """Learn a model of each characteristic, say what it is worth, and keep it as a bundle."""
    loaded = load_plan(plan)
    chosen = options["characteristic"] or tuple(item.id for item in loaded.characteristics)
    _check(loaded, chosen, data, output)
    load = _loader(loaded, data, parts, options["outcomes"], options["unit"])
    registry = None if data is None else signing_folder(Layout(data))
    request = TrainRequest(
        plan=loaded,
        characteristics=chosen,
        seed=options["seed"],
        now=time.time_ns(),
        since=options["since"],
        activate=False,
        complete=with_reference,
    )
    for trained in train(request, load, registry, _say):
        _show(trained)
        if data is not None:
            _release(Layout(data), trained.bundle, demo=options["demo"])
        if output is not None:
            _write(output, trained)


def _check(plan: Plan, chosen: tuple[str, ...], data: Path | None, output: Path | None) -> None:
    known = tuple(item.id for item in plan.characteristics)
    for name in chosen:
        if name not in known:
            raise InputError("the plan has no such characteristic", field="--characteristic", value=name, choices=known)
    if data is None and output is None:
        raise InputError("nowhere to keep the model", field="--data", next_step="give --data DIR or --output FILE")
    if output is not None and len(chosen) != 1:
        raise InputError(
            "one file holds one model", field="--characteristic", value=chosen, next_step="name one characteristic"
        )


def _loader(plan: Plan, data: Path | None, parts: Path | None, outcomes: Path | None, unit: str) -> LoadParts:
    """Return what loads the parts: from files where these are named, else from the history."""
    if parts is not None:
        return parts_loader(plan, parts, outcomes, unit)
    if data is None or outcomes is not None:
        raise InputError("there is nothing to learn from", field="--parts", next_step="name a file or a folder of them")
    return history_loader(plan, Layout(data).history)


def history_loader(plan: Plan, folder: Path, until: Mapping[str, int] | None = None) -> LoadParts:
    """Return a loader of the parts that the line has made, with what was found of them.

    ``until`` are the marks of an earlier load (last sequence by ``writer/epoch``): what the history held then is loaded
    again, whatever has come since.
    """
    from lineside.adapters.history_query import HistoryQuery  # noqa: PLC0415 - takes a second to load

    query = HistoryQuery(folder)  # as recorded: `latest_outcomes` says whose word holds

    def load(characteristic: Characteristic) -> LoadedParts:
        if until:
            marks = {(name.rpartition("/")[0], name.rpartition("/")[2]): last for name, last in until.items()}
        else:
            marks = query.marks(("parts", "outcomes"))

        def found(item: Characteristic) -> dict[str, str]:
            return latest_outcomes(query.outcomes(item.id, marks), item.id, item.outcome.precedence)

        others = other_characteristics(plan, characteristic)
        defects = {unit for item in others for unit, value in found(item).items() if is_nonconforming(item, value)}
        parts = query.parts(characteristic.station, until=marks, as_judged=True)
        joined = join_parts(plan, characteristic, parts, found(characteristic), defects)
        digest, table = hashlib.sha256(), joined.table
        for unit, started, outcome, defect in zip(
            table.unit, table.started.tolist(), table.outcome, table.other_defects, strict=True
        ):
            digest.update(f"{unit}\n{started}\n{outcome}\n{'other defect' if defect else ''}".encode())
        version = f"history:{len(joined.table)}:{digest.hexdigest()[:16]}"
        named = {f"{writer}/{epoch}": last for (writer, epoch), last in sorted(marks.items())}
        return LoadedParts(table=joined.table, version=version, dropped=joined.dropped, marks=named)

    return load


def parts_loader(plan: Plan, parts: Path, outcomes: Path | None, unit: str) -> LoadParts:
    """Return a loader of part rows or raw readings in files, each file a group of its own."""

    def load(characteristic: Characteristic) -> LoadedParts:
        known = None if outcomes is None else read_table(outcomes, time=TimeOptions(column=None))
        column = unit or _unit_column(plan, characteristic)
        time_options, csv_options = _form(plan, characteristic)
        asked = [characteristic]
        if known is not None:
            others = other_characteristics(plan, characteristic)
            asked += [item for item in others if (item.outcome.column or item.id) in known.columns]
        tables = []
        for path in table_files(parts):
            table = _read(path, time_options, csv_options)
            for item in asked:
                table = with_outcomes(table, item, known, column)
            tables.append((path.stem, table))
        units = units_from_tables(plan, characteristic, tables)
        return LoadedParts(
            table=units.table(np.arange(len(units))),
            version=_fingerprint(parts, outcomes),
            timed=units.timed,
            dropped=units.dropped,
        )

    return load


def _read(path: Path, time_options: TimeOptions, csv_options: CsvOptions) -> Table:
    return read_table(path, time=time_options, csv=csv_options)


def _form(plan: Plan, characteristic: Characteristic) -> tuple[TimeOptions, CsvOptions]:
    """Return how the plan says that files are written; what it leaves open is found out."""
    ids = {signal.source for signal in plan.signals_at(characteristic.station)}
    for source in plan.sources:
        if source.id in ids and source.kind is SourceKind.FILES:
            return (
                TimeOptions(column=source.time_column, format=source.time_format, zone=source.time_zone),
                CsvOptions(delimiter=source.delimiter, decimal="," if source.decimal == "," else ""),
            )
    return TimeOptions(column=None), CsvOptions()


def _unit_column(plan: Plan, characteristic: Characteristic) -> str:
    serial = plan.station(characteristic.station).serial
    return "unit" if serial is None else column_of(plan.signal(serial))


def _fingerprint(parts: Path, outcomes: Path | None) -> str:
    """Return what names the data: the SHA-256 of the files, one after another."""
    digest = hashlib.sha256()
    for path in [*table_files(parts), *([] if outcomes is None else [outcomes])]:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return f"files:{digest.hexdigest()[:16]}"


def _show(trained: Trained) -> None:
    for line in trained.report.lines():
        click.echo(line)
    left_out = ", ".join(f"{count} {reason}" for reason, count in trained.dropped.items() if count)
    if left_out:
        click.echo(f"  left out     {left_out}")
    click.echo(f"  bundle       {trained.bundle.name}{f' in {trained.where}' if trained.where else ''}")


def _release(layout: Layout, bundle: Bundle, *, demo: bool) -> None:
    """Offer it as a demo where that is wished; else say how it comes before people."""
    if demo:
        said = offer_checked(layout, bundle, demo=True)
        click.echo(f"  in service   offer {said.version}, {WATERMARK}")
    else:
        name = bundle.name.partition("+")[0]
        click.echo(f"  next         lineside release promote {name} (or train with --demo, to try it without approval)")


def _write(path: Path, trained: Trained) -> None:
    try:
        path.write_bytes(pack_bundle(trained.bundle))
    except OSError as error:
        raise StorageError(f"the bundle cannot be written: {error.strerror}", where=str(path)) from error


def _say(text: str) -> None:
    click.echo(text, err=True)
