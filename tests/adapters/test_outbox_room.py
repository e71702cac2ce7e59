"""The outbox's bounds: what goes when it is full, and that every reading is accounted for."""

import os
from dataclasses import replace
from pathlib import Path

import apsw
import numpy as np
import pytest

from lineside.adapters import outbox_room
from lineside.adapters.clocks import SystemClock
from lineside.adapters.outbox_sqlite import SqliteOutbox
from lineside.domain.buffering import Bounds
from lineside.domain.plan.gateway import WhenFull
from lineside.domain.readings import Catalogue, make_batch
from lineside.wire.codecs import decode_readings, encode_catalogue, encode_readings
from lineside.wire.records import RecordKind
from lineside.wire.reduced import decode_reduced

CATALOGUE = Catalogue(("oldest", "newest", "thin", "aggregates"))
POLICIES = {
    "oldest": WhenFull.DROP_OLDEST,
    "newest": WhenFull.DROP_NEWEST,
    "thin": WhenFull.THIN,
    "aggregates": WhenFull.AGGREGATES,
}
MEGABYTE = 1 << 20


def bounds(size: int = 4 * MEGABYTE, hours: float = 1000.0) -> Bounds:
    return Bounds(bytes=size, hours=hours, free_bytes=0, usual=WhenFull.DROP_OLDEST, signals=POLICIES)


async def open_bounded(path: Path, limits: Bounds) -> SqliteOutbox:
    return await SqliteOutbox.open(path, writer="gw", site="site", line="line", clock=SystemClock(), bounds=limits)


def readings(place: int, codes: tuple[int, ...], count: int = 2000) -> tuple[RecordKind, bytes, int]:
    signal = np.resize(np.array(codes, dtype=np.int32), count)
    times = place * 1_000_000_000 + np.arange(count, dtype=np.int64) * 1000
    chance = np.random.default_rng(place)  # what has no order cannot be written in fewer bytes
    values, received, status = (
        chance.random(count),
        chance.integers(0, 1 << 62, count),
        chance.integers(0, 1 << 30, count),
    )
    batch = make_batch(CATALOGUE, signal, times, values, receive_time=received, status=status.astype(np.uint32))
    return (RecordKind.READINGS, encode_readings(batch), count)


async def held(outbox: SqliteOutbox) -> tuple[int, dict[str, int], list[int], int]:
    """What is kept, what is receipted by reason, the kept times in order, and the aggregated readings."""
    kept, gone, times, aggregated, at = 0, dict[str, int](), list[int](), 0, 0
    while records := await outbox.unsent(at, 8 * MEGABYTE):
        for record in records:
            if record.header.kind is RecordKind.READINGS:
                batch = decode_readings(record.body, CATALOGUE)
                kept += len(batch)
                times += batch.source_time.tolist()
            elif record.header.kind is RecordKind.REDUCED:
                left = decode_reduced(record.body, {CATALOGUE.digest: CATALOGUE})
                assert record.header.count == len(left.readings)
                kept += len(left.readings)
                times += left.readings.source_time.tolist()
                aggregated += sum(item.count for item in left.aggregates)
                for gap in left.gaps:
                    gone[gap.why.name] = gone.get(gap.why.name, 0) + gap.count
        at = records[-1].header.sequence
    return kept, gone, times, aggregated


@pytest.mark.parametrize(
    ("codes", "reason"), [((0,), "OLDEST"), ((1,), "NEWEST"), ((2,), "THINNED"), ((3,), "AGGREGATED")]
)
async def test_a_full_outbox_does_what_the_plan_says_and_accounts_for_every_reading(
    tmp_path: Path, codes: tuple[int, ...], reason: str
) -> None:
    outbox = await open_bounded(tmp_path / "o.db", bounds())
    await outbox.commit([(RecordKind.CATALOGUE, encode_catalogue(CATALOGUE), 1)])
    for place in range(300):  # 19 MB of readings into 4 MB
        await outbox.commit([readings(place, codes)])
    assert outbox.space.full
    assert outbox.space.used <= 4 * MEGABYTE
    assert (tmp_path / "o.db").stat().st_size < 6 * MEGABYTE
    await outbox.close()
    again = await open_bounded(tmp_path / "o.db", bounds(size=40 * MEGABYTE))
    await again.commit([readings(300, codes)])  # there is room again: what was pending becomes a record
    kept, gone, times, aggregated = await held(again)
    assert kept + sum(gone.values()) == 301 * 2000
    assert max(gone, key=lambda name: gone[name]) == reason
    assert aggregated == gone.get("AGGREGATED", 0)
    assert times == sorted(times)
    if reason == "OLDEST":
        assert times[0] >= 150 * 1_000_000_000
    if reason == "NEWEST":
        assert times[0] == 0
    if reason == "THINNED":
        assert len({time // 1_000_000_000 for time in times}) > 250
    assert (await again.counts()).items[RecordKind.READINGS] == 301 * 2000
    await again.close()


async def test_thinning_leaves_more_of_what_is_newer(tmp_path: Path) -> None:
    outbox = await open_bounded(tmp_path / "o.db", bounds())
    await outbox.commit([(RecordKind.CATALOGUE, encode_catalogue(CATALOGUE), 1)])
    for place in range(400):
        await outbox.commit([readings(place, (2,))])
    _, _, times, _ = await held(outbox)
    old = sum(time < 100 * 1_000_000_000 for time in times)
    new = sum(time >= 300 * 1_000_000_000 for time in times)
    assert 0 < old < new
    await outbox.close()


async def test_what_is_no_reading_is_kept_however_full_it_is(tmp_path: Path) -> None:
    outbox = await open_bounded(tmp_path / "o.db", bounds())
    await outbox.commit([(RecordKind.CATALOGUE, encode_catalogue(CATALOGUE), 1)])
    for place in range(150):
        await outbox.commit([readings(place, (0, 1, 2, 3)), (RecordKind.ALERTS, b"alert", 1)])
    kinds = [record.header.kind for record in await outbox.unsent(0, 1 << 30)]
    assert kinds.count(RecordKind.ALERTS) == 150
    await outbox.close()


async def test_what_the_plant_has_goes_before_what_it_has_not(tmp_path: Path) -> None:
    outbox = await open_bounded(tmp_path / "o.db", bounds())
    await outbox.commit([(RecordKind.CATALOGUE, encode_catalogue(CATALOGUE), 1)])
    for place in range(300):
        await outbox.commit([readings(place, (0,))])
        await outbox.forget(outbox.last - 5)
    kept, gone, _, _ = await held(outbox)
    assert not gone
    assert kept >= 5 * 2000
    await outbox.close()


async def test_readings_older_than_the_hours_go_by_running_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_room, "_AGE_SECONDS", 0.0)
    outbox = await open_bounded(tmp_path / "o.db", bounds(hours=1.0))
    await outbox.commit([(RecordKind.CATALOGUE, encode_catalogue(CATALOGUE), 1)])
    for place in range(10):
        outbox._started -= 900  # a quarter of an hour of running
        await outbox.commit([readings(place, (1,))])
    kept, gone, times, _ = await held(outbox)
    assert kept + sum(gone.values()) == 20_000
    assert set(gone) == {"AGE"}
    assert 5 <= times[0] // 1_000_000_000 <= 6
    await outbox.close()


async def test_the_free_floor_of_the_disk_bounds_it_too(tmp_path: Path) -> None:
    disk = os.statvfs(tmp_path)
    free = disk.f_bavail * disk.f_frsize
    limits = replace(bounds(size=1 << 40), free_bytes=max(0, free - 3 * MEGABYTE))
    outbox = await open_bounded(tmp_path / "o.db", limits)
    await outbox.commit([(RecordKind.CATALOGUE, encode_catalogue(CATALOGUE), 1)])
    for place in range(400):
        await outbox.commit([readings(place, (0,))])
    assert outbox.space.limit < 1 << 40
    await outbox.close()


async def test_a_record_that_was_reduced_is_not_set_aside_when_the_plant_had_the_whole_one(tmp_path: Path) -> None:
    outbox = await open_bounded(tmp_path / "o.db", bounds())
    await outbox.commit([(RecordKind.CATALOGUE, encode_catalogue(CATALOGUE), 1)])
    for place in range(150):
        await outbox.commit([readings(place, (0,))])
    assert not await outbox.set_aside(2, "conflict")
    assert await outbox.set_aside(outbox.last, "conflict")
    await outbox.close()


async def test_a_file_of_an_earlier_version_is_taken_over(tmp_path: Path) -> None:
    old = apsw.Connection(str(tmp_path / "o.db"))
    columns = "epoch TEXT NOT NULL, last INTEGER NOT NULL, bytes INTEGER NOT NULL"
    old.execute(f"CREATE TABLE state (id INTEGER PRIMARY KEY, {columns})")
    columns = "items INTEGER NOT NULL, total INTEGER NOT NULL, data BLOB NOT NULL"
    old.execute(f"CREATE TABLE records (sequence INTEGER PRIMARY KEY, {columns})")
    old.execute("INSERT INTO state VALUES (1, 'old', 7, 0)")
    old.close()
    outbox = await open_bounded(tmp_path / "o.db", bounds())
    assert (outbox.epoch, outbox.last) == ("old", 7)
    assert await outbox.commit([(RecordKind.EVENTS, b"a", 1)]) == (8,)
    for place in range(10):
        await outbox.commit([readings(place, (0,), 1)] * 256)
    await outbox.forget(outbox.last)
    assert [item.number for item in await outbox.stretches(-1, 9)] == [1], "of what it held, no account was kept"
    await outbox.close()
