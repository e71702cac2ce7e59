from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import apsw
import pytest

from lineside.adapters.sqlite_thread import SqliteThread

MEGABYTE = 1 << 20


def _table(connection: apsw.Connection) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS thing (what BLOB)")


def _add(connection: apsw.Connection) -> None:
    connection.execute("INSERT INTO thing VALUES (zeroblob(?))", (MEGABYTE,))


async def test_what_is_committed_moves_from_the_log_to_the_file_and_the_log_stays_small(tmp_path: Path) -> None:
    thread = SqliteThread(tmp_path / "a.db", _table)
    for _ in range(40):
        await thread.run(_add)
    sizes = [(tmp_path / name).stat().st_size for name in ("a.db", "a.db-wal")]
    await thread.close()
    assert sizes[0] > 20 * MEGABYTE
    assert sizes[1] < 12 * MEGABYTE


async def test_nobody_waits_for_the_log_to_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moving = threading.Event()
    monkeypatch.setattr(SqliteThread, "_checkpoint", lambda _: moving.wait(60.0))
    thread = SqliteThread(tmp_path / "a.db", _table)
    await asyncio.wait_for(thread.run(_add), 30.0)
    moving.set()
    await thread.close()
