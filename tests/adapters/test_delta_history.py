from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from lineside.adapters.delta_history import TABLES, DeltaHistory
from lineside.adapters.delta_history import durable as durable_module
from lineside.adapters.delta_history import history as history_module
from lineside.adapters.delta_history import tables as tables_module
from lineside.adapters.durable_files import sync_path
from lineside.domain.alerts import AlertEvent, AlertKind, Verdict
from lineside.domain.buffering import Kept, reduce_stretch
from lineside.domain.errors import IntegrityError, StorageError
from lineside.domain.outcomes import Outcome
from lineside.domain.parts import PartRecord
from lineside.domain.plan.gateway import WhenFull
from lineside.domain.readings import Catalogue, make_batch
from lineside.ports import LandedRecord
from lineside.testing.clocks import A_MOMENT
from lineside.testing.faults.damage import DAMAGE
from lineside.wire.codecs import encode_catalogue, encode_items, encode_readings
from lineside.wire.records import RecordHeader, RecordKind, pack, unpack
from lineside.wire.reduced import encode_reduced

CATALOGUE = Catalogue(("die_temp", "lot"), frozenset({"lot"}))
Item = tuple[RecordKind, bytes]


own_fields = tables_module._own_fields


def landed(*items: Item, first: int = 1) -> list[LandedRecord]:
    return [
        LandedRecord(
            position=position,
            record=unpack(pack(RecordHeader("g", "e", position, "works", "dc07", kind, 1, A_MOMENT), body)),
        )
        for position, (kind, body) in enumerate(items, first)
    ]


def readings(number: int) -> Item:
    batch = make_batch(CATALOGUE, [0, 1], [A_MOMENT + number] * 2, [200.0 + number, 0], texts=("L7",))
    return RecordKind.READINGS, encode_readings(batch)


def part(number: int) -> Item:
    record = PartRecord(
        cycle_id=f"cast-{number}", unit=f"U{number}", station="cast", started=A_MOMENT, ended=A_MOMENT,
        received=A_MOMENT, recipe="r1", features=np.array([1.5, np.nan]), context={"lot": "L7"},
    )  # fmt: skip
    return RecordKind.PARTS, encode_items([record])


def closed(verdict: Verdict | None) -> Item:
    event = AlertEvent(
        id=f"e{verdict}", alert_id="a", kind=AlertKind.CLOSED, time=A_MOMENT, station="cast",
        characteristic="porosity", cause="any", writer="plant", verdict=verdict,
    )  # fmt: skip
    return RecordKind.ALERTS, encode_items([event])


START: Item = (RecordKind.CATALOGUE, encode_catalogue(CATALOGUE))


def rows(root: Path, table: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = DeltaTable(str(root / table)).to_pyarrow_table().to_pylist()
    return sorted(found, key=lambda row: (row["sequence"], row["item"]))


async def test_records_become_rows_of_their_tables(tmp_path: Path) -> None:
    history = await DeltaHistory.open(tmp_path, {"r1": ["a", "b"]})
    outcome = Outcome(unit="U1", characteristic="porosity", value="conforming", found=A_MOMENT, source="xray")
    verdicts = [closed(Verdict.CONFIRMED), closed(None)]
    records = landed(START, readings(1), part(1), *verdicts, (RecordKind.OUTCOMES, encode_items([outcome])))
    assert await history.append(records) == 6
    temperature, lot = rows(tmp_path, "readings")
    assert (temperature["signal"], temperature["value"], temperature["text"]) == ("die_temp", 201.0, None)
    assert (lot["signal"], lot["text"]) == ("lot", "L7")
    [stored] = rows(tmp_path, "parts")
    assert (stored["unit"], stored["feature_names"], stored["day"]) == ("U1", ["a", "b"], "2026-11-18")
    assert len(rows(tmp_path, "alert_events")) == 2
    assert [row["verdict"] for row in rows(tmp_path, "feedback")] == ["defect_confirmed"]
    assert [row["value"] for row in rows(tmp_path, "outcomes")] == ["conforming"]


async def test_adding_the_same_again_changes_nothing(tmp_path: Path) -> None:
    history = await DeltaHistory.open(tmp_path)
    records = landed(START, readings(1), part(1))
    await history.append(records)
    assert await history.append([*records, *landed(readings(2), first=4)]) == 4
    assert len(rows(tmp_path, "readings")) == 4
    assert len(rows(tmp_path, "parts")) == 1


@pytest.mark.parametrize("cut", ["parts", "readings", "position"])
async def test_a_crash_between_two_steps_neither_loses_nor_doubles(
    tmp_path: Path, cut: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = await DeltaHistory.open(tmp_path)
    records = landed(START, readings(1), part(1), closed(Verdict.NO_DEFECT))
    commit = DeltaHistory._commit

    def crash_at(self: DeltaHistory, table: str, rows: pa.Table, position: int, after: int) -> None:
        if table == cut:
            raise StorageError("cut")
        commit(self, table, rows, position, after)

    def crash(*_: object, **__: object) -> None:
        raise StorageError("cut")

    await history.append(landed(START))
    with monkeypatch.context() as patch:
        if cut == "position":
            patch.setattr(history_module, "replace_file", crash)
        patch.setattr(DeltaHistory, "_commit", crash_at)
        with pytest.raises(StorageError):
            await history.append(records)
    again = await DeltaHistory.open(tmp_path)
    assert await again.append([*records, *landed(readings(2), first=5)]) == 5
    assert len(rows(tmp_path, "readings")) == 4
    assert len(rows(tmp_path, "parts")) == 1
    assert len(rows(tmp_path, "feedback")) == 1


async def last_log(root: Path, table: str) -> Path:
    return max((root / table / "_delta_log").glob("*.json"))


async def test_a_log_entry_that_a_power_cut_emptied_is_taken_back_and_written_again(tmp_path: Path) -> None:
    history = await DeltaHistory.open(tmp_path)
    await history.append(landed(START, readings(1)))
    before = (tmp_path / "position.json").read_bytes()
    more = landed(readings(2), first=3)
    await history.append(more)
    (await last_log(tmp_path, "readings")).write_bytes(b"")
    (tmp_path / "position.json").write_bytes(before)
    again = await DeltaHistory.open(tmp_path)
    assert again.repaired == {"readings": 1}
    await again.append(more)
    assert len(rows(tmp_path, "readings")) == 4


async def test_a_data_file_that_a_power_cut_emptied_is_taken_back(tmp_path: Path) -> None:
    history = await DeltaHistory.open(tmp_path)
    await history.append(landed(START, readings(1)))
    before = (tmp_path / "position.json").read_bytes()
    await history.append(landed(readings(2), first=3))
    newest = max((tmp_path / "readings").rglob("*.parquet"), key=lambda path: path.stat().st_mtime_ns)
    newest.write_bytes(b"")
    (tmp_path / "position.json").write_bytes(before)
    assert (await DeltaHistory.open(tmp_path)).repaired == {"readings": 1}


def readings_of(first: int, last: int) -> list[LandedRecord]:
    """Return one stretch of landed records of readings; the first position of all is the catalogue's."""
    return landed(
        *([START] if first == 1 else []), *(readings(at) for at in range(max(first, 2), last + 1)), first=first
    )


@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.parametrize("pattern", ["_delta_log/*.json", "*.parquet"])
@pytest.mark.parametrize("back", [0, 1])
async def test_damage_that_the_landing_table_can_replace_is_cut_off_and_written_again(
    tmp_path: Path, kind: str, pattern: str, back: int
) -> None:
    history = await DeltaHistory.open(tmp_path)
    for first, last in ((1, 4), (5, 6), (7, 8)):
        await history.append(readings_of(first, last))
    found = sorted((tmp_path / "readings").rglob(pattern), key=lambda path: path.stat().st_mtime_ns)
    DAMAGE[kind](found[-1 - back], 7)
    again = await DeltaHistory.open(tmp_path, spare_from=4)
    held = await again.position()
    assert held == (4 if back else 6)
    await again.append(readings_of(held + 1, 8))
    assert await again.append(readings_of(9, 9)) == 9
    assert [row["sequence"] for row in rows(tmp_path, "readings")] == [at for at in range(2, 10) for _ in range(2)]
    assert (await DeltaHistory.open(tmp_path)).repaired == {}


async def test_damage_that_the_landing_table_no_longer_holds_is_refused(tmp_path: Path) -> None:
    history = await DeltaHistory.open(tmp_path)
    await history.append(readings_of(1, 4))
    await history.append(readings_of(5, 6))
    log = await last_log(tmp_path, "readings")
    log.write_bytes(b"")
    with pytest.raises(IntegrityError, match="no longer holds"):
        await DeltaHistory.open(tmp_path, spare_from=5)
    assert log.exists()


async def test_a_table_that_is_seldom_written_falls_back_no_further_than_it_must(tmp_path: Path) -> None:
    history = await DeltaHistory.open(tmp_path)
    await history.append(landed(START, part(1)))
    await history.append(readings_of(3, 6))
    await history.append(landed(part(2), first=7))
    (await last_log(tmp_path, "parts")).write_bytes(b"")
    again = await DeltaHistory.open(tmp_path, spare_from=6)
    assert await again.position() == 6
    await again.append(landed(part(2), first=7))
    assert len(rows(tmp_path, "parts")) == 2


async def test_damage_of_what_was_relied_on_is_refused_and_nothing_changed(tmp_path: Path) -> None:
    history = await DeltaHistory.open(tmp_path)
    await history.append(landed(START, readings(1)))
    log = await last_log(tmp_path, "readings")
    next((tmp_path / "readings").rglob("*.parquet")).write_bytes(b"PAR1")
    with pytest.raises(IntegrityError, match="relied on"):
        await DeltaHistory.open(tmp_path)
    assert log.exists()


async def test_joining_small_files_keeps_every_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "_COMPACT_EVERY", 3)
    history = await DeltaHistory.open(tmp_path)
    await history.append(landed(START))
    for number in range(2, 7):
        await history.append(landed(readings(number), first=number))
    await history.join_small_files()
    assert len(rows(tmp_path, "readings")) == 10
    assert len(DeltaTable(str(tmp_path / "readings")).file_uris()) == 1
    again = await DeltaHistory.open(tmp_path)
    assert await again.append(landed(readings(7), first=7)) == 7
    assert len(rows(tmp_path, "readings")) == 12


async def test_a_record_that_cannot_be_read_is_quarantined_and_holds_nothing_up(tmp_path: Path) -> None:
    history = await DeltaHistory.open(tmp_path)
    assert await history.append(landed(readings(1), (RecordKind.PARTS, b"no parts"), START, readings(2))) == 4
    quarantined = rows(tmp_path, "quarantine")
    assert [row["sequence"] for row in quarantined] == [1, 2]
    assert "catalogue" in str(quarantined[0]["detail"])
    assert [row["sequence"] for row in rows(tmp_path, "readings")] == [4, 4]


async def test_commits_that_a_crash_cut_off_from_their_sync_are_synced_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = await DeltaHistory.open(tmp_path)
    await history.append(landed(START, readings(1)))

    def crash(*_: object, **__: object) -> None:
        raise StorageError("cut")

    with monkeypatch.context() as patch:
        patch.setattr(history_module, "sync_commit", crash)
        with pytest.raises(StorageError):
            await history.append(landed(readings(2), first=3))
    synced: list[str] = []

    def noted(path: Path) -> None:
        synced.append(path.name)
        sync_path(path)

    monkeypatch.setattr(durable_module, "sync_path", noted)
    again = await DeltaHistory.open(tmp_path)
    assert "00000000000000000001.json" in synced
    assert "00000000000000000000.json" not in synced
    assert await again.append(landed(readings(2), first=3)) == 3
    assert len(rows(tmp_path, "readings")) == 4


async def test_a_data_file_that_is_gone_is_noticed(tmp_path: Path) -> None:
    history = await DeltaHistory.open(tmp_path)
    await history.append(landed(START, readings(1)))
    next((tmp_path / "readings").rglob("*.parquet")).unlink()
    with pytest.raises(IntegrityError, match="gone"):
        await DeltaHistory.open(tmp_path)


async def test_a_field_that_items_got_later_becomes_a_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = {**TABLES, "parts": TABLES["parts"].remove(TABLES["parts"].get_field_index("readings"))}
    with monkeypatch.context() as patch:
        for module in (history_module, tables_module):
            patch.setattr(module, "TABLES", older)
        patch.setattr(tables_module, "_own_fields", lambda of: [n for n in own_fields(of) if n != "readings"])
        await (await DeltaHistory.open(tmp_path)).append(landed(part(1)))
    await (await DeltaHistory.open(tmp_path)).append(landed(part(2), first=2))
    assert [row["readings"] for row in rows(tmp_path, "parts")] == [None, 0]


async def test_a_reduced_record_becomes_readings_aggregates_and_receipts(tmp_path: Path) -> None:
    history = await DeltaHistory.open(tmp_path)
    catalogue = Catalogue(("a", "b"))
    batch = make_batch(catalogue, [0, 0, 1, 1], [0, 1, 2, 3], [1.0, 2.0, 5.0, 7.0])
    [kept] = reduce_stretch([Kept(readings=batch)], [WhenFull.THIN, WhenFull.AGGREGATES])
    start: Item = (RecordKind.CATALOGUE, encode_catalogue(catalogue))
    record: Item = (RecordKind.REDUCED, encode_reduced(kept))
    await history.append(landed(start, record))
    await history.append(landed(start, record))
    assert [row["value"] for row in rows(tmp_path, "readings")] == [1.0]
    assert [(row["signal"], row["count"], row["mean"]) for row in rows(tmp_path, "aggregates")] == [("b", 2, 6.0)]
    assert [(row["signals"], row["count"]) for row in rows(tmp_path, "receipts")] == [(["a"], 1), (["b"], 2)]
