"""What is PostgreSQL's own about the state: addresses, several processes at once, and the way there and back."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lineside.adapters.state_sql import copy_state, open_engine, open_state, postgresql_url, rows_in, sqlite_url, state
from lineside.domain.access import AccessRole, Account
from lineside.domain.errors import ConfigurationError, InputError
from lineside.domain.releases.ladder import LadderEvent
from lineside.domain.releases.table import Step

ANNA = Account(id="a1", name="Anna", role=AccessRole.OPERATOR, pseudonym="K7QM", created=1, password="hash")


def event(release: str) -> LadderEvent:
    return LadderEvent(
        release=release, place="cast/porosity", step=Step.DRAFTED, actor="K7QM", role="engineer", time=1, reason="new"
    )


@pytest.mark.parametrize("text", ["", "plant", "mysql://host/plant", "postgresql://host", "http://host/plant"])
def test_what_is_no_address_of_a_database_is_refused_with_what_one_looks_like(text: str) -> None:
    with pytest.raises(ConfigurationError, match="no address of a PostgreSQL database") as caught:
        postgresql_url(text)
    assert "postgresql://USER@HOST" in str(caught.value)


def test_a_refused_address_does_not_show_its_password() -> None:
    with pytest.raises(ConfigurationError) as caught:
        postgresql_url("mysql://anna:secret@host/plant")
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_waited_for_and_then_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "_OPENING", 0.1)
    with pytest.raises(ConfigurationError, match="cannot be opened") as caught:
        open_state(postgresql_url("postgresql://anna:secret@127.0.0.1:1/plant"))
    assert "secret" not in str(caught.value)


def test_many_that_open_a_new_database_at_once_make_its_tables_once(postgresql_database: str) -> None:
    address = postgresql_url(postgresql_database)
    with ThreadPoolExecutor(6) as pool:
        for opened in pool.map(open_state, [address] * 6):
            opened.close()


async def test_of_two_processes_that_decide_on_the_same_news_one_is_told_to_look_again(
    postgresql_database: str,
) -> None:
    address = postgresql_url(postgresql_database)
    here, there = open_state(address), open_state(address)
    for after in range(10):
        both = (store.ladder.append([event(name)], after) for store, name in ((here, "m/1"), (there, "m/2")))
        found = await asyncio.gather(*both, return_exceptions=True)
        refused = [item for item in found if item is not None]
        assert len(refused) == 1
        assert isinstance(refused[0], InputError)
        assert "faster" in str(refused[0])
    assert len(await here.ladder.all()) == 10
    here.close()
    there.close()


async def test_of_two_processes_one_has_a_lease(postgresql_database: str) -> None:
    address = postgresql_url(postgresql_database)
    processes = [open_state(address) for _ in range(4)]
    held = await asyncio.gather(*(item.deliveries.hold("send", f"p{n}", 1, 9) for n, item in enumerate(processes)))
    assert held.count(True) == 1
    for item in processes:
        item.close()


async def test_a_state_that_was_moved_there_and_back_is_the_same_and_numbers_on(
    tmp_path: Path, postgresql_database: str
) -> None:
    first, back = sqlite_url(tmp_path / "first.db"), sqlite_url(tmp_path / "back.db")
    there = postgresql_url(postgresql_database)
    one = open_state(first)
    await one.accounts.add(ANNA)
    await one.ladder.append([event("m/1")], 0)
    assert await one.attempts.begin(["address:1"], 5, since=0, most=3) == (1,)
    one.close()
    engines = [open_engine(item) for item in (first, there, back)]
    assert copy_state(engines[0], engines[1]) == 3
    assert copy_state(engines[1], engines[2]) == 3
    assert rows_in(engines[0]) == rows_in(engines[2])
    for engine in engines:
        engine.dispose()
    other, again = open_state(there), open_state(back)
    assert await other.attempts.begin(["address:1"], 6, since=0, most=3) == (2,)
    assert await again.accounts.all() == await other.accounts.all() == (ANNA,)
    assert await again.ladder.all() == (event("m/1"),)
    other.close()
    again.close()


async def test_nothing_is_copied_into_a_database_that_holds_something(tmp_path: Path, postgresql_database: str) -> None:
    there = postgresql_url(postgresql_database)
    other = open_state(there)
    await other.accounts.add(ANNA)
    other.close()
    source, target = open_engine(sqlite_url(tmp_path / "state.db")), open_engine(there)
    with pytest.raises(ConfigurationError, match="holds a state already"):
        copy_state(source, target)
    source.dispose()
    target.dispose()
