"""Whether the disk has damaged a SQLite file, and moving such a file out of the way."""

from __future__ import annotations

import contextlib
from pathlib import Path

import apsw

from lineside.adapters.durable_files import sync_path

_COMPANIONS = ("-wal", "-shm", "")


def damage_of_database(path: Path, table: str) -> str:
    """Return what is wrong with a file that must hold a table; empty where nothing is, or where there is no file.

    The whole of it is read, at about the speed of the disk.
    """
    if not path.exists():
        return ""
    try:
        with contextlib.closing(apsw.Connection(str(path))) as connection:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()
            if found is None or found[0] != "ok":
                return "the database is damaged" if found is None else str(found[0])
            if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (table,)).fetchone():
                return f"its table {table} is gone"
    except apsw.Error as error:
        return str(error)
    return ""


def set_aside(path: Path) -> Path:
    """Move a damaged file and its log out of the way; return where the file is now."""
    number = 1
    while (aside := path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")).exists():
        number += 1
    for companion in _COMPANIONS:
        old = path.with_name(path.name + companion)
        if old.exists():
            old.rename(aside.with_name(aside.name + companion))
    sync_path(path.parent)
    return aside
