"""Making a Delta commit survive a power cut, and taking back one that did not.

The library that writes Delta tables syncs nothing: after a power cut log entries and data files may be there with
no bytes in them, and a table opened then says nothing of it. So after each commit its data files, its log entry
and their directories are synced, and their checksums noted, before anything relies on it (`sync_commit`). At a start
`scrub` looks at every log entry and file: from the first damaged commit on the table is cut back, if the landing table
still holds what was there, so that it is written again; damage further back is refused.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from deltalake import DeltaTable

from lineside.adapters.durable_files import replace_file, sync_path
from lineside.domain.errors import IntegrityError

LOG: Final = "_delta_log"
CHECKSUMS: Final = "_checksums.jsonl"
"""A file beside a table's log: the CRC-32 of every log entry and data file that was synced."""
_CHUNK: Final = 1 << 20


def sync_commit(root: Path, first: int, last: int, after: int) -> None:
    """Make the commits of versions ``first`` to ``last`` durable: data files, log entries and directories.

    ``after`` is the landing position behind which the records of these commits lie.

    Raises:
        StorageError: the disk did not confirm it.
    """
    folders = {root, root / LOG}
    for version in range(first, last + 1):
        entry = _log_file(root, version)
        paths = [root / unquote(add["path"]) for add in _adds(entry)]
        for path in paths:
            sync_path(path)
            folders.update(_between(root, path))
        sync_path(entry)
        _note_checksums(root, paths, entry, after)
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
    covered = {version: max(_positions(_log_file(root, version)), default=None) for version in versions}
    first = len(versions)
    for place, version in reversed(list(enumerate(versions))):
        position = covered[version]
        if position is not None and position <= relied_on:
            break
        first = place
    for place in range(first, len(versions)):
        after = max((covered[version] or 0 for version in versions[:place]), default=0)
        sync_commit(root, versions[place], versions[place], after)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """What `scrub` took back of a table: how many commits, and the landing position that what is left covers."""

    versions: int
    held: int


def scrub(root: Path, relied_on: int, spare_from: int, *, exact: bool = False) -> Cut | None:
    """Check every commit of a table; cut off the newest from the first damaged one on, if it can be made again.

    ``relied_on`` is the landing position up to which the history was said to be durable, ``spare_from`` the one
    behind which the landing table still holds its records: what is cut must be behind it, or not relied on.
    ``exact``: cut off as well what is sound and was not relied on. Returns None where nothing was cut.

    Sizes are checked of all files, checksums of those that the landing table could replace.

    Raises:
        IntegrityError: something is damaged that cannot be made again; nothing was changed.
    """
    versions = sorted(int(path.stem) for path in (root / LOG).glob("*.json") if path.stem.isdigit())
    if not versions:
        return None
    covered = {version: max(_positions(_log_file(root, version)), default=None) for version in versions}
    bad = _damaged(root, covered, spare_from)
    if exact:
        bad |= {version for version, position in covered.items() if position is not None and position > relied_on}
    if not bad:
        return None
    first = min(bad)
    tail = [version for version in versions if version >= first]
    held = _held_before(root, tail, covered)
    if held < min(relied_on, spare_from) or not _was_whole(root, first, versions):
        raise IntegrityError(
            "the history is damaged where it was relied on, and the landing table no longer holds what was there",
            where=str(root),
            field="version",
            value=first,
            next_step="restore the table from a backup; nothing was changed",
        )
    _cut_off(root, tail)
    return Cut(versions=len(tail), held=held)


def _held_before(root: Path, tail: Sequence[int], covered: Mapping[int, int | None]) -> int:
    """Return the position up to which a table is whole once a tail is cut off: where the cut commits began."""
    notes = read_checksums(root)
    begun = [note.after for version in tail if (note := notes.get(_log_file(root, version).name)) is not None]
    if len(begun) == len(tail):
        return min(begun)
    return max((position or 0 for version, position in covered.items() if version < tail[0]), default=0)


def _damaged(root: Path, covered: Mapping[int, int | None], spare_from: int) -> set[int]:
    """Return the versions whose log entry is unreadable or gone, or whose data files are not what they were."""
    versions = sorted(covered)
    missing = set(range(versions[0], versions[-1])) - set(versions)
    notes, recent = read_checksums(root), True
    found = set(missing)
    for version in reversed(versions):
        if _is_damaged(root, version, notes if recent else {}):
            found.add(version)
        position = covered[version]
        recent = recent and (position is None or position > spare_from)
    return found


def _is_damaged(root: Path, version: int, notes: Mapping[str, Note]) -> bool:
    entry = _log_file(root, version)
    try:
        adds = list(_adds(entry))
        kept = notes.get(entry.name)
        files = [(root / unquote(add["path"]), add["size"]) for add in adds]
    except (ValueError, KeyError, TypeError):
        return True
    if entry.stat().st_size == 0 or (kept is not None and checksum(entry) != kept.checksum):
        return True
    return any(_is_changed(path, size, notes.get(_name(root, path))) for path, size in files)


def _is_changed(path: Path, size: int, kept: Note | None) -> bool:
    """Whether a file is there and is not what it was; one that is gone was vacuumed after a rewrite."""
    try:
        return path.stat().st_size != size or (kept is not None and checksum(path) != kept.checksum)
    except FileNotFoundError:
        return False


def _was_whole(root: Path, first: int, versions: Sequence[int]) -> bool:
    """Whether the table before version ``first`` can still be read: all of its files are there, or it was empty."""
    if first == 0:
        return True
    if first <= versions[0]:
        return False
    before = DeltaTable(str(root), version=first - 1)
    return all(Path(uri).exists() for uri in before.file_uris())


def _cut_off(root: Path, tail: Sequence[int]) -> None:
    """Remove commits, newest first, with the checkpoints that hold them; an emptied table is removed as a whole."""
    for pointer in (root / LOG).glob("_last_checkpoint"):
        pointer.unlink()
    for checkpoint in (root / LOG).glob("*.checkpoint*.parquet"):
        if int(checkpoint.name.split(".")[0]) >= tail[0]:
            checkpoint.unlink()
    for version in reversed(tail):
        _log_file(root, version).unlink(missing_ok=True)
    sync_path(root / LOG)
    remove_partial(root)


def checksum(path: Path) -> int:
    """Return the CRC-32 of a file's bytes."""
    found = 0
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            found = zlib.crc32(data, found)
    return found


@dataclass(frozen=True, slots=True)
class Note:
    """What was noted of a file when it was synced; ``after`` for a log entry, as in `sync_commit`."""

    checksum: int
    after: int = 0


def read_checksums(root: Path) -> dict[str, Note]:
    """Return what was noted, by log entry and data file; a line that a crash cut short is passed over."""
    found: dict[str, Note] = {}
    with contextlib.suppress(FileNotFoundError):
        for line in (root / CHECKSUMS).read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError, TypeError):
                name, *values = json.loads(line)
                found[str(name)] = Note(*values)
    return found


def _note_checksums(root: Path, paths: Sequence[Path], entry: Path, after: int) -> None:
    """Note the checksums of a commit's files, durably."""
    lines = [json.dumps([_name(root, path), checksum(path)]) for path in paths]
    lines.append(json.dumps([entry.name, checksum(entry), after]))
    with (root / CHECKSUMS).open("a", encoding="utf-8") as file:
        file.write("".join(f"\n{line}" for line in lines))  # in front, so that a torn line spoils no other
    sync_path(root / CHECKSUMS)


def forget_checksums(root: Path, kept: Collection[str]) -> None:
    """Forget what was noted of data files that a rewrite has replaced; ``kept`` are the paths of those that remain."""
    names = {_name(root, Path(path)) for path in kept}
    lines = [
        json.dumps([name, note.checksum, note.after])
        for name, note in read_checksums(root).items()
        if name in names or name.endswith(".json")
    ]
    replace_file(root / CHECKSUMS, "\n".join(lines).encode())


def _name(root: Path, path: Path) -> str:
    return str(path.relative_to(root))


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
