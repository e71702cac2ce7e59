"""Where a source goes on after a restart: a small record in a file, replaced durably."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from lineside.adapters.durable_files import replace_file
from lineside.domain.errors import ConfigurationError
from lineside.wire.unreadable import UNREADABLE

P = TypeVar("P")


def load_position(path: Path | None, form: type[P]) -> P | None:
    """Return the position that was kept last; None where there is none.

    Raises:
        ConfigurationError: the file is none of ours.
    """
    if path is None or not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=form)
    except UNREADABLE as error:
        raise ConfigurationError(
            "not the position of a source",
            where=str(path),
            next_step="restore the file, or delete it to begin with what the machine holds now",
        ) from error


def keep_position(path: Path | None, position: object) -> None:
    """Keep a position durably.

    Raises:
        StorageError: the one before it still stands.
    """
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, msgspec.json.encode(position))
