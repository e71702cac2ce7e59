"""`lineside audit`: is the audit record what it was?"""

from __future__ import annotations

from pathlib import Path

import click

from lineside.adapters.audit_sqlite import read_chain, read_checkpoints
from lineside.apps.layout import Layout
from lineside.cli.options import data_option
from lineside.domain.audit import AuditEntry, Break, Mark, verify_chain, witnessed_marks
from lineside.domain.errors import IntegrityError


@click.group()
def command() -> None:
    """Verify the audit record."""


@command.command()
@data_option
def verify(data: Path) -> None:
    """Check every chain of a data folder against itself, its checkpoints and what others have witnessed of it."""
    layout = Layout(data)
    files = [path for path in (layout.gateway_audit, layout.plant_audit) if path.exists()]
    if not files:
        raise IntegrityError("no audit record found", where=str(data), next_step="name the data folder by --data")
    chains = {path: read_chain(path) for path in files}
    witnessed = [mark for entries in chains.values() for mark in witnessed_marks(entries)]
    sound = True
    for path, entries in chains.items():
        breaks, marks = _verify(path, entries, witnessed, layout.audit_key)
        sound &= not breaks
        for item in breaks:
            click.echo(f"BROKEN {path}: entry {item.sequence} of {item.writer!r}: {item.problem}")
        if not breaks:
            click.echo(f"sound  {path}: {len(entries)} entries, {marks} checkpoints and witnesses agree")
    raise SystemExit(0 if sound else 1)


def _verify(
    path: Path, entries: tuple[AuditEntry, ...], witnessed: list[Mark], key: Path
) -> tuple[tuple[Break, ...], int]:
    writer = entries[0].writer if entries else ""
    try:
        marks = [*read_checkpoints(path, key), *(mark for mark in witnessed if mark.writer == writer)]
    except IntegrityError as error:
        return (Break(writer=writer, sequence=0, problem=str(error)),), 0
    return verify_chain(entries, marks), len(marks)
