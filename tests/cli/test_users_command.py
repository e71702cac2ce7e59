"""`lineside users`, over real files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lineside.adapters.audit_sqlite import read_chain
from lineside.adapters.state_sql import open_state, sqlite_url
from lineside.apps.layout import Layout
from lineside.cli.users import command
from lineside.domain.audit import verify_chain
from lineside.domain.errors import InputError


def run(data: Path, *words: str) -> Result:
    return CliRunner().invoke(command, [*words, "--data", str(data)])


def test_an_account_is_added_listed_disabled_and_enabled(tmp_path: Path) -> None:
    added = run(tmp_path, "add", "Anna", "--role", "engineer")
    assert re.fullmatch(r"Anna sets .*: /first-run\?code=[\w-]{43}\n", added.output)
    assert re.fullmatch(r"Anna  engineer  [2-9A-Z]{6}  no password yet\n", run(tmp_path, "list").output)
    assert run(tmp_path, "disable", "anna").output == "anna is disabled\n"
    assert "disabled" in run(tmp_path, "list").output
    assert isinstance(run(tmp_path, "reset", "Anna").exception, InputError)
    assert run(tmp_path, "enable", "Anna").output == "Anna is enabled\n"
    assert "/first-run?code=" in run(tmp_path, "reset", "Anna").output


def test_every_change_is_in_the_audit_chain_which_stays_sound(tmp_path: Path) -> None:
    for words in (("add", "Anna"), ("disable", "Anna"), ("enable", "Anna"), ("reset", "Anna")):
        assert run(tmp_path, *words).exit_code == 0
    entries = read_chain(Layout(tmp_path).plant_audit)
    actions = [entry.action for entry in entries]
    assert actions == ["account_added", "account_disabled", "account_enabled", "password_reset"]
    assert verify_chain(entries, []) == ()
    assert "Anna" not in "".join(entry.content for entry in entries)


def test_the_code_is_kept_as_a_hash_only(tmp_path: Path) -> None:
    code = run(tmp_path, "add", "Anna").output.rpartition("=")[2].strip()
    state = Layout(tmp_path).state
    assert code.encode() not in state.read_bytes()
    assert code not in Layout(tmp_path).plant_audit.read_bytes().decode("latin-1")


@pytest.mark.parametrize("words", [("disable", "nobody"), ("reset", "nobody"), ("enable", "nobody")])
def test_an_account_that_is_not_there_is_named_with_those_that_are(tmp_path: Path, words: tuple[str, ...]) -> None:
    run(tmp_path, "add", "Anna")
    error = run(tmp_path, *words).exception
    assert isinstance(error, InputError)
    assert "Anna" in str(error)


def test_a_name_is_given_once(tmp_path: Path) -> None:
    run(tmp_path, "add", "Anna")
    assert isinstance(run(tmp_path, "add", "ANNA").exception, InputError)


def test_the_first_code_is_given_while_there_is_nobody(tmp_path: Path) -> None:
    code = run(tmp_path, "first-run").output.rpartition("=")[2].strip()
    assert len(code) == 43
    run(tmp_path, "add", "Anna")
    assert isinstance(run(tmp_path, "first-run").exception, InputError)


def test_disabling_ends_the_codes_that_were_given(tmp_path: Path) -> None:
    run(tmp_path, "add", "Anna")
    run(tmp_path, "disable", "Anna")
    state = open_state(sqlite_url(Layout(tmp_path).state))
    with state.accounts._engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM codes").scalar_one() == 0
    state.close()
