"""The plant's small state: the power goes while its schema is brought up to date; another connection holds it."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from lineside.adapters.state_sql import open_state, sqlite_url
from lineside.testing.faults import disks

OPEN = """
import sys
from pathlib import Path
from lineside.adapters.state_sql import open_state, sqlite_url
print("begun", flush=True)
open_state(sqlite_url(Path(sys.argv[1])))
print("done", flush=True)
"""


def schema_of(path: Path) -> str | None:
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        found: str | None = MigrationContext.configure(connection).get_current_revision()
    engine.dispose()
    return found


@pytest.mark.drill
@pytest.mark.usefixtures("privileged")
@pytest.mark.parametrize("seed", range(8))
def test_a_power_cut_during_a_migration_leaves_the_old_schema_or_the_new_one(tmp_path: Path, seed: int) -> None:
    newest = tmp_path / "newest.db"
    open_state(sqlite_url(newest)).close()
    with disks.power_cut_disk(tmp_path / "d", size_mb=64) as disk:
        child = subprocess.Popen(
            [sys.executable, "-c", OPEN, str(disk.folder / "state.db")], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "begun\n"
        time.sleep(random.Random(seed).uniform(0, 0.3))  # the moment of the cut is what is varied
        cut = disk.cut()
        child.wait(timeout=60)
        child.stdout.close()
        with disk.booted(cut) as after:
            path = after / "state.db"
            assert schema_of(path) in {None, schema_of(newest)}
            open_state(sqlite_url(path)).close()
            assert schema_of(path) == schema_of(newest)


async def test_a_state_that_somebody_holds_for_a_while_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    state = open_state(sqlite_url(path))
    holder = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    writing = asyncio.create_task(state.settings.put("colour", "grey", 1))
    threading.Timer(0.5, lambda: holder.execute("ROLLBACK")).start()
    await asyncio.wait_for(writing, timeout=30)
    assert await state.settings.get("colour") == "grey"
    holder.close()
    state.close()
