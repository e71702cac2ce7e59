"""`lineside history`: look at, count, query and export the long memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import click

from lineside.adapters.history_query import HistoryQuery, flat
from lineside.apps.layout import Layout
from lineside.cli.options import data_option
from lineside.domain.errors import InputError

_WIDEST: Final = 40
_LOOK_ROWS: Final = 10


@click.group()
def command() -> None:
    """Look at, count, query and export the history; safe while the plant runs."""


@command.command()
@data_option
@click.argument("table", default="")
@click.option("--rows", default=_LOOK_ROWS, show_default=True, help="How many of the newest rows.")
def look(data: Path, table: str, rows: int) -> None:
    """Show the columns and the newest rows of a table, or without one what tables there are."""
    query = _open(data)
    if not table:
        for name, count in query.counts().items():
            click.echo(f"{name:<14}{count:>14,}")
        return
    _check(query, table)
    newest = query.sql(f"SELECT * FROM {table} ORDER BY day DESC, sequence DESC, item DESC LIMIT {rows}")  # noqa: S608 - a known name
    for field in newest.schema:
        click.echo(f"{field.name:<18}{field.type}")
    click.echo()
    _show(newest)


@command.command()
@data_option
@click.option("--by", default="", metavar="COLUMN", help="Count per value of a column, such as day or signal.")
@click.option("--table", default="readings", show_default=True, help="The table to count by column.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def count(data: Path, by: str, table: str, as_json: bool) -> None:
    """Count the rows of every table, or of one table per value of a column."""
    query = _open(data)
    counts: dict[str, int] = query.counts()
    if by:
        _check(query, table)
        column = '"' + by.replace('"', '""') + '"'
        found = query.sql(f"SELECT {column}::VARCHAR, count(*) FROM {table} GROUP BY ALL ORDER BY ALL")  # noqa: S608 - quoted
        counts = dict(zip(*(found.column(place).to_pylist() for place in (0, 1)), strict=True))
    if as_json:
        click.echo(json.dumps(counts))
        return
    for name, number in counts.items():
        click.echo(f"{name!s:<30}{number:>14,}")


@command.command()
@data_option
@click.argument("sql")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per row.")
def query(data: Path, sql: str, as_json: bool) -> None:
    """Run a query (SQL, as DuckDB speaks it) over all tables and print what it says."""
    found = _open(data).sql(sql)
    if not as_json:
        _show(found)
        return
    for row in found.to_pylist():
        click.echo(json.dumps(row, default=_plain))


@command.command()
@data_option
@click.argument("what")
@click.argument("file", type=click.Path(path_type=Path))
def export(data: Path, what: str, file: Path) -> None:
    """Write a table, a query, or wide:STATION (parts with a column per feature) to FILE (.csv or .parquet)."""
    query = _open(data)
    if what.startswith("wide:"):
        rows = query.export_wide(what.removeprefix("wide:"), file)
    else:
        rows = query.export(f"SELECT * FROM {what}" if what.isidentifier() else what, file)  # noqa: S608 - a plain name
    click.echo(f"{rows:,} rows written to {file}")


def _open(data: Path) -> HistoryQuery:
    folder = Layout(data).history
    if not folder.exists():
        raise InputError(
            "there is no history here", field="--data", value=str(data), next_step="name the data folder of a plant"
        )
    return HistoryQuery(folder)


def _check(query: HistoryQuery, table: str) -> None:
    if table not in query.counts():
        raise InputError("no such table", field="table", value=table, choices=tuple(query.counts()))


def _show(table: Any) -> None:
    """Print rows as a plain table, each column as wide as it needs, up to a bound."""
    shown = flat(table)
    columns = [[_cell(value) for value in shown.column(name).to_pylist()] for name in shown.column_names]
    widths = [max([len(name), *map(len, cells)]) for name, cells in zip(shown.column_names, columns, strict=True)]
    for row in (shown.column_names, *zip(*columns, strict=True)):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    click.echo(f"({shown.num_rows:,} rows)")


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 3]}..."


def _plain(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
