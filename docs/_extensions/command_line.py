"""Sphinx directive ``command-line``: the reference of every command, rendered from the commands themselves."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import ClassVar, Final

import click
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from lineside.cli import COMMANDS

_logger: Final = logging.getLogger(__name__)


def render(name: str) -> str:
    """Return the Markdown of one command of `lineside.cli.COMMANDS` and of its subcommands."""
    command = importlib.import_module(f"lineside.cli.{name}").command
    context = click.Context(command, info_name=f"lineside {name}")
    return "\n".join(_lines(command, context, depth=2))


def _lines(command: click.Command, context: click.Context, depth: int) -> Iterator[str]:
    yield f"{'#' * depth} {context.command_path}\n"
    yield f"{_plain(command.help)}\n"
    yield f"```text\n{context.get_usage()}\n```\n"
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if isinstance(parameter, click.Argument):
            yield f"`{parameter.make_metavar(context)}`\n: {_argument_text(parameter)}\n"
        elif record is not None and "--help" not in parameter.opts:
            yield f"`{record[0]}`\n: {_plain(record[1])}\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from _lines(child, click.Context(child, info_name=name, parent=context), depth + 1)


def _argument_text(argument: click.Argument) -> str:
    kind = "Any number of values" if argument.nargs == -1 else "One value"
    return f"{kind}{'' if argument.required else ', optional'}."


def _plain(text: str | None) -> str:
    return (text or "").replace("\b", "").replace("<", "\\<").strip()


class CommandLine(SphinxDirective):
    """Renders every command, in alphabetical order."""

    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        """Return the sections of all commands; one that cannot be loaded is a warning, which a strict build refuses."""
        container = nodes.section()
        container.document = self.state.document
        for name in sorted(COMMANDS):
            try:
                lines = render(name).splitlines()
            except ImportError as error:
                _logger.warning("command %s cannot be loaded: %s", name, error, location=self.get_location())
                continue
            self.state.nested_parse(StringList(lines, source=f"lineside.cli.{name}"), 0, container, match_titles=True)
        return container.children


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True}
