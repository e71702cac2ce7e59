"""Stretches of the history's readings, with the parts that were made of them: what corrections are made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from lineside.adapters.delta_history.tables import day_of
from lineside.adapters.history_query import HistoryQuery, quoted
from lineside.adapters.kept_position import keep_position, load_position
from lineside.domain.late_readings import LateReadings, Note
from lineside.domain.parts import PartRecord
from lineside.domain.predictions import Prediction
from lineside.domain.readings import Catalogue, ReadingBatch
from lineside.domain.units import DAY
from lineside.wire.records import RecordKind

_NOTES: Final = "SELECT writer, epoch, sequence, item, station, first, last, count, recorded FROM late_readings"
_STRETCH: Final = """
SELECT signal, source_time, receive_time, value, text, status FROM readings
WHERE writer = {writer} AND signal IN ({signals}) AND day >= {day} AND source_time BETWEEN {since} AND {until}
"""
_BEFORE: Final = """
SELECT signal, source_time, receive_time, value, text, status FROM readings
WHERE writer = {writer} AND signal IN ({signals}) AND day >= {day} AND source_time < {since}
QUALIFY source_time = max(source_time) OVER (PARTITION BY signal)
"""
_NEWEST: Final = """
SELECT max(source_time) AS source, max(receive_time) AS received FROM readings
WHERE writer = {writer} AND signal IN ({signals}) AND day >= {day} AND source_time >= {since}
"""
_HOLDS: Final = """
SELECT signal, max(source_time) FILTER (source_time <= {last}) AS said,
       min(source_time) FILTER (source_time > {last}) AS next
FROM readings WHERE writer = {writer} AND signal IN ({signals}) AND day >= {day} AND source_time >= {first}
GROUP BY signal HAVING said IS NOT NULL
"""
_ALWAYS: Final = ""
"""A day before all others."""

Done = dict[str, int]


class HistoryStretches:
    """What `lineside.flows.correct` asks of a history in a folder.

    Args:
        history: the folder.
        kept: the file that says how far notes of late readings are done, by station, writer and epoch.
    """

    def __init__(self, history: Path, kept: Path) -> None:
        self._history = history
        self._query = HistoryQuery(history)
        self._kept = kept

    def notes(self) -> tuple[Note, ...]:
        """Return the notes of late readings that are not done, oldest first."""
        if not (self._history / "late_readings").is_dir():
            return ()
        done = load_position(self._kept, Done) or {}
        rows = self._query.sql(f"{_NOTES} ORDER BY recorded, writer, epoch, sequence, item", ("late_readings",))
        notes = [_note(row) for row in rows.to_pylist()]
        return tuple(note for note in notes if note.sequence > done.get(_key(note), 0))

    def done(self, notes: Sequence[Note]) -> None:
        """Keep durably that notes are done, with all of their records.

        Raises:
            StorageError: it is not kept.
        """
        if notes:
            done = load_position(self._kept, Done) or {}
            for note in notes:
                done[_key(note)] = max(done.get(_key(note), 0), note.sequence)
            keep_position(self._kept, done)

    def newest_start(self, station: str) -> int:
        """Return when the newest cycle of a station began, UTC ns; 0 where there is none."""
        return self._number(f"SELECT max(started) AS n FROM parts WHERE station = {quoted(station)}") or 0  # noqa: S608

    def newest_times(self, writer: str, signals: Sequence[str], since: int) -> tuple[int, int]:
        """Return the newest source and receive time of signals since a time; that where there is none."""
        text = _NEWEST.format(**_named(writer, signals, since), since=int(since))
        [found] = self._query.sql(text, ("readings",)).to_pylist()
        return found["source"] or since, found["received"] or since

    def starts(self, station: str, before: int, most: int) -> tuple[int, ...]:
        """Return when the last cycles of a station that began at or before a time began, newest first."""
        where = f"station = {quoted(station)} AND started <= {int(before)}"
        text = f"SELECT DISTINCT started FROM parts WHERE {where} ORDER BY started DESC LIMIT {int(most)}"  # noqa: S608
        return tuple(self._query.sql(text, ("parts",)).column("started").to_pylist())

    def next_start(self, station: str, after: int) -> int | None:
        """Return when the first cycle of a station after a time began."""
        where = f"station = {quoted(station)} AND started > {int(after)}"
        return self._number(f"SELECT min(started) AS n FROM parts WHERE {where}")  # noqa: S608 - it is quoted

    def revisions(self, station: str, since: int, until: int) -> tuple[PartRecord, ...]:
        """Return all revisions of the parts of a station that began between two times (UTC ns)."""
        return self._query.revisions(station, since, until)

    def predictions(self, cycles: Iterable[str]) -> tuple[Prediction, ...]:
        """Return the newest judgements of cycles."""
        return self._query.of_cycles(RecordKind.PREDICTIONS, cycles)

    def parts_before(self, station: str, ended: int, most: int) -> tuple[PartRecord, ...]:
        """Return the last parts of a station that ended before a time (UTC ns), by end."""
        return self._query.parts_before(station, ended, most)

    def count(self, writer: str, signals: Sequence[str], since: int, until: int) -> int:
        """Return how many readings a stretch holds."""
        text = _STRETCH.format(**_named(writer, signals, since), since=int(since), until=int(until))
        return self._number(f"SELECT count(*) AS n FROM ({text})", "readings") or 0  # noqa: S608 - as above

    def readings(
        self, writer: str, catalogue: Catalogue, signals: Sequence[str], since: int, until: int
    ) -> ReadingBatch:
        """Return the readings of a stretch, ends included, and of each signal the last ones before it."""
        named = _named(writer, signals, since)
        text = _STRETCH.format(**named, since=int(since), until=int(until))
        before = self._query.sql(_BEFORE.format(**named, since=int(since)), ("readings",))
        silent = sorted(set(signals) - set(before.column("signal").to_pylist()))
        pieces = [before, self._query.sql(text, ("readings",))]
        if silent:  # their last word is older than the files that were looked at
            older = _named(writer, silent, since) | {"day": quoted(_ALWAYS)}
            pieces.append(self._query.sql(_BEFORE.format(**older, since=int(since)), ("readings",)))
        return _batch(pa.concat_tables(pieces), catalogue)

    def holds_until(self, writer: str, signals: Sequence[str], first: int, last: int) -> int | None:
        """Return until when what signals said in a stretch held: the next reading of each; None where it still holds.

        ``last`` where they said nothing.
        """
        if not signals:
            return last
        text = _HOLDS.format(**_named(writer, signals, first), first=int(first), last=int(last))
        ends = self._query.sql(text, ("readings",)).column("next").to_pylist()
        return None if None in ends else max(ends, default=last)

    def _number(self, text: str, table: str = "parts") -> int | None:
        found: int | None = self._query.sql(text, (table,)).column("n")[0].as_py()
        return found


def _note(row: Mapping[str, Any]) -> Note:
    identity = {name: row[name] for name in ("writer", "epoch", "sequence", "item")}
    late = {name: value for name, value in row.items() if name not in identity}
    return Note(**identity, late=msgspec.convert(late, LateReadings))


def _key(note: Note) -> str:
    return f"{note.late.station}/{note.writer}/{note.epoch}"


def _named(writer: str, signals: Sequence[str], since: int) -> dict[str, str]:
    """Return what a query names; the day is that of receipt, which a clock that runs ahead may put before."""
    return {
        "writer": quoted(writer),
        "signals": ", ".join(map(quoted, signals)),
        "day": quoted(day_of(max(0, since - DAY))),
    }


def _batch(rows: pa.Table, catalogue: Catalogue) -> ReadingBatch:
    """Return rows of the table as a batch of a catalogue."""
    codes = catalogue.codes()
    names = rows.column("signal").to_pylist()
    said = rows.column("text").to_pylist()
    texts = tuple(dict.fromkeys(text for text in said if text is not None))
    number = {text: place for place, text in enumerate(texts)}
    value = np.array(rows.column("value").to_numpy(), dtype=np.float64)
    textual = [place for place, text in enumerate(said) if text is not None]
    value[textual] = [number[said[place]] for place in textual]
    return ReadingBatch(
        catalogue=catalogue,
        signal=np.array([codes[name] for name in names], dtype=np.int32),
        source_time=rows.column("source_time").to_numpy().astype(np.int64),
        receive_time=rows.column("receive_time").to_numpy().astype(np.int64),
        value=value,
        status=rows.column("status").to_numpy().astype(np.uint32),
        texts=texts,
    )
