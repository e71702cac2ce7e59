import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest

from lineside.adapters.delta_history import DeltaHistory
from lineside.adapters.delta_history.tables import TABLES
from lineside.adapters.history_query import TIMES, HistoryQuery
from lineside.domain.alerts import AlertEvent, AlertKind, Verdict
from lineside.domain.errors import InputError, StorageError
from lineside.domain.health.events import HealthEvent, HealthEventKind
from lineside.domain.outcomes import EventKind, LineEvent, Outcome
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import Priority
from lineside.domain.predictions import Contribution, JudgementState, Prediction
from lineside.domain.quarantine import Quarantined
from lineside.domain.receipts import Receipt
from lineside.ports import LandedRecord
from lineside.testing.records import BORN, CATALOGUE, a_readings_body, a_record
from lineside.wire.codecs import encode_catalogue, encode_items
from lineside.wire.records import RecordKind

CONTRIBUTION = Contribution("die_temp.mean", "die_temp", 231.0, 217.0, 210.0, 224.0, "degC", 0.7)


def part(number: int, recipe: str = "r1", features: Sequence[float] = (1.5, np.nan)) -> PartRecord:
    return PartRecord(
        cycle_id=f"c{number}", unit=f"U{number}", station="cast", started=BORN + number, ended=BORN + number + 5,
        received=BORN + number + 6, recipe=recipe, features=np.array(features), context={"lot": f"L{number % 2}"},
        readings=12, missing=("vacuum",),
    )  # fmt: skip


def prediction(number: int) -> Prediction:
    return Prediction(
        cycle_id=f"c{number}", unit=f"U{number}", station="cast", characteristic="porosity", model="m/1", plan="p",
        started=BORN, ended=BORN, received=BORN, judged=BORN + number, state=JudgementState.ALARM, score=3.5,
        limit=2.0, risk=0.25, contributions=(CONTRIBUTION,), cause="die_temp",
    )  # fmt: skip


def event(number: int, kind: AlertKind = AlertKind.RAISED) -> AlertEvent:
    return AlertEvent(
        id=f"e{number}", alert_id="a1", kind=kind, time=BORN + number, station="cast", characteristic="porosity",
        cause="die_temp", writer="gw", priority=Priority.HIGH, suspects=("U1", "U2"), contributions=(CONTRIBUTION,),
        score=3.5, verdict=Verdict.CONFIRMED if kind is AlertKind.CLOSED else None,
    )  # fmt: skip


def outcome(number: int, value: str = "conforming", revision: int = 1) -> Outcome:
    return Outcome(
        unit=f"U{number}", characteristic="porosity", value=value, found=BORN + number, source="xray",
        revision=revision, recorded=BORN + revision,
    )  # fmt: skip


ITEMS: dict[RecordKind, tuple[Any, ...]] = {
    RecordKind.PREDICTIONS: (prediction(1), prediction(2)),
    RecordKind.ALERTS: (event(1), event(2, AlertKind.CLOSED)),
    RecordKind.OUTCOMES: (outcome(1), outcome(2, "nonconforming"), outcome(2, "conforming", 2)),
    RecordKind.EVENTS: (
        LineEvent(id="x", kind=EventKind.MANUAL_CHECK, station="cast", time=BORN, minutes=2.5, detail={"tool": "t1"}),
    ),
    RecordKind.QUARANTINE: (Quarantined(source="s", reason="empty", detail="d", raw=b"\xff\0", received=BORN),),
    RecordKind.RECEIPTS: (
        Receipt(id="r", source="outbox", reason="disk", signals=("a", "b"), first=1, last=2, count=9, recorded=BORN),
    ),
    RecordKind.HEALTH: (
        HealthEvent(
            id="h",
            kind=HealthEventKind.CLOCK,
            gateway="g",
            time=BORN,
            subject="clock",
            name="press",
            since=BORN,
            values={"drift_ppm": 3.0, "jitter_s": 0.001, "offset_s": 0.5},
            details={"version": "1"},
        ),
    ),
}


@pytest.fixture
async def query(tmp_path: Path) -> HistoryQuery:
    bodies: list[tuple[RecordKind, bytes]] = [
        (RecordKind.CATALOGUE, encode_catalogue(CATALOGUE)),
        (RecordKind.READINGS, a_readings_body(0, 100)),
        (RecordKind.PARTS, encode_items([part(1), part(2)])),
        (RecordKind.PARTS, encode_items([part(3, "r2", (7.0,)), part(4, "unknown", (8.0,))])),
        *((kind, encode_items(items)) for kind, items in ITEMS.items()),
    ]
    history = await DeltaHistory.open(tmp_path / "history", {"r1": ("a.mean", "b.max"), "r2": ("b.max",)})
    await history.append(
        [
            LandedRecord(position=n, record=a_record(n, body, kind=kind, line="dc07"))
            for n, (kind, body) in enumerate(bodies, 1)
        ]
    )
    return HistoryQuery(tmp_path / "history")


def test_every_table_is_counted_and_nothing_is_doubled(query: HistoryQuery) -> None:
    assert query.counts() == {
        "readings": 100, "parts": 4, "predictions": 2, "alert_events": 2, "feedback": 1, "outcomes": 3, "events": 1,
        "quarantine": 1, "receipts": 1, "aggregates": 0, "health": 1, "late_readings": 0,
    }  # fmt: skip
    assert set(query.doubled()) == set(TABLES)
    assert not any(query.doubled().values())


@pytest.mark.parametrize("kind", list(ITEMS))
def test_what_was_written_comes_back_as_the_same_objects(query: HistoryQuery, kind: RecordKind) -> None:
    assert set(map(repr, query.recent(kind, 10))) == set(map(repr, ITEMS[kind]))


def test_parts_come_back_with_their_features(query: HistoryQuery) -> None:
    found = list(query.parts("cast"))
    assert [item.unit for item in found] == ["U1", "U2", "U3", "U4"]
    assert repr(found[0]) == repr(part(1))
    assert np.isnan(found[0].features[1])
    assert [item.unit for item in query.parts("cast", since=BORN + 8)] == ["U3", "U4"]
    assert list(query.parts("o'clock; drop")) == []


def test_the_newest_come_last_and_no_more_than_asked_for(query: HistoryQuery) -> None:
    assert [item.unit for item in query.recent(RecordKind.PARTS, 2)] == ["U3", "U4"]
    assert query.recent(RecordKind.PARTS, 0) == ()


def test_a_wide_table_has_a_column_per_feature_over_all_recipes(query: HistoryQuery) -> None:
    wide = query.parts_wide("cast")
    assert wide.column("a.mean").to_pylist() == [1.5, 1.5, None, None]
    assert wide.column("b.max").to_pylist()[2] == 7.0
    assert wide.column("unknown.0").to_pylist() == [None, None, None, 8.0]
    assert wide.column("context.lot").to_pylist() == ["L1", "L0", "L1", "L0"]
    assert "features" not in wide.column_names


def test_the_highest_revision_of_an_outcome_holds(query: HistoryQuery) -> None:
    found = query.sql("SELECT unit, value, revision FROM latest_outcomes ORDER BY unit").to_pylist()
    assert found == [
        {"unit": "U1", "value": "conforming", "revision": 1},
        {"unit": "U2", "value": "conforming", "revision": 2},
    ]
    assert [item.revision for item in query.outcomes("porosity")] == [1, 1, 2]
    assert list(query.outcomes("other")) == []


def test_times_are_nanoseconds_and_timestamps(query: HistoryQuery) -> None:
    (row,) = query.sql("SELECT source_time, source_time_utc::VARCHAR AS text FROM readings LIMIT 1").to_pylist()
    assert row["source_time"] == BORN
    assert row["text"].startswith("2026-11-18 11:06:40")
    for schema in TABLES.values():
        unknown = [name for name in schema.names if name.endswith("time") and name not in TIMES]
        assert not unknown


def test_a_query_sees_line_and_day_and_only_the_files_it_needs(query: HistoryQuery) -> None:
    (row,) = query.sql("SELECT DISTINCT line, day FROM readings").to_pylist()
    assert row == {"line": "dc07", "day": "2026-11-18"}


@pytest.mark.parametrize(
    "text", ["SELECT * FROM read_csv('/etc/passwd')", "SELECT nothing FROM parts", "INSTALL httpfs", "not sql"]
)
def test_a_query_that_cannot_or_must_not_be_run_says_so(query: HistoryQuery, text: str) -> None:
    with pytest.raises(InputError, match="cannot be run"):
        query.sql(text)


def test_results_are_exported_as_csv_and_parquet(query: HistoryQuery, tmp_path: Path) -> None:
    assert query.export("SELECT unit, features FROM parts ORDER BY unit", tmp_path / "p.csv") == 4
    table = pyarrow.csv.read_csv(tmp_path / "p.csv")
    assert json.loads(table.column("features")[2].as_py()) == [7.0]
    assert query.export("SELECT * FROM quarantine", tmp_path / "q.csv") == 1
    assert query.export("SELECT * FROM parts", tmp_path / "p.parquet") == 4
    assert pyarrow.parquet.read_table(tmp_path / "p.parquet").num_rows == 4
    with pytest.raises(InputError, match="csv"):
        query.export("SELECT 1", tmp_path / "p.xlsx")
    with pytest.raises(StorageError):
        query.export("SELECT 1", tmp_path / "absent" / "p.csv")


def test_an_empty_history_has_every_table_and_no_rows(tmp_path: Path) -> None:
    query = HistoryQuery(tmp_path)
    assert not any(query.counts().values())
    assert query.recent(RecordKind.ALERTS, 5) == ()
    assert query.parts_wide("cast").num_rows == 0


async def test_a_question_that_names_its_tables_opens_them_alone(tmp_path: Path) -> None:
    history = await DeltaHistory.open(tmp_path)
    bodies = [a_record(1, encode_items([outcome(1)]), kind=RecordKind.OUTCOMES)]
    await history.append([LandedRecord(position=1, record=record) for record in bodies])
    query = HistoryQuery(tmp_path)
    assert query.sql("SELECT unit FROM latest_outcomes", ["outcomes"]).column("unit").to_pylist() == ["U1"]
    assert query.sql("SELECT * FROM parts", ["parts"]).num_rows == 0
    for other in ("SELECT * FROM outcomes", "SELECT * FROM latest_outcomes"):
        with pytest.raises(InputError, match="cannot be run"):
            query.sql(other, ["parts"])
