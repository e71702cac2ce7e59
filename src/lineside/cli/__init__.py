"""The command line: one command per file, loaded when it is called."""

from __future__ import annotations

import importlib
from typing import Final

import click

from lineside import __version__
from lineside.domain.errors import ConfigurationError, LinesideError

COMMANDS: Final = {
    "adopt": "Bring a prototype and learn what production makes of it.",
    "audit": "Verify the audit record.",
    "backtest": "Run past data through learn, judge and alert, as production would.",
    "capability": "Cp, Cpk, Pp and Ppk with intervals, or why not.",
    "backup": "Copy everything that is kept, and bring it back.",
    "compress": "Make smaller variants of a model, and measure them here.",
    "coverage": "Which part of the declared envelope the data has seen.",
    "demo": "A simulated die-casting cell, judged live.",
    "drift": "Whether today's parts come from where a model's own came from.",
    "drill": "Break things on purpose and count what was lost.",
    "explain": "Which signals carried a part's score, exactly.",
    "gateway": "The process at the line.",
    "gateways": "Which gateways may write.",
    "history": "Look at, count, query and export the history.",
    "jobs": "Trainings that were asked for, by people or by evidence.",
    "model": "Show, sign and offer models to the gateways.",
    "notify": "Who is told of alerts, where, and what became of it.",
    "outcomes": "Import what was later found to be true of parts.",
    "uptake": "Whether alerts are acted on, by station and shift, never by person.",
    "performance": "How the models in service do, by late truth and without it.",
    "plan": "Draft, check, compare and document control plans.",
    "plant": "The process of the site: history, alerts, board.",
    "ready": "Whether a release meets every service level of the plan.",
    "release": "Where every release stands, and who approved it.",
    "reproduce": "Build a release again, and compare.",
    "screen": "Let screens of other systems show stations.",
    "source": "Test, trust and browse machines, brokers and folders.",
    "state": "Where users, releases and gateways are kept.",
    "spc": "Control charts of a column, with the false alarms to expect.",
    "train": "Learn a model from history or files and write a bundle.",
    "up": "Gateway, plant and transport on one machine.",
    "users": "Who may use the board.",
}
"""Every command with its one line of help; the command itself is ``lineside.cli.<name>.command``."""


class _LazyGroup(click.Group):
    """Loads a command's module only when that command is called, so that `--help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        try:
            command = importlib.import_module(f"lineside.cli.{cmd_name}").command
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("lineside"):
                raise
            raise ConfigurationError(
                f"this installation is a gateway's: it has not got what `lineside {cmd_name}` needs",
                value=error.name,
                next_step="pip install 'lineside[plant]'",
            ) from error
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands' one-liners without loading them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lineside")
def root() -> None:
    """Predictive quality on the production line."""


def main() -> None:
    """Run the command line; an error raised on purpose becomes one readable line and exit code 2."""
    try:
        root(prog_name="lineside")
    except LinesideError as error:
        click.echo(f"lineside: {error}", err=True)
        raise SystemExit(2) from error
