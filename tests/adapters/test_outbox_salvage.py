from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from lineside.adapters.outbox_salvage import Salvage, damage_of, salvage
from lineside.adapters.outbox_sqlite import SqliteOutbox
from lineside.domain.quarantine import Quarantined
from lineside.testing.clocks import ManualClock
from lineside.testing.faults.damage import DAMAGE
from lineside.wire.codecs import decode_items
from lineside.wire.records import RecordKind

RECORDS = 300


async def opened(path: Path) -> SqliteOutbox:
    return await SqliteOutbox.open(path, writer="gw", site="site", line="line", clock=ManualClock())


async def filled(path: Path) -> str:
    """Make an outbox of which the plant has the first hundred records; return its epoch."""
    outbox = await opened(path)
    await outbox.commit([(RecordKind.READINGS, b"%d" % number * 200, 1) for number in range(RECORDS)])
    await outbox.forget(100)
    await outbox.close()
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()
    return outbox.epoch


async def saved_from(path: Path) -> Salvage:
    return await salvage(path, damage_of(path), writer="gw", site="site", line="line", clock=ManualClock())


async def test_a_sound_file_is_left_alone(tmp_path: Path) -> None:
    await filled(tmp_path / "o.db")
    assert damage_of(tmp_path / "o.db") == ""
    assert damage_of(tmp_path / "none.db") == ""


async def test_what_can_be_read_keeps_its_identity_and_the_rest_is_a_note_in_its_place(tmp_path: Path) -> None:
    epoch = await filled(tmp_path / "o.db")
    DAMAGE["cut short"](tmp_path / "o.db", 1)
    found = await saved_from(tmp_path / "o.db")
    assert found.saved > 0
    assert found.unreadable > 0
    assert found.outbox is not None
    outbox = await opened(found.outbox)
    records = await outbox.unsent(0, 1 << 24)
    assert outbox.epoch == epoch
    assert outbox.last == RECORDS
    sequences = [record.header.sequence for record in records]
    assert sequences == list(range(sequences[0], RECORDS + 1))
    for record in records:
        if record.header.kind is RecordKind.READINGS:
            assert record.body == b"%d" % (record.header.sequence - 1) * 200
        else:
            [note] = decode_items(record.body, Quarantined)
            assert note.reason == "record"
    assert found.saved + found.unreadable == len(records)
    await outbox.close()


@pytest.mark.parametrize("kind", ["empty", "zeroes"])
async def test_a_file_of_which_nothing_can_be_read_is_set_aside_and_a_new_one_begins(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "o.db"
    epoch = await filled(path)
    DAMAGE[kind](path, 1)
    assert damage_of(path) != ""
    found = await saved_from(path)
    assert found.outbox is None
    assert found.aside.exists()
    again = await opened(path)
    assert again.epoch != epoch
    assert again.last == 0
    await again.close()
