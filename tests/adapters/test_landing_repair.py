from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from lineside.adapters.landing_sqlite import SqliteLanding, damage_of
from lineside.testing.faults.damage import DAMAGE
from lineside.testing.records import a_record


async def landed(path: Path, *sequences: int) -> None:
    landing = await SqliteLanding.open(path)
    await landing.land([a_record(sequence, body=b"x" * 3000) for sequence in sequences])
    await landing.close()


def in_the_file_itself(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()


async def test_a_sound_table_has_no_damage_and_neither_has_one_that_is_not_there(tmp_path: Path) -> None:
    assert damage_of(tmp_path / "l.db", 0) == ""
    await landed(tmp_path / "l.db", 1, 2, 3)
    assert damage_of(tmp_path / "l.db", 0) == ""


@pytest.mark.parametrize("kind", DAMAGE)
async def test_damage_is_noticed(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "l.db"
    await landed(path, *range(1, 60))
    in_the_file_itself(path)
    DAMAGE[kind](path, 3)
    assert damage_of(path, 0) != ""


async def test_a_table_made_anew_goes_on_where_the_history_is_and_keeps_what_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    await landed(path, *range(1, 11), 13)
    landing = await SqliteLanding.rebuilt(path, position=8, marks={("gw", "e1"): 8})
    marks = await landing.watermarks()
    assert marks["gw", "e1"].sequence == 10
    assert marks["gw", "e1"].missing == (11, 12)
    assert [entry.record.header.sequence for entry in await landing.after(8, 1 << 20)] == [9, 10]
    assert (await landing.counts()).position == 10
    assert (tmp_path / "l.damaged-1.db").exists()
    await landing.close()
