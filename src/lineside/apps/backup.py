"""A copy of everything that is kept, made while the plant runs, and its way back.

What is copied is enough to go on elsewhere: state, history, audit chains, keys, bundles, a gateway's outbox and models.
A state in a database is copied into a file, and comes back as one.
The order makes the copy sound: first how far the history is, then its tables, then the databases, each as one moment
shows it. The landing table may then be ahead of the history, as after a crash, and never behind it. Left out is what is
only on its way: logs, sockets, the transport's own store, whose messages gateways send again.

A copy is a folder with a list of its files and their SHA-256. It comes into being under its name when it is whole.
Nothing is restored from one that is not, and nothing is restored over something.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lineside import __version__
from lineside.adapters.durable_files import replace_file
from lineside.adapters.state_sql import copy_state, open_engine, sqlite_url
from lineside.apps.layout import Layout
from lineside.apps.plant_state import state_url
from lineside.domain.errors import ConfigurationError, IntegrityError, StorageError

LIST: Final = "backup.json"
FORMAT: Final = 1
_DATABASE: Final = ".db"
_LEFT_OUT: Final = frozenset({".pid", ".log", ".lock", ".sock", ".tmp", ".part"})
_HISTORY: Final = Path("plant") / "history"
_FIRST: Final = (_HISTORY / "position.json", _HISTORY / "catalogues.json")


@dataclass(frozen=True, kw_only=True, slots=True)
class Copied:
    """What a copy holds: files, bytes, and when it was begun (UTC ns)."""

    files: int
    size: int
    begun: int


def back_up(root: Path, out: Path, now: int) -> Copied:
    """Copy a data folder to ``out``, which must not be there; the plant and its gateway may run.

    Raises:
        ConfigurationError: there is nothing to copy, or ``out`` is there or lies within the data folder.
        StorageError: it could not be copied.
    """
    if not (root / "plant").is_dir() and not (root / "gateway").is_dir():
        raise ConfigurationError("no data folder of a plant or gateway", field="--data", value=str(root))
    if out.exists():
        raise ConfigurationError("it is there already", field="OUT", value=str(out), next_step="give another name")
    if out.resolve().is_relative_to(root.resolve()):
        raise ConfigurationError("a copy cannot lie within what it copies", field="OUT", value=str(out))
    part = out.with_name(f"{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(mode=0o700, parents=True)
        files = {str(name): _copy(root / name, part / name) for name in _names(root)}
        files |= _from_database(root, part)
        content = {"format": FORMAT, "lineside": __version__, "begun": now, "files": files}
        replace_file(part / LIST, json.dumps(content, indent=1).encode())
        part.rename(out)
    except (OSError, sqlite3.Error) as error:
        shutil.rmtree(part, ignore_errors=True)
        raise StorageError(f"the copy could not be made: {error}") from error
    return Copied(files=len(files), size=sum(item["size"] for item in files.values()), begun=now)


def restore(copy: Path, root: Path) -> Copied:
    """Bring a copy back into a data folder that is empty or not there.

    Raises:
        ConfigurationError: the data folder holds something, or the copy is of a newer form.
        IntegrityError: the copy is not whole: a file is missing, too many or changed.
        StorageError: it could not be written.
    """
    content = check(copy)
    if root.exists() and any(root.iterdir()):
        raise ConfigurationError(
            "the data folder holds something", field="--data", value=str(root),
            next_step="move it away: nothing is restored over anything",
        )  # fmt: skip
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in content["files"]:
            target = root / name
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copy2(copy / name, target)
    except OSError as error:
        raise StorageError(f"the copy could not be brought back: {error}") from error
    sizes = [item["size"] for item in content["files"].values()]
    return Copied(files=len(sizes), size=sum(sizes), begun=content["begun"])


def check(copy: Path) -> dict[str, Any]:
    """Return a copy's list, if all that it names is there as it was.

    Raises:
        ConfigurationError: it is no copy, or of a form that this version does not know.
        IntegrityError: a file is missing, too many or changed.
    """
    try:
        content: dict[str, Any] = json.loads((copy / LIST).read_text(encoding="utf-8"))
        known: dict[str, dict[str, Any]] = content["files"]
        form = content["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError("no copy of a data folder", field="COPY", value=str(copy)) from error
    if form != FORMAT:
        raise ConfigurationError(
            "the copy is of another form", field="format", value=form, choices=(FORMAT,),
            next_step="restore it by the version of Lineside that made it",
        )  # fmt: skip
    links = [str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_symlink()]
    if links:
        raise IntegrityError("a copy holds no links: they could lead anywhere", field="files", value=links[:3])
    there = {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()} - {LIST}
    if there != set(known):
        odd = sorted(there ^ set(known))
        raise IntegrityError("files of the copy are missing, or too many", field="files", value=odd[:3])
    for name, item in known.items():
        if _digest(copy / name) != item["sha256"]:
            raise IntegrityError("a file of the copy is not what was copied", field="files", value=name)
    return content


def _names(root: Path) -> Iterator[Path]:
    """Yield what is copied, in the order that makes the copy sound."""
    yield from (name for name in _FIRST if (root / name).exists())
    history = root / _HISTORY
    for table in sorted(path for path in history.iterdir() if path.is_dir()) if history.is_dir() else ():
        # The pointer to the latest checkpoint comes first: an older one is copied for sure, a newer one may not be.
        logs = sorted((table / "_delta_log").glob("*"), key=lambda path: (path.name[0] != "_", path.name))
        yield from (path.relative_to(root) for path in logs if path.is_file() and _wanted(path, root))
        yield from sorted(path.relative_to(root) for path in table.rglob("*.parquet") if "_delta_log" not in path.parts)
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        if path.is_file() and not name.is_relative_to(_HISTORY) and _wanted(path, root):
            yield name


def _wanted(path: Path, root: Path) -> bool:
    name = path.relative_to(root)
    passing = path.suffix in _LEFT_OUT or path.name.endswith(("-wal", "-shm")) or path.is_socket()
    passing = passing or path == Layout(root).state_address  # what it leads to is copied in its place
    return not (passing or name.parts[0] == "demo" or "jetstream" in name.parts or "store" in name.parts[1:2])


def _copy(source: Path, target: Path) -> dict[str, Any]:
    """Copy one file, a database as one moment shows it; return its size and digest."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if source.suffix == _DATABASE:
        _copy_database(source, target)
    else:
        shutil.copyfile(source, target)
    target.chmod(source.stat().st_mode & 0o777)
    return {"size": target.stat().st_size, "sha256": _digest(target)}


def _copy_database(source: Path, target: Path) -> None:
    reading = sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=30)
    writing = sqlite3.connect(target)
    with contextlib.closing(reading), contextlib.closing(writing):
        reading.backup(writing)


def _from_database(root: Path, part: Path) -> dict[str, dict[str, Any]]:
    """Copy a state that is in a database into a file of the copy; nothing where it is in a file."""
    layout, copy = Layout(root), Layout(part).state
    if not layout.state_address.exists():
        return {}
    source, target = open_engine(state_url(layout)), open_engine(sqlite_url(copy))
    try:
        copy_state(source, target)
    finally:
        source.dispose()
        target.dispose()
    return {str(copy.relative_to(part)): {"size": copy.stat().st_size, "sha256": _digest(copy)}}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
