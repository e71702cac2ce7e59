"""Making a Delta commit survive a power cut, and taking back one that did not.

The library that writes Delta tables syncs nothing: after a power cut log entries and data files may be there with
no bytes in them, and a table opened then says nothing of it. So after each commit its data files, its log entry
and their directories are synced before anything relies on it (`sync_commit`). At a start `scrub` looks at every
log entry and file: a damaged tail that nothing has relied on yet is cut off (the landing table still holds its
records), and any other damage is refused.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from lineside.adapters.durable_files import sync_path
from lineside.domain.errors import IntegrityError

LOG: Final = "_delta_log"


def sync_commit(root: Path, first: int, last: int) -> None:
    """Make the commits of versions ``first`` to ``last`` durable: data files, log entries and directories.

    Raises:
        StorageError: the disk did not confirm it.
    """
    folders = {root, root / LOG}
    for version in range(first, last + 1):
        entry = _log_file(root, version)
        for path in (root / unquote(add["path"]) for add in _adds(entry)):
            sync_path(path)
            folders.update(_between(root, path))
        sync_path(entry)
    for checkpoint in (root / LOG).glob("*checkpoint*"):
        sync_path(checkpoint)
    for folder in sorted(folders, reverse=True):
        sync_path(folder)


def sync_tail(root: Path, relied_on: int) -> None:
    """Make durable the newest commits of a table that a crash may have cut off from their sync.

    ``relied_on`` is the landing position up to which the history was said to be durable: from the newest commit that
    it covers on, nothing is known to be synced.

    Raises:
        StorageError: the disk did not confirm it.
    """
    versions = sorted(int(path.stem) for path in (root / LOG).glob("*.json") if path.stem.isdigit())
    first = None
    for version in reversed(versions):
        positions = _positions(_log_file(root, version))
        if positions and max(positions) <= relied_on:
            break
        first = version
    if first is not None:
        sync_commit(root, first, versions[-1])


def scrub(root: Path, relied_on: int) -> int:
    """Check every commit of a table; cut off a damaged tail that nothing relied on; return how many were cut.

    ``relied_on`` is the landing position up to which the history was said to be durable.

    Raises:
        IntegrityError: something is damaged that was relied on.
    """
    versions = sorted(int(path.stem) for path in (root / LOG).glob("*.json") if path.stem.isdigit())
    if not versions:
        return 0
    gaps = [version for version in range(versions[0], versions[-1]) if version not in set(versions)]
    damaged = [version for version in versions if _is_damaged(root, version)]
    if not damaged and not gaps:
        return 0
    tail = [version for version in versions if version >= min(damaged or [versions[-1] + 1])]
    committed = [position for version in tail for position in _positions(_log_file(root, version))]
    if gaps or versions[0] in tail or any(position <= relied_on for position in committed):
        raise IntegrityError(
            "the history is damaged where it was relied on",
            where=str(root),
            field="version",
            value=(gaps + damaged)[0],
            next_step="restore the table from a backup; nothing was changed",
        )
    for version in reversed(tail):
        _log_file(root, version).unlink()
    sync_path(root / LOG)
    return len(tail)


def _is_damaged(root: Path, version: int) -> bool:
    entry = _log_file(root, version)
    try:
        adds = list(_adds(entry))
    except (ValueError, KeyError):
        return True
    files = [(root / unquote(add["path"]), add["size"]) for add in adds]
    return entry.stat().st_size == 0 or any(_has_shrunk(path, size) for path, size in files)


def _has_shrunk(path: Path, size: int) -> bool:
    """Whether a file is there with fewer bytes than it must have; one that is gone was vacuumed after a rewrite."""
    try:
        return path.stat().st_size != size
    except FileNotFoundError:
        return False


def _adds(entry: Path) -> Iterator[dict[str, Any]]:
    for action in _actions(entry):
        if "add" in action:
            yield action["add"]


def _positions(entry: Path) -> list[int]:
    try:
        return [action["txn"]["version"] for action in _actions(entry) if "txn" in action]
    except (ValueError, KeyError):
        return []


def _actions(entry: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in entry.read_text(encoding="utf-8").splitlines() if line.strip()]


def _between(root: Path, path: Path) -> list[Path]:
    """Return the folders from a file up to the table's root."""
    return [folder for folder in path.parents if folder.is_relative_to(root)]


def _log_file(root: Path, version: int) -> Path:
    return root / LOG / f"{version:020d}.json"


def remove_partial(root: Path) -> None:
    """Remove a table whose very first commit was never finished: it holds nothing."""
    if root.exists() and not any((root / LOG).glob("*.json")):
        for path, _, files in os.walk(root, topdown=False):
            for name in files:
                (Path(path) / name).unlink()
            Path(path).rmdir()
