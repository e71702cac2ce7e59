"""The small state over a real SQLite file and a real PostgreSQL server."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import URL, create_engine, inspect

from lineside.adapters.state_sql import ReleaseRecord, SqlState, migrations, open_state, postgresql_url, sqlite_url
from lineside.adapters.state_sql.tables import metadata
from lineside.domain.access import AccessRole, Account, CodePurpose, OneTimeCode
from lineside.domain.errors import ConfigurationError, InputError

MIGRATIONS = Path(migrations.__file__).parent
ANNA = Account(id="a1", name="Anna", role=AccessRole.OPERATOR, pseudonym="K7QM", created=1, password="hash")


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str | URL:
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "plant" / "state.db")
    return postgresql_url(request.getfixturevalue("postgresql_database"))


@pytest.fixture
def state(address: str | URL) -> Iterator[SqlState]:
    state = open_state(address)
    yield state
    state.close()


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "plant" / "state.db"
    open_state(sqlite_url(path)).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_migrations_make_exactly_the_tables_that_the_code_uses(address: str | URL) -> None:
    open_state(address).close()
    engine = create_engine(address)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_a_migration_that_fails_half_way_leaves_the_old_schema(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("alembic.op.create_index", _fail)
        with pytest.raises(RuntimeError, match="power cut"):
            open_state(sqlite_url(path))
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    open_state(sqlite_url(path)).close()


def _fail(*_: object, **__: object) -> None:
    raise RuntimeError("power cut")


def test_a_database_that_cannot_be_opened_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        open_state(f"sqlite:///{tmp_path}")


async def test_a_name_is_one_account_whatever_its_case(state: SqlState) -> None:
    await state.accounts.add(ANNA)
    with pytest.raises(InputError, match="taken"):
        await state.accounts.add(replace(ANNA, id="a2", pseudonym="X", name=" ANNA "))
    assert await state.accounts.named("anna ") == ANNA
    assert await state.accounts.with_id("a1") == ANNA
    assert await state.accounts.with_id("a9") is None
    assert await state.accounts.count() == 1
    assert await state.accounts.all() == (ANNA,)


async def test_an_account_that_is_not_there_cannot_be_changed(state: SqlState) -> None:
    with pytest.raises(InputError, match="no such account"):
        await state.accounts.set_role("nobody", AccessRole.ADMIN)


@pytest.mark.parametrize("how", ["password", "disable", "logout", "age", "idle"])
async def test_what_ends_a_session(state: SqlState, how: str) -> None:
    await state.accounts.add(ANNA)
    await state.sessions.add("token", "a1", 100)
    await state.sessions.touch("token", 150)
    session = await state.sessions.get("token")
    assert session is not None
    assert (session.created, session.used, session.account) == (100, 150, ANNA)
    assert await state.sessions.holding(["token", "other"], 100, 150) == {"token"}
    if how == "password":
        await state.accounts.set_password("a1", "new")
    elif how == "disable":
        await state.accounts.set_disabled("a1", True)
    elif how == "logout":
        await state.sessions.end("token")
    else:
        limits = (101 if how == "age" else 0, 151 if how == "idle" else 0)
        assert await state.sessions.holding(["token"], *limits) == frozenset()
        assert await state.sessions.end_older(101 if how == "age" else 0, 151 if how == "idle" else 0) == 1
    assert await state.sessions.get("token") is None


async def test_a_role_change_shows_in_a_session_that_is_already_open(state: SqlState) -> None:
    await state.accounts.add(ANNA)
    await state.sessions.add("token", "a1", 100)
    await state.accounts.set_role("a1", AccessRole.ENGINEER)
    session = await state.sessions.get("token")
    assert session is not None
    assert session.account.role is AccessRole.ENGINEER


async def test_a_code_is_taken_once_even_by_many_at_a_time(state: SqlState) -> None:
    code = OneTimeCode(code_hash="c", purpose=CodePurpose.FIRST_ADMIN, expires=200)
    await state.accounts.add_code(code)
    assert await state.accounts.code("c", 100) == code
    taken = await asyncio.gather(*(state.accounts.take_code("c", 100) for _ in range(8)))
    assert [item for item in taken if item is not None] == [code]


async def test_a_code_expires_and_a_new_one_ends_the_old(state: SqlState) -> None:
    first = OneTimeCode(code_hash="c1", purpose=CodePurpose.FIRST_ADMIN, expires=200)
    await state.accounts.add_code(first)
    assert await state.accounts.take_code("c1", 200) is None
    await state.accounts.add_code(first)
    await state.accounts.add_code(replace(first, code_hash="c2"))
    assert await state.accounts.code("c1", 100) is None
    assert await state.accounts.code("c2", 100) is not None


async def test_attempts_are_counted_by_name_up_to_a_number_and_forgotten_in_time(state: SqlState) -> None:
    both = ["account:anna", "address:1"]
    for time in (10, 20):
        assert len(await state.attempts.begin(both, time, since=0, most=2)) == 2
    assert await state.attempts.begin(both, 30, since=0, most=2) == ()
    assert await state.attempts.begin(["address:1"], 30, since=0, most=2) == ()
    assert await state.attempts.begin(["address:2"], 30, since=0, most=2) != ()
    assert await state.attempts.begin(both, 30, since=10, most=2) != ()


async def test_attempts_at_the_same_time_keep_within_the_limit(state: SqlState) -> None:
    begun = await asyncio.gather(*(state.attempts.begin(["a"], 5, since=0, most=3) for _ in range(12)))
    assert sum(bool(item) for item in begun) == 3


async def test_an_attempt_that_succeeded_does_not_count(state: SqlState) -> None:
    for _ in range(3):
        await state.attempts.forgive(await state.attempts.begin(["a"], 5, since=0, most=1))


async def test_a_known_device_is_known_for_its_account_only(state: SqlState) -> None:
    await state.accounts.add(ANNA)
    await state.sessions.know_device("d", "a1", 1)
    assert await state.sessions.knows_device("d", "a1")
    assert not await state.sessions.knows_device("d", "a2")


async def test_settings_and_releases_are_kept(state: SqlState) -> None:
    assert await state.settings.get("theme") is None
    await state.settings.put("theme", "dark", 1)
    await state.settings.put("theme", "light", 2)
    assert await state.settings.get("theme") == "light"
    release = ReleaseRecord(
        id="m1", station="cast", characteristic="porosity", state="draft", created=5, detail={"recall": 0.9}
    )
    await state.releases.add(release)
    await state.releases.add(release)
    await state.releases.set_state("m1", "champion")
    assert await state.releases.all() == (replace(release, state="champion"),)


def test_a_state_of_a_newer_version_is_refused_and_left_as_it_is(address: str | URL) -> None:
    open_state(address).close()
    engine = create_engine(address)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        connection.exec_driver_sql("DROP TABLE leases")
    with pytest.raises(ConfigurationError, match="newer version"):
        open_state(address)
    with engine.connect() as connection:
        assert "leases" not in inspect(connection).get_table_names()
    engine.dispose()


def test_every_change_of_the_states_form_can_be_taken_back(address: str | URL) -> None:
    open_state(address).close()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(address)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        assert set(inspect(connection).get_table_names()) == {"alembic_version"}
    engine.dispose()
    open_state(address).close()
