import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from lineside.adapters.clocks import SystemClock
from lineside.adapters.outbox_sqlite import SqliteOutbox
from lineside.adapters.sqlite_thread import _Job
from lineside.domain.errors import ConfigurationError, StorageError
from lineside.testing.conformance.outbox import OutboxConformance
from lineside.testing.fakes.outbox import FakeOutbox
from lineside.testing.records import a_readings_body
from lineside.wire.records import RecordKind

A_LOT = 1 << 30


async def open_outbox(path: Path, keep_bytes: int = 0) -> SqliteOutbox:
    return await SqliteOutbox.open(
        path, writer="gw", site="site", line="line", clock=SystemClock(), keep_bytes=keep_bytes
    )


class TestSqliteOutbox(OutboxConformance):
    @pytest.fixture
    async def outbox(self, tmp_path: Path) -> AsyncIterator[SqliteOutbox]:
        outbox = await open_outbox(tmp_path / "outbox.db")
        yield outbox
        await outbox.close()


class TestFakeOutbox(OutboxConformance):
    @pytest.fixture
    def outbox(self) -> FakeOutbox:
        return FakeOutbox()


async def test_epoch_sequence_and_records_survive_a_restart(tmp_path: Path) -> None:
    first = await open_outbox(tmp_path / "o.db")
    await first.commit([(RecordKind.EVENTS, b"a", 1), (RecordKind.EVENTS, b"b", 1)])
    await first.forget(2)
    epoch = first.epoch
    await first.close()
    second = await open_outbox(tmp_path / "o.db")
    assert (second.epoch, second.last) == (epoch, 2)
    assert await second.commit([(RecordKind.EVENTS, b"c", 1)]) == (3,)
    await second.close()


async def test_a_new_file_is_another_epoch(tmp_path: Path) -> None:
    epochs = set()
    for n in range(3):
        outbox = await open_outbox(tmp_path / f"{n}.db")
        epochs.add(outbox.epoch)
        await outbox.close()
    assert len(epochs) == 3


async def test_a_second_process_may_not_hold_the_same_outbox(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path / "o.db")
    with pytest.raises(ConfigurationError, match="another process"):
        await open_outbox(tmp_path / "o.db")
    await outbox.close()
    again = await open_outbox(tmp_path / "o.db")
    await again.close()


async def test_a_full_disk_is_an_error_to_everyone_and_leaves_no_hole_once_there_is_space(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path / "o.db")
    await outbox.commit([(RecordKind.EVENTS, b"first", 1)])

    def set_limit(pages: int) -> None:
        prepare = outbox._thread._prepare

        def limited(connection: apsw.Connection) -> None:
            connection.execute(f"PRAGMA max_page_count={pages}").fetchall()
            prepare(connection)

        outbox._thread._prepare = limited
        outbox._thread._disconnect()

    original = outbox._thread._prepare
    set_limit(16)
    large = [outbox.commit([(RecordKind.EVENTS, bytes(300_000), 1)]) for _ in range(5)]
    results = await asyncio.gather(*large, return_exceptions=True)
    assert all(isinstance(result, StorageError) for result in results)
    assert outbox.last == 1
    outbox._thread._prepare = original
    assert await outbox.commit([(RecordKind.EVENTS, b"second", 1)]) == (2,)
    assert [record.body for record in await outbox.unsent(0, A_LOT)] == [b"first", b"second"]
    await outbox.close()


async def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "o.db").mkdir()
    with pytest.raises(StorageError):
        await open_outbox(tmp_path / "o.db")


async def test_a_stretch_behind_the_watermark_is_kept(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path / "o.db", keep_bytes=3500)
    await outbox.commit([(RecordKind.EVENTS, bytes(1000), 1)] * 10)
    await outbox.forget(8)
    assert [record.header.sequence for record in await outbox.unsent(0, A_LOT)] == [5, 6, 7, 8, 9, 10]
    await outbox.close()


async def test_forgetting_goes_through_more_rows_than_one_step_deletes(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path / "o.db")
    await outbox.commit([(RecordKind.EVENTS, b"x", 1)] * 1300)
    await outbox.forget(1290)
    assert [record.header.sequence for record in await outbox.unsent(0, 1)] == [1291]
    await outbox.close()


async def test_a_record_that_the_disk_has_changed_is_set_aside_and_counted(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path / "o.db")
    await outbox.commit([(RecordKind.READINGS, a_readings_body(n, 5), 5) for n in range(3)])
    await outbox.close()
    connection = apsw.Connection(str(tmp_path / "o.db"))
    connection.execute("UPDATE records SET data = zeroblob(length(data)) WHERE sequence = 2")
    connection.close()
    outbox = await open_outbox(tmp_path / "o.db")
    records = await outbox.unsent(0, A_LOT)
    assert [record.header.kind for record in records] == [
        RecordKind.READINGS, RecordKind.QUARANTINE, RecordKind.READINGS,
    ]  # fmt: skip
    counts = await outbox.counts()
    assert (counts.set_aside_records, counts.set_aside_items) == (1, 5)
    assert counts.items == {RecordKind.READINGS: 15}
    await outbox.close()


async def test_the_counts_of_what_was_accepted_survive_forgetting(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path / "o.db")
    await outbox.commit(
        [(RecordKind.READINGS, b"x", 200), (RecordKind.READINGS, b"x", 100), (RecordKind.PARTS, b"", 1)]
    )
    await outbox.forget(3)
    counts = await outbox.counts()
    assert counts.records == {RecordKind.READINGS: 2, RecordKind.PARTS: 1}
    assert counts.items == {RecordKind.READINGS: 300, RecordKind.PARTS: 1}
    await outbox.close()


async def test_concurrent_commits_share_transactions(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path / "o.db")
    groups: list[int] = []
    transact = outbox._thread._transact

    def counted(group: list[_Job]) -> _Job | None:
        groups.append(len(group))
        return transact(group)

    outbox._thread._transact = counted  # type: ignore[method-assign]
    await asyncio.gather(*(outbox.commit([(RecordKind.EVENTS, b"x", 1)]) for _ in range(100)))
    assert sum(groups) == 100
    assert len(groups) < 50
    await outbox.close()


async def test_a_refused_job_does_not_harm_its_group(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path / "o.db")

    def refuse(connection: apsw.Connection) -> None:
        connection.execute("UPDATE state SET last = 1000")
        raise KeyError("refused")

    results = await asyncio.gather(
        outbox.commit([(RecordKind.EVENTS, b"a", 1)]),
        outbox._thread.run(refuse),
        outbox.commit([(RecordKind.EVENTS, b"b", 1)]),
        return_exceptions=True,
    )
    assert results[0] == (1,)
    assert isinstance(results[1], KeyError)
    assert results[2] == (2,)
    await outbox.close()


async def test_nothing_runs_on_a_closed_outbox(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path / "o.db")
    await outbox.close()
    await outbox.close()
    with pytest.raises(StorageError, match="closed"):
        await outbox.commit([(RecordKind.EVENTS, b"a", 1)])


async def test_the_file_is_set_up_for_power_cuts(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path / "o.db")
    found = await outbox._thread.run(
        lambda connection: [
            connection.execute(f"PRAGMA {name}").fetchone() for name in ("journal_mode", "synchronous", "page_size")
        ]
    )
    assert found == [("wal",), (2,), (16384,)]
    await outbox.close()
