"""What an outbox has accepted: the same however its records were committed, and in files of an earlier version."""

from pathlib import Path
from typing import Any

import apsw
import pytest

from lineside.adapters.clocks import SystemClock
from lineside.adapters.outbox_accounts import OutboxAccounts, read_tally
from lineside.adapters.outbox_sqlite import SqliteOutbox
from lineside.domain.errors import LinesideError
from lineside.domain.reconciling import STRETCH, stretches_of
from lineside.testing.records import a_readings_body
from lineside.wire.records import RecordKind

SOME = (RecordKind.READINGS, a_readings_body(0, 3), 3)
PART = (RecordKind.PARTS, b"\x90", 1)


async def open_outbox(path: Path) -> SqliteOutbox:
    return await SqliteOutbox.open(path, writer="gw", site="site", line="line", clock=SystemClock())


def account_of(path: Path) -> dict[int, tuple[int, int, int]]:
    """The account of every stretch, full or not, as the file has it."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    rows: list[Any] = connection.execute("SELECT number, records, readings, keys FROM stretches").fetchall()
    found = {number: (records, readings, keys % 2**64) for number, records, readings, keys in rows}
    tally = read_tally(connection)
    if tally.records:
        found[tally.number] = (tally.records, tally.readings, tally.keys)
    connection.close()
    return found


async def test_the_account_is_that_of_the_records_however_they_were_committed(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    outbox = await open_outbox(path)
    committed = 0
    for size in (1, STRETCH - 3, 1, 1, 5, 2 * STRETCH, 40):
        items = [SOME if (committed + place) % 3 else PART for place in range(size)]
        sequences = await outbox.commit(items)
        committed += size
        assert sequences[-1] == committed
        readings = {place + 1: 3 for place in range(committed) if place % 3}
        expected = stretches_of(outbox.epoch, readings)
        assert account_of(path) == {
            number: (stretch.records, stretch.readings, stretch.keys) for number, stretch in expected.items()
        }
    counts = await outbox.counts()
    assert counts.items[RecordKind.READINGS] == 3 * counts.records[RecordKind.READINGS]
    assert counts.records[RecordKind.PARTS] + counts.records[RecordKind.READINGS] == committed
    await outbox.close()


async def test_a_full_stretch_can_be_compared_as_soon_as_the_plant_has_confirmed_it(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path / "outbox.db")
    await outbox.commit([SOME] * (STRETCH - 1))  # sequences begin at 1: the first stretch is one shorter
    await outbox.forget(STRETCH - 1)
    accounts = OutboxAccounts(tmp_path / "outbox.db")
    (only,) = await accounts.stretches(-1, 10)
    assert (only.number, only.records, only.readings) == (0, STRETCH - 1, 3 * (STRETCH - 1))
    await outbox.close()


async def test_what_is_set_aside_is_noted_in_its_stretch_full_or_not(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    outbox = await open_outbox(path)
    await outbox.commit([PART] * STRETCH + [SOME, PART])
    await outbox.set_aside(7, "unreadable")
    await outbox.set_aside(STRETCH + 2, "unreadable")
    expected = stretches_of(outbox.epoch, {7: 1, STRETCH + 1: 3, STRETCH + 2: 1})
    assert account_of(path) == {
        number: (stretch.records, stretch.readings, stretch.keys) for number, stretch in expected.items()
    }
    await outbox.close()


async def test_a_commit_that_fails_leaves_the_account_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    outbox = await open_outbox(path)
    await outbox.commit([SOME])
    before = account_of(path)
    with pytest.raises(LinesideError, match="cannot be read"):
        await outbox.commit([SOME, (RecordKind.REDUCED, b"no body", 1)])
    assert account_of(path) == before
    await outbox.commit([SOME])
    assert account_of(path)[0][:2] == (2, 6)
    await outbox.close()


@pytest.mark.parametrize("count", [1, STRETCH - 2, STRETCH - 1, STRETCH, 2 * STRETCH + 5])
async def test_a_file_of_an_earlier_version_keeps_its_account(tmp_path: Path, count: int) -> None:
    path = tmp_path / "outbox.db"
    outbox = await open_outbox(path)
    await outbox.commit([SOME] * count)
    epoch, found = outbox.epoch, account_of(path)
    await outbox.close()
    as_before(path, epoch, count)
    again = await open_outbox(path)
    assert account_of(path) == found
    assert (await again.counts()).items == {RecordKind.READINGS: 3 * count}
    await again.commit([SOME])
    expected = stretches_of(epoch, dict.fromkeys(range(1, count + 2), 3))
    assert account_of(path) == {
        number: (stretch.records, stretch.readings, stretch.keys) for number, stretch in expected.items()
    }
    await again.close()


def as_before(path: Path, epoch: str, count: int) -> None:
    """Make the file as the version before had it: counts and all stretches in tables."""
    connection = apsw.Connection(str(path))
    connection.execute("ALTER TABLE state DROP COLUMN tally")
    columns = "kind TEXT PRIMARY KEY, records INTEGER NOT NULL, items INTEGER NOT NULL"
    connection.execute(f"CREATE TABLE accepted ({columns}) STRICT, WITHOUT ROWID")
    connection.execute("INSERT INTO accepted VALUES ('readings', ?, ?)", (count, 3 * count))
    for stretch in stretches_of(epoch, dict.fromkeys(range(1, count + 1), 3)).values():
        keys = stretch.keys - (1 << 64) if stretch.keys >= 1 << 63 else stretch.keys
        values = (stretch.number, stretch.records, stretch.readings, keys)
        connection.execute("INSERT OR REPLACE INTO stretches VALUES (?, ?, ?, ?)", values)
    connection.close()
