"""`lineside backtest`: run past data through learn, judge and alert, as production would."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from lineside.adapters.onnx_judge import OnnxJudge
from lineside.adapters.plan_yaml import load_plan
from lineside.adapters.score_files import write_scores
from lineside.adapters.tables import CsvOptions, TimeOptions, read_table, table_files
from lineside.domain.backtests.report import html, markdown, overview, plots
from lineside.domain.backtests.result import BacktestResult, json_object
from lineside.domain.backtests.units import Units, units_from_tables
from lineside.domain.errors import DataError, StorageError
from lineside.domain.plan.model import Characteristic, Plan, SourceKind
from lineside.domain.splits import Amount, GivenSplit, Protocol, parse_amount
from lineside.domain.tables import Table
from lineside.flows.backtest import BacktestRequest, run_backtest
from lineside.ports import Judge
from lineside.wire.bundle import Bundle

_GIVEN = (Protocol.FIT_THEN_RUN,)
APPLIES = {
    "train": (*_GIVEN, Protocol.WALK_FORWARD),
    "train_most": (*_GIVEN, Protocol.WALK_FORWARD),
    "train_group": _GIVEN,
    "calibrate": _GIVEN,
    "calibrate_group": _GIVEN,
    "per_group": _GIVEN,
    "regime": (Protocol.LEAVE_ONE_REGIME_OUT,),
}
"""Options of the split, and the protocols to which they mean something."""


def _amount(name: str) -> Any:
    def parse(context: click.Context, parameter: click.Parameter, value: str | None) -> Amount | None:
        del context, parameter
        return None if value is None else parse_amount(value, name)

    return parse


@click.command()
@click.argument("plan", type=click.Path(path_type=Path))
@click.option(
    "--data", required=True, type=click.Path(path_type=Path), help="CSV or Parquet file, or a folder of them."
)
@click.option(
    "--protocol",
    required=True,
    type=click.Choice([item.value for item in Protocol]),
    help="How learning and judging are kept apart.",
)
@click.option("--characteristic", default="", help="Which to judge; needed where the plan has several.")
@click.option("--files", multiple=True, metavar="GLOB", help="Only these files of the folder, such as 'valve*/*.csv'.")
@click.option("--group", default="", metavar="COLUMN", help="Column that names the groups; else each file is one.")
@click.option("--train", callback=_amount("--train"), help="First rows to learn from: 400, 15% [default: 50%].")
@click.option("--train-most", type=click.IntRange(min=1), help="At most so many rows to learn from.")
@click.option("--train-group", multiple=True, metavar="NAME", help="Learn from these groups only.")
@click.option("--calibrate", callback=_amount("--calibrate"), help="Rows behind them that only set the limit.")
@click.option("--calibrate-group", multiple=True, metavar="NAME", help="Set the limit by these groups only.")
@click.option(
    "--regime",
    multiple=True,
    metavar="KIND",
    help="Leave out shift, season, group, band:SIGNAL, lot:SIGNAL, tool:SIGNAL or variant:SIGNAL [default: all].",
)
@click.option("--per-group", is_flag=True, help="A model for each group, learned from its own first rows.")
@click.option("--folds", default=5, show_default=True, type=click.IntRange(min=1), help="Blocks or folds.")
@click.option("--repeats", default=1, show_default=True, type=click.IntRange(min=1), help="Of the stratified folds.")
@click.option("--seed", default=0, show_default=True, help="Every random choice follows from it.")
@click.option("--unlabelled", is_flag=True, help="Learn as if no outcome were known.")
@click.option(
    "--duplicates",
    type=click.Choice(["drop", "report"]),
    default="drop",
    show_default=True,
    help="Drop copies before splitting, or only count them.",
)
@click.option(
    "--alarm-after", default=200, show_default=True, type=click.IntRange(min=0), help="The trivial clock's N."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--scores", type=click.Path(path_type=Path), metavar="FILE.parquet", help="Write one row per unit judged."
)
@click.option("--report", type=click.Path(path_type=Path), metavar="DIR", help="Write HTML, Markdown and plots.")
def command(plan: Path, data: Path, as_json: bool, scores: Path | None, report: Path | None, **options: Any) -> None:
    """Run past data through learn, judge and alert in time order, as production would."""
    loaded = load_plan(plan)
    characteristic = choose_characteristic(loaded, options["characteristic"])
    units = read_units(
        loaded, characteristic, data, files=options["files"], group=options["group"], labelled=not options["unlabelled"]
    )
    say(f"{len(units)} units in {len(set(units.group))} groups")
    result = run_backtest(request_for(loaded, characteristic, options), units, open_judge, say)
    if scores is not None:
        write_scores(scores, result.judged)
    if report is not None:
        write_report(report, result, loaded.line.label)
    text = json.dumps(json_object(result)) if as_json else overview(result, loaded.line.label)
    click.echo(text)


def say(text: str) -> None:
    """Tell the person at the terminal what is being done; the result alone goes to standard output."""
    click.echo(text, err=True)


def open_judge(plan: Plan, bundle: Bundle) -> Judge:
    """Return the judge that the gateway would use for a bundle."""
    return OnnxJudge(plan, bundle.manifest.station, (bundle,)).open()


def choose_characteristic(plan: Plan, wanted: str) -> Characteristic:
    """Return the characteristic of that id, or the plan's only one.

    Raises:
        DataError: there is none of that id, or several and none was named.
    """
    names = [item.id for item in plan.characteristics]
    if wanted in names or (not wanted and len(names) == 1):
        return plan.characteristic(wanted or names[0])
    problem = "the plan has no such characteristic" if wanted else "which characteristic is to be judged"
    raise DataError(problem, field="--characteristic", value=wanted or None, choices=names)


def read_units(
    plan: Plan,
    characteristic: Characteristic,
    data: Path,
    *,
    files: tuple[str, ...] = (),
    group: str = "",
    labelled: bool = True,
) -> Units:
    """Read every file, each a group named by its path below the folder, and return its units.

    Where the data need not be ``labelled``, a column of outcomes may be missing.

    Raises:
        DataError: there is no such data, or it does not fit the plan.
    """
    tables = read_tables(plan, characteristic, data, files)
    return units_from_tables(plan, characteristic, tables, group, outcomes_needed=labelled)


def read_tables(
    plan: Plan, characteristic: Characteristic, data: Path, files: tuple[str, ...] = ()
) -> Iterator[tuple[str, Table]]:
    """Yield every file, or those that match, with its path below the folder, read as the plan says.

    Raises:
        DataError: there is no such data, or the plan says that it has a row per reading.
    """
    found = table_files(data)
    below = {path: path.relative_to(data) if path != data else Path(path.name) for path in found}
    chosen = [path for path in found if not files or any(fnmatch.fnmatch(str(below[path]), item) for item in files)]
    if not chosen:
        raise DataError("no file matches", where=str(data), field="--files", value=files)
    time, csv = _table_options(plan, characteristic)
    for path in chosen:
        yield str(below[path].with_suffix("")), read_table(path, time=time, csv=csv)


def _table_options(plan: Plan, characteristic: Characteristic) -> tuple[TimeOptions, CsvOptions]:
    """Return how the plan says that files are written; what a line from machines leaves open is found out."""
    ids = {signal.source for signal in plan.signals_at(characteristic.station)}
    for source in plan.sources:
        if source.id in ids and source.kind is SourceKind.FILES:
            if source.layout == "long":
                raise DataError(
                    "a backtest reads a column per signal, not a row per reading",
                    field=f"sources.{source.id}.layout",
                    value=source.layout,
                    choices=("wide",),
                    next_step="pivot the files first",
                )
            return (
                TimeOptions(column=source.time_column, format=source.time_format, zone=source.time_zone),
                CsvOptions(delimiter=source.delimiter, decimal="," if source.decimal == "," else ""),
            )
    return TimeOptions(column=None), CsvOptions()


def request_for(plan: Plan, characteristic: Characteristic, options: dict[str, Any]) -> BacktestRequest:
    """Return the request that the options of the command line make.

    Raises:
        DataError: an option means nothing to the protocol.
    """
    _refuse_unused(options)
    train: Amount | None = options["train"]
    if train is None and not options["train_group"]:
        train = Amount(share=0.5)
    if train is not None and options["train_most"] is not None:
        train = Amount(rows=train.rows, share=train.share, most=options["train_most"])
    return BacktestRequest(
        plan=plan,
        characteristic=characteristic.id,
        protocol=Protocol(options["protocol"]),
        split=GivenSplit(
            train=train,
            calibrate=options["calibrate"],
            train_groups=options["train_group"],
            calibrate_groups=options["calibrate_group"],
            per_group=options["per_group"],
        ),
        start=train or Amount(share=0.5),
        folds=options["folds"],
        repeats=options["repeats"],
        seed=options["seed"],
        labelled=not options["unlabelled"],
        keep_duplicates=options["duplicates"] == "report",
        alarm_after=options["alarm_after"],
        regimes=options["regime"],
    )


def _refuse_unused(options: dict[str, Any]) -> None:
    for name, protocols in APPLIES.items():
        if options[name] and options["protocol"] not in protocols:
            raise DataError(
                f"--{name.replace('_', '-')} means nothing to {options['protocol']}", field=name, choices=protocols
            )


def write_report(folder: Path, result: BacktestResult, title: str) -> None:
    """Write ``report.md``, ``report.html`` and one SVG plot per group.

    Raises:
        StorageError: the folder cannot be written.
    """
    texts = {"report.md": markdown(result, title), "report.html": html(result, title)}
    texts |= {f"plot-{name.replace('/', '-')}.svg": text for name, text in plots(result).items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"the report cannot be written: {error.strerror}", where=str(folder)) from error
