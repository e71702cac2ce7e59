"""Reading the history: SQL over all tables, wide tables of parts, and the newest items as the domain's own objects.

DuckDB reads the Parquet files that each Delta table names at that moment, so a query sees whole commits and never
a file that is being written. It may read below the history's folder and nowhere else, and it loads no extension:
nothing is looked up outside. Every ``... _time``-like column (UTC nanoseconds) has a companion ``<name>_utc`` that
is a timestamp.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, get_args, get_origin, get_type_hints

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from deltalake import DeltaTable

from lineside.adapters.delta_history.tables import ITEMS, TABLES
from lineside.domain.alerts import AlertEvent
from lineside.domain.errors import DataError, InputError, StorageError
from lineside.domain.outcomes import Outcome, Precedence
from lineside.domain.parts import PartRecord
from lineside.wire.records import RecordKind

TIMES: Final = (
    "source_time", "receive_time", "started", "ended", "received", "judged", "time", "until", "found", "recorded",
    "first", "last", "minute", "since",
)  # fmt: skip
"""Columns that hold UTC nanoseconds."""
NEWEST_BY: Final[Mapping[RecordKind, str]] = {
    RecordKind.PARTS: "ended",
    RecordKind.PREDICTIONS: "judged",
    RecordKind.ALERTS: "time",
    RecordKind.OUTCOMES: "recorded",
    RecordKind.EVENTS: "time",
    RecordKind.QUARANTINE: "received",
    RecordKind.RECEIPTS: "recorded",
    RecordKind.HEALTH: "time",
    RecordKind.LATE: "recorded",
}
"""The column by which items of a kind are newer or older."""
IDENTITY: Final = "writer, epoch, sequence, item"
_LATER: Final = "revision DESC, found DESC, recorded DESC, writer DESC, epoch DESC, sequence DESC, item DESC"
_LATEST_OUTCOMES: Final = """
CREATE VIEW latest_outcomes AS SELECT * FROM outcomes
QUALIFY row_number() OVER (PARTITION BY unit, characteristic ORDER BY {rank}, {later}) = 1
"""
_CONTRADICTIONS: Final = """
CREATE VIEW contradictions AS SELECT unit, characteristic, list(value ORDER BY source) AS said,
  list(source ORDER BY source) AS sources
FROM (SELECT * FROM outcomes
      QUALIFY row_number() OVER (PARTITION BY unit, characteristic, source ORDER BY {later}) = 1)
GROUP BY unit, characteristic HAVING count(DISTINCT value) > 1
"""
_REVISED: Final = """
CREATE VIEW {name} AS SELECT a.* FROM {all} a LEFT JOIN (
  SELECT cycle_id AS revised, max(revision) AS newest FROM {all} WHERE revision > 0 GROUP BY cycle_id
) r ON a.cycle_id = r.revised
WHERE coalesce(a.revision, 0) >= coalesce(r.newest, 0){shown}
"""
_AS_JUDGED: Final = "CREATE VIEW {name}_as_judged AS SELECT * FROM {all} WHERE coalesce(revision, 0) = 0"
REVISED: Final[Mapping[str, str]] = {"parts": "part_revisions", "predictions": "prediction_revisions"}
"""Tables of which late readings make newer revisions: what is called by the name is the newest, beside it is all."""
OUTCOMES: Final = "outcomes"
VIEWS: Final = (
    "latest_outcomes",
    "contradictions",
    *REVISED.values(),
    *(f"{name}_as_judged" for name in REVISED),
)
"""What can be queried beside the tables."""
Marks = Mapping[tuple[str, str], int]
"""The last sequence by (writer, epoch)."""
_GUARDS: Final = (
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)
_RECENT_DAYS: Final = 2
_SUFFIXES: Final = (".csv", ".parquet")


class HistoryQuery:
    """Reads the history in a folder; each call sees it as it then is. Safe beside a process that writes it.

    Parts and predictions are their newest revisions, unless said otherwise.

    Args:
        root: the folder.
        precedence: whose word holds in ``latest_outcomes`` where sources contradict each other, by characteristic;
            without it the highest revision holds (`lineside.domain.part_tables.latest_outcomes` is the same rule).
    """

    def __init__(self, root: Path, precedence: Precedence | None = None) -> None:
        self._root = root.resolve()
        self._precedence: Precedence = precedence or {}

    def counts(self) -> dict[str, int]:
        """Return the number of rows of every table."""
        with self._connect() as connection:
            return {name: _number(connection, f"SELECT count(*) FROM {_whole(name)}") for name in TABLES}  # noqa: S608

    def marks(self, tables: Sequence[str] = tuple(TABLES)) -> dict[tuple[str, str], int]:
        """Return the last sequence of every (writer, epoch) of which some tables of the history hold a row.

        A writer's records come into the history in their order, so that marks name all that it then held.
        """
        each = " UNION ALL ".join(f"SELECT writer, epoch, sequence FROM {_whole(name)}" for name in tables)  # noqa: S608 - own
        found = self.sql(f"SELECT writer, epoch, max(sequence) AS last FROM ({each}) GROUP BY ALL", tables)  # noqa: S608 - own
        return {(row["writer"], row["epoch"]): row["last"] for row in found.to_pylist()}

    def doubled(self) -> dict[str, int]:
        """Return, for every table, how many rows have the identity of another: 0 unless something is wrong."""
        count = f"SELECT count(*) - count(DISTINCT ({IDENTITY})) FROM"
        with self._connect() as connection:
            return {name: _number(connection, f"{count} {_whole(name)}") for name in TABLES}

    def sql(self, text: str, tables: Collection[str] = tuple(TABLES)) -> pa.Table:
        """Return what a query says; tables are `TABLES` and `VIEWS`.

        Args:
            text: the query.
            tables: the tables that it names, where that is known: opening the others takes longer than many a query.

        Raises:
            InputError: the query cannot be run.
        """
        with self._connect(tables=tables) as connection:
            return _run(connection, text)

    def parts_wide(self, station: str) -> pa.Table:
        """Return the parts of a station with a column per feature, by end; context as ``context.<name>``.

        Parts made by different recipes stand in one table: a feature that a part's recipe does not have is null.
        """
        where = f"station = {quoted(station)}"
        found = self.sql(f"SELECT * FROM parts WHERE {where} ORDER BY ended, cycle_id")  # noqa: S608 - it is quoted
        plain = found.drop_columns(["features", "feature_names", "context"])
        columns = {name: plain.column(name) for name in plain.column_names}
        return pa.table(columns | _spread_context(found) | _spread_features(found))

    def parts(
        self, station: str, since: int = 0, until: Marks | None = None, *, as_judged: bool = False
    ) -> Iterator[PartRecord]:
        """Yield the parts of a station that ended at or after a time (UTC ns), by end.

        ``until``: only those that the history held when these were its marks. ``as_judged``: as they were first judged,
        without what late readings have changed since.
        """
        where = f"station = {quoted(station)} AND ended >= {int(since)}{_held(until)}"
        rest = f"WHERE {where} ORDER BY ended, cycle_id, epoch, sequence, item"
        yield from self._items(RecordKind.PARTS, rest, view="parts_as_judged" if as_judged else None)

    def revisions(self, station: str, since: int, until: int) -> tuple[PartRecord, ...]:
        """Return all revisions of the parts of a station with a start between two times (UTC ns), by start."""
        where = f"station = {quoted(station)} AND started BETWEEN {int(since)} AND {int(until)}"
        rest = f"WHERE {where} ORDER BY started, cycle_id, revision, sequence, item"
        return tuple(self._items(RecordKind.PARTS, rest, view=REVISED["parts"]))

    def newest_parts(self, station: str, since: int, most: int) -> tuple[PartRecord, ...]:
        """Return the newest parts of a station that ended at or after a time (UTC ns), by end."""
        return self._last_parts(f"station = {quoted(station)} AND ended >= {int(since)}", most)

    def parts_before(self, station: str, ended: int, most: int) -> tuple[PartRecord, ...]:
        """Return the last parts of a station that ended before a time (UTC ns), by end."""
        return self._last_parts(f"station = {quoted(station)} AND ended < {int(ended)}", most)

    def of_unit(self, kind: RecordKind, unit: str) -> tuple[Any, ...]:
        """Return the parts, predictions or outcomes of a unit, oldest first."""
        return tuple(self._items(kind, f"WHERE unit = {quoted(unit)} ORDER BY {NEWEST_BY[kind]}, sequence, item"))

    def of_cycles(self, kind: RecordKind, cycles: Iterable[str]) -> tuple[Any, ...]:
        """Return the parts or predictions of cycles, oldest first."""
        listed = ", ".join(map(quoted, cycles)) or "NULL"
        return tuple(self._items(kind, f"WHERE cycle_id IN ({listed}) ORDER BY {NEWEST_BY[kind]}, sequence, item"))

    def alerts_about(self, unit: str) -> tuple[AlertEvent, ...]:
        """Return all events of the alerts in which a unit stands, oldest first."""
        stands = f"unit = {quoted(unit)} OR list_contains(suspects, {quoted(unit)})"
        about = f"SELECT alert_id FROM alert_events WHERE {stands}"  # noqa: S608 - it is quoted
        return tuple(self._items(RecordKind.ALERTS, f"WHERE alert_id IN ({about}) ORDER BY time, sequence, item"))

    def known_units(self, units: Collection[str]) -> set[str]:
        """Return which of some units the history holds parts of."""
        with self._connect() as connection:
            connection.register("asked", pa.table({"unit": sorted(units)}))
            found = _run(connection, "SELECT DISTINCT unit FROM parts SEMI JOIN asked USING (unit)")
        return set(found.column("unit").to_pylist())

    def outcomes(self, characteristic: str, until: Marks | None = None) -> Iterator[Outcome]:
        """Yield all that was found for a characteristic, every revision, in the order in which it was recorded.

        ``until``: as of `parts`.
        """
        where = f"characteristic = {quoted(characteristic)}{_held(until)}"
        yield from self._items(RecordKind.OUTCOMES, f"WHERE {where} ORDER BY recorded, writer, epoch, sequence, item")

    def newest_outcomes(self, characteristic: str, most: int) -> tuple[Outcome, ...]:
        """Return the outcomes of a characteristic that were recorded last, oldest of them first."""
        newest = "ORDER BY recorded DESC, sequence DESC, item DESC"
        where = f"WHERE characteristic = {quoted(characteristic)} {newest} LIMIT {int(most)}"
        return tuple(reversed(list(self._items(RecordKind.OUTCOMES, where))))

    def recent(self, kind: RecordKind, most: int) -> tuple[Any, ...]:
        """Return the newest items of a kind as the domain's objects, oldest of them first."""
        newest = f"ORDER BY {NEWEST_BY[kind]} DESC, sequence DESC, item DESC LIMIT {int(most)}"
        found = list(self._items(kind, newest, newest_days=_RECENT_DAYS))
        if len(found) < most:
            found = list(self._items(kind, newest))
        return tuple(reversed(found))

    def export(self, text: str, path: Path) -> int:
        """Write what a query says to a CSV or Parquet file; return the number of rows.

        Raises:
            InputError: the query cannot be run, or the file has another suffix.
            StorageError: the file cannot be written.
        """
        return _write(lambda: self.sql(text), path)

    def export_wide(self, station: str, path: Path) -> int:
        """Write `parts_wide` of a station to a CSV or Parquet file; return the number of rows; errors as `export`."""
        return _write(lambda: self.parts_wide(station), path)

    def _last_parts(self, where: str, most: int) -> tuple[PartRecord, ...]:
        rest = f"WHERE {where} ORDER BY ended DESC, cycle_id DESC LIMIT {int(most)}"
        return tuple(reversed(list(self._items(RecordKind.PARTS, rest))))

    def _items(
        self, kind: RecordKind, rest: str, newest_days: int | None = None, view: str | None = None
    ) -> Iterator[Any]:
        table, of = ITEMS[kind]
        names = [field.name for field in fields(of)]
        with self._connect(newest_days, [table]) as connection:
            found = _run(connection, f"SELECT {', '.join(map(_named, names))} FROM {view or table} {rest}")  # noqa: S608 - quoted
        hints = get_type_hints(of)
        nested = {name for name in names if _is_nested(hints[name])}
        for batch in found.to_batches(max_chunksize=4096):
            for row in batch.to_pylist():
                # A field that came later than the row has no value in it: its default holds.
                given = {name: value for name, value in row.items() if value is not None}
                for name in nested & given.keys():
                    given[name] = json.loads(given[name])
                yield _as_item(given, of)

    def _connect(
        self, newest_days: int | None = None, tables: Collection[str] = tuple(TABLES)
    ) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        connection.execute(f"SET allowed_directories = [{quoted(str(self._root))}]")
        for guard in _GUARDS:
            connection.execute(guard)
        for name in tables:
            self._view(connection, _whole(name), TABLES[name], self._files(name, newest_days))
            if name in REVISED:
                shown = " AND NOT coalesce(a.withdrawn, false)" if name == "parts" else ""
                connection.execute(_REVISED.format(name=name, all=_whole(name), shown=shown))
                connection.execute(_AS_JUDGED.format(name=name, all=_whole(name)))
        if OUTCOMES in tables:
            connection.execute(_LATEST_OUTCOMES.format(rank=_rank(self._precedence), later=_LATER))
            connection.execute(_CONTRADICTIONS.format(later=_LATER))
        return connection

    def _view(self, connection: duckdb.DuckDBPyConnection, name: str, schema: pa.Schema, files: list[str]) -> None:
        extra = "".join(f", make_timestamp_ns({column}) AS {column}_utc" for column in schema.names if column in TIMES)
        nothing = f"empty_{name}"
        connection.register(nothing, schema.empty_table())  # files that are older than a column have it all the same
        source = f"FROM {nothing}"
        if files:
            listed = ", ".join(map(quoted, files))
            partitions = "hive_partitioning = true, hive_types = {'line': VARCHAR, 'day': VARCHAR}"
            source += f" UNION ALL BY NAME FROM read_parquet([{listed}], union_by_name = true, {partitions})"
        connection.execute(f"CREATE VIEW {name} AS SELECT *{extra} FROM ({source})")  # noqa: S608 - no foreign text

    def _files(self, name: str, newest_days: int | None) -> list[str]:
        """Return the data files of a table, as its newest commit names them; of its newest days alone if so asked."""
        path = self._root / name
        files = DeltaTable(str(path)).file_uris() if (path / "_delta_log").exists() else []
        if newest_days is None:
            return files
        days = sorted({_day(file) for file in files})[-newest_days:]
        return [file for file in files if _day(file) in days]


def _whole(name: str) -> str:
    """Return what all rows of a table are called, also those of which there is a newer revision."""
    return REVISED.get(name, name)


def _rank(precedence: Precedence) -> str:
    """Return the place of an outcome's source in SQL, as `lineside.domain.outcomes.rank_of` says it."""
    cases = [
        f"WHEN characteristic = {quoted(name)} THEN CASE source "
        + " ".join(f"WHEN {quoted(source)} THEN {place}" for place, source in enumerate(dict.fromkeys(sources)))
        + f" ELSE {len(sources)} END"
        for name, sources in precedence.items()
        if sources
    ]
    return f"CASE {' '.join(cases)} ELSE 0 END" if cases else "0"


def flat(table: pa.Table) -> pa.Table:
    """Return a table whose nested columns (lists) are JSON text, as CSV wants them."""
    columns = {}
    for name in table.column_names:
        column = table.column(name)
        if pa.types.is_nested(column.type):
            column = pa.array([None if cell is None else json.dumps(cell) for cell in column.to_pylist()], pa.string())
        elif pa.types.is_binary(column.type):
            column = pa.array([None if cell is None else cell.hex() for cell in column.to_pylist()], pa.string())
        columns[name] = column
    return pa.table(columns)


def _write(load: Callable[[], pa.Table], path: Path) -> int:
    if path.suffix not in _SUFFIXES:
        raise InputError("the form of the file is not known", value=path.name, choices=_SUFFIXES)
    table = load()
    try:
        if path.suffix == ".csv":
            pyarrow.csv.write_csv(flat(table), path)
        else:
            pyarrow.parquet.write_table(table, path, compression="zstd")
    except OSError as error:
        raise StorageError(f"cannot be written: {error}", where=str(path)) from error
    return int(table.num_rows)


def _run(connection: duckdb.DuckDBPyConnection, text: str) -> pa.Table:
    try:
        found: Any = connection.sql(text)  # None where the statement has no rows to give
        return pa.table({}) if found is None else found.to_arrow_table()
    except duckdb.Error as error:
        raise InputError(f"the query cannot be run: {error}", choices=(*TABLES, *VIEWS)) from error


def _day(file: str) -> str:
    """Return the day that a file's path names."""
    return file.partition("/day=")[2].partition("/")[0]


def _number(connection: duckdb.DuckDBPyConnection, text: str) -> int:
    return int(_run(connection, text).column(0)[0].as_py())


def _held(until: Marks | None) -> str:
    """Return the condition that a row was there when marks were taken; none where there are no marks."""
    if until is None:
        return ""
    if not until:
        return " AND false"
    rows = ", ".join(f"({quoted(writer)}, {quoted(epoch)}, {int(last)})" for (writer, epoch), last in until.items())
    held = f"FROM (VALUES {rows}) AS marks(w, e, last) WHERE w = writer AND e = epoch AND sequence <= last"
    return f" AND EXISTS (SELECT 1 {held})"


def quoted(text: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def _named(column: str) -> str:
    """Return a column's name as SQL takes it, also where it is a word of SQL."""
    return '"' + column.replace('"', '""') + '"'


def _is_nested(annotation: Any) -> bool:
    """Whether a field is kept as JSON: a mapping, or a tuple of anything but texts."""
    origin = get_origin(annotation)
    if origin is tuple:
        return get_args(annotation)[0] is not str
    return origin is not None and isinstance(origin, type) and issubclass(origin, Mapping)


def _as_item(row: dict[str, Any], of: type[Any]) -> Any:
    try:
        return msgspec.convert(row, of, dec_hook=_array)
    except msgspec.ValidationError as error:
        raise DataError(f"a row is no {of.__name__}: {error}", where="history") from error


def _array(kind: type, value: Any) -> Any:
    if isinstance(value, list):
        return np.array([np.nan if number is None else number for number in value], dtype=np.float64)
    raise TypeError(f"cannot be read: {kind!r}")


def _spread_context(parts: pa.Table) -> dict[str, pa.Array]:
    contexts = [json.loads(text) for text in parts.column("context").to_pylist()]
    names = sorted({name for context in contexts for name in context})
    return {f"context.{name}": pa.array([context.get(name) for context in contexts], pa.string()) for name in names}


def _spread_features(parts: pa.Table) -> dict[str, pa.Array]:
    """Return a column per feature name; where a recipe's names were never known, numbers stand in their place."""
    recipes = parts.column("recipe").to_pylist()
    values = parts.column("features").to_pylist()
    names = parts.column("feature_names").to_pylist()
    columns: dict[str, list[float | None]] = {}
    for row, (recipe, numbers, known) in enumerate(zip(recipes, values, names, strict=True)):
        for name, number in zip(_names(recipe, numbers, known), numbers, strict=True):
            columns.setdefault(name, [None] * len(recipes))[row] = number
    return {name: pa.array(column, pa.float64()) for name, column in columns.items()}


def _names(recipe: str, numbers: Sequence[float], known: Sequence[str] | None) -> Sequence[str]:
    if known and len(known) == len(numbers):
        return known
    return [f"{recipe}.{place}" for place in range(len(numbers))]
