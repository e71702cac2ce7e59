"""Files that are there after a power cut, or were never seen.

A file is durable once its bytes *and* the directory that names it are synced. Replacing goes by a synced
temporary file and a rename, so that a reader sees the old bytes or the new ones, never half of either.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from lineside.domain.errors import ConfigurationError, StorageError

OWNER_ONLY: Final = 0o600
KEY_BYTES: Final = 32


def sync_path(path: Path) -> None:
    """Make a file's bytes, or a directory's entries, durable.

    Raises:
        StorageError: the disk did not confirm it.
    """
    try:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise StorageError(f"cannot be made durable: {error.strerror}", where=str(path)) from error


def replace_file(path: Path, data: bytes, mode: int = OWNER_ONLY) -> None:
    """Write a file durably, in one step as others see it.

    Raises:
        StorageError: the file is as it was before.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        raise StorageError(f"cannot be written: {error.strerror}", where=str(path)) from error
    sync_path(path.parent)


def load_key(path: Path) -> bytes:
    """Return the secret key in a file, making a random one where there is none.

    Two processes that start at once end up with the same key: the file is linked into place, and the first wins.

    Raises:
        ConfigurationError: the file is no key, or others than its owner can read it.
        StorageError: it cannot be written.
    """
    if not path.exists():
        _make_key(path)
    if path.stat().st_mode & 0o077:
        raise ConfigurationError(
            "others can read a secret key", where=str(path), next_step="set its mode to 0600, or make a new one"
        )
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise ConfigurationError(
            f"a secret key has {KEY_BYTES} bytes", where=str(path), value=len(key), next_step="restore it from backup"
        )
    return key


def _make_key(path: Path) -> None:
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(new, secrets.token_bytes(KEY_BYTES))
    try:
        os.link(new, path)
    except FileExistsError:
        pass  # another process was first: its key holds
    except OSError as error:
        raise StorageError(f"cannot be written: {error.strerror}", where=str(path)) from error
    finally:
        new.unlink()
    sync_path(path.parent)
