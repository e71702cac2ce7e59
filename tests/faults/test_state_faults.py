"""The plant's small state: the power goes, another connection holds it, its server goes away and comes back."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, insert, select

from lineside.adapters.state_sql import open_engine, open_state, postgresql_url, sqlite_url
from lineside.adapters.state_sql.store import transact
from lineside.adapters.state_sql.tables import settings
from lineside.domain.errors import StorageError
from lineside.testing.faults import disks
from lineside.testing.peers.postgresql import PostgresServer, postgresql, programs

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


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of the test's own, since it is stopped and killed."""
    if programs() is None:
        pytest.skip("no PostgreSQL server: install the system's package postgresql")
    with postgresql() as running:
        yield running


@pytest.mark.parametrize("kill", [False, True])
async def test_a_database_that_is_started_anew_loses_nothing_and_is_waited_for(
    server: PostgresServer, *, kill: bool
) -> None:
    state = open_state(postgresql_url(server.new_database()))
    await state.settings.put("before", "1", 1)
    server.stop(kill=kill)
    writing = [asyncio.create_task(state.settings.put(f"during {n}", "1", 1)) for n in range(4)]
    await asyncio.to_thread(server.start)
    await asyncio.wait_for(asyncio.gather(*writing), timeout=60)
    kept = [await state.settings.get(name) for name in ("before", *(f"during {n}" for n in range(4)))]
    assert kept == ["1"] * 5
    state.close()


async def test_a_database_that_stands_still_for_a_while_is_waited_for(server: PostgresServer) -> None:
    state = open_state(postgresql_url(server.new_database()))
    with server.frozen():
        writing = asyncio.create_task(state.settings.put("colour", "grey", 1))
        done, _ = await asyncio.wait([writing], timeout=0.5)
        assert not done
    await asyncio.wait_for(writing, timeout=60)
    assert await state.settings.get("colour") == "grey"
    state.close()


def test_a_transaction_whose_server_dies_in_its_middle_is_made_again_as_a_whole(server: PostgresServer) -> None:
    engine = open_engine(postgresql_url(server.new_database()))
    tries: list[int] = []

    def work(connection: Connection) -> None:
        connection.execute(insert(settings).values(name=f"first {len(tries)}", value="1", changed=1))
        tries.append(1)
        if len(tries) == 1:
            server.stop(kill=True)
            server.start()
        connection.execute(insert(settings).values(name="second", value="1", changed=1))

    transact(engine, work)
    with engine.connect() as connection:
        assert sorted(connection.execute(select(settings.c.name)).scalars()) == ["first 1", "second"]
    engine.dispose()


def test_a_commit_that_got_no_answer_is_not_done_twice_and_says_so(server: PostgresServer) -> None:
    engine = open_engine(postgresql_url(server.new_database()))
    tries: list[int] = []

    def work(connection: Connection) -> None:
        connection.execute(insert(settings).values(name="once", value="1", changed=1))
        tries.append(1)
        server.stop(kill=True)
        server.start()

    with pytest.raises(StorageError, match="did not say"):
        transact(engine, work)
    assert len(tries) == 1
    engine.dispose()


def test_a_database_that_does_not_come_back_is_given_up_in_words(server: PostgresServer) -> None:
    engine = open_engine(postgresql_url(server.new_database()))
    server.stop()
    with pytest.raises(StorageError, match="could not be read or written"):
        transact(engine, lambda connection: connection.execute(select(settings)).all(), patience=0.2)
    server.start()
    assert transact(engine, lambda connection: connection.execute(select(settings)).all()) == []
    engine.dispose()
