"""`lineside state`: where the state is, and its way to a database and back."""

from __future__ import annotations

import asyncio
from pathlib import Path

from click.testing import CliRunner

from lineside.apps.layout import Layout
from lineside.apps.plant_state import open_plant_state
from lineside.cli.state import command


def run(data: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, [*arguments, "--data", str(data)])
    return result.exit_code, str(result.exception or result.output)


def a_state(data: Path) -> Layout:
    layout = Layout(data)
    layout.create()
    state = open_plant_state(layout)
    asyncio.run(state.settings.put("colour", "grey", 1))
    state.close()
    return layout


def colour(layout: Layout) -> str | None:
    state = open_plant_state(layout)
    found = asyncio.run(state.settings.get("colour"))
    state.close()
    return found


def test_a_state_goes_to_a_database_and_back_to_a_file(tmp_path: Path, postgresql_database: str) -> None:
    layout = a_state(tmp_path)
    code, shown = run(tmp_path, "show")
    assert (code, shown.splitlines()[0]) == (0, f"sqlite:///{layout.state}")
    code, said = run(tmp_path, "move", postgresql_database)
    assert code == 0, said
    assert "1 rows moved to postgresql+psycopg://lineside@127.0.0.1" in said
    assert not layout.state.exists()
    assert layout.state_address.stat().st_mode & 0o777 == 0o600
    assert colour(layout) == "grey"
    code, shown = run(tmp_path, "show")
    assert shown.splitlines()[0].startswith("postgresql+psycopg://lineside@")
    code, said = run(tmp_path, "move", "file")
    assert code == 0, said
    assert not layout.state_address.exists()
    assert colour(layout) == "grey"


def test_a_state_that_a_process_has_open_is_not_moved(tmp_path: Path, postgresql_database: str) -> None:
    layout = a_state(tmp_path)
    running = open_plant_state(layout)
    code, said = run(tmp_path, "move", postgresql_database)
    assert code != 0
    assert "stop the plant" in said
    assert colour(layout) == "grey"
    running.close()


def test_a_state_is_not_moved_to_where_it_is(tmp_path: Path) -> None:
    a_state(tmp_path)
    code, said = run(tmp_path, "move", "file")
    assert code != 0
    assert "already" in said


def test_a_wrong_address_leaves_the_state_where_it_is(tmp_path: Path) -> None:
    layout = a_state(tmp_path)
    code, said = run(tmp_path, "move", "postgres")
    assert code != 0
    assert "postgresql://USER@HOST" in said
    assert colour(layout) == "grey"
