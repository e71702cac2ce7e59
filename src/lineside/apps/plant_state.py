"""Where the plant's small state is: in a file of the data folder, or in the PostgreSQL database that it was moved to.

The address stands in the data folder, so that the plant and every command find the same one. It is for its owner alone;
the password had better stand in libpq's password file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
from sqlalchemy import URL, make_url

from lineside.adapters.durable_files import replace_file
from lineside.adapters.state_sql import SqlState, copy_state, open_engine, open_state, postgresql_url, sqlite_url
from lineside.apps.layout import Layout
from lineside.domain.errors import ConfigurationError

FILE: Final = "file"
"""What a person writes for the file of the data folder."""
_SET_ASIDE: Final = ".moved"


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """What was moved: rows, to where (no password), and where the file lies that is used no more (None: none)."""

    rows: int
    where: str
    set_aside: Path | None


def state_url(layout: Layout) -> str | URL:
    """Return the address of the state.

    Raises:
        ConfigurationError: the file of the address holds none.
    """
    if not layout.state_address.exists():
        return sqlite_url(layout.state)
    return postgresql_url(layout.state_address.read_text(encoding="utf-8"))


def open_plant_state(layout: Layout) -> SqlState:
    """Return the plant's state, its schema brought up to date.

    Raises:
        ConfigurationError: it cannot be reached or brought up to date.
    """
    return open_state(state_url(layout))


def said(url: str | URL) -> str:
    """Return an address without its password."""
    return make_url(url).render_as_string(hide_password=True)


def move_state(layout: Layout, to: str) -> Moved:
    """Move the state to the PostgreSQL database at a URL, or back to a file; the plant must have been stopped.

    The old one stays as it was: a file is set aside, a database is left alone.

    Raises:
        ConfigurationError: it is there already, the target holds something, or somebody has the file open.
        StorageError: it could not be read or written.
    """
    now, target = state_url(layout), sqlite_url(layout.state) if to == FILE else postgresql_url(to)
    in_file = not layout.state_address.exists()
    if in_file == (to == FILE):
        raise ConfigurationError(
            "the state is in such a place already", field="URL", value=said(now), next_step="see `lineside state show`"
        )
    if in_file:
        _refuse_users(layout.state)
    source, other = open_engine(now), open_engine(target)
    try:
        rows = copy_state(source, other)
    finally:
        source.dispose()
        other.dispose()
    if not in_file:
        layout.state_address.unlink()
        return Moved(rows=rows, where=said(target), set_aside=None)
    replace_file(layout.state_address, make_url(target).render_as_string(hide_password=False).encode(), mode=0o600)
    aside = layout.state.with_name(layout.state.name + _SET_ASIDE)
    layout.state.replace(aside)
    return Moved(rows=rows, where=said(target), set_aside=aside)


def _refuse_users(file: Path) -> None:
    """Refuse to move a file that a process has open: it would go on writing into it."""
    for process in psutil.process_iter():
        try:
            held = any(Path(item.path) == file.resolve() for item in process.open_files())
        except (psutil.Error, OSError):  # somebody else's, or over by now
            continue
        if held:
            raise ConfigurationError(
                "a running process has the state open", field="process", value=process.pid,
                next_step="stop the plant, then move its state",
            )  # fmt: skip
