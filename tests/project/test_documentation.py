"""Whatever a user can type is documented, because the reference is rendered from the commands themselves."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

from lineside.cli import COMMANDS, root


@pytest.fixture(scope="module")
def command_line(project_root: Path) -> ModuleType:
    path = project_root / "docs/_extensions/command_line.py"
    spec = importlib.util.spec_from_file_location("command_line", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def command_of(name: str) -> click.Command:
    command = root.get_command(click.Context(root), name)
    assert command is not None
    return command


def all_commands(command: click.Command) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        for child in command.commands.values():
            yield from all_commands(child)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_in_the_reference(name: str, command_line: ModuleType) -> None:
    page = command_line.render(name)

    assert f"## lineside {name}\n" in page
    for command in all_commands(command_of(name)):
        options = [item for item in command.params if isinstance(item, click.Option) and not item.hidden]
        for option in options:
            assert all(spelling in page for spelling in option.opts), option.opts


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_says_what_it_does(name: str) -> None:
    for command in all_commands(command_of(name)):
        assert command.help, command.name
        for item in command.params:
            if isinstance(item, click.Option) and not item.hidden:
                assert item.help, f"{command.name} {item.opts}"


def test_the_reference_page_holds_the_rendered_commands(project_root: Path) -> None:
    assert "```{command-line}" in (project_root / "docs/reference/cli.md").read_text()


def test_the_readme_names_the_two_commands_and_only_targets_that_exist(project_root: Path) -> None:
    readme = (project_root / "README.md").read_text()
    makefile = (project_root / "Makefile").read_text()

    assert "make run" in readme
    assert "make test" in readme
    for word in readme.split("`"):
        if word.startswith("make "):
            assert f"\n{word.split()[1]}:" in makefile, word
