"""The documentation of the board speaks of what is there, and of all of it."""

from __future__ import annotations

import re
from pathlib import Path

from lineside.apps.plant.board.answers import Answer
from lineside.apps.plant.board.api import OPERATIONS
from lineside.apps.plant.board.api.openapi import PREFIX, plain_path
from lineside.cli.users import command

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def test_every_operation_of_the_interface_is_in_its_reference() -> None:
    text = (DOCS / "reference" / "api.md").read_text(encoding="utf-8")
    for operation in OPERATIONS:
        assert f"`{operation.method} {PREFIX}{plain_path(operation.path)}`" in text
    for field in Answer.__struct_fields__:
        assert f"`{field}`" in text


def test_every_security_test_that_is_named_is_there_and_the_other_way_round() -> None:
    text = (DOCS / "explanation" / "security.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/]*)(test_\w+\.py)::(test_\w+)\*?`", text))
    assert len(named) == 23
    for folder, file, begin in named:
        path = ROOT / (folder or "tests/apps/plant/board/") / file
        assert f"def {begin}" in path.read_text(encoding="utf-8"), (file, begin)
    numbers = set(re.findall(r"^\| (\d+) \|", text, re.MULTILINE))
    tested = {
        number
        for folder in ("apps/plant/board", "security")
        for path in (ROOT / "tests" / folder).glob("test_*.py")
        for number in re.findall(r"def test_(\d+)_", path.read_text(encoding="utf-8"))
    }
    assert tested | {"17"} == numbers


def test_every_command_about_users_is_in_the_guide() -> None:
    text = (DOCS / "how-to" / "use-the-board.md").read_text(encoding="utf-8")
    for name in command.commands:
        assert f"lineside users {name}" in text


def test_the_pictures_are_small_enough_to_be_looked_at() -> None:
    for name in ("board.png", "alert.png"):
        assert 10_000 < (DOCS / "images" / name).stat().st_size < 300_000
