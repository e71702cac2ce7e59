"""Files that commands write for people."""

from __future__ import annotations

from pathlib import Path

from lineside.domain.errors import StorageError


def write_file(path: Path, text: str) -> None:
    """Write a text file.

    Raises:
        StorageError: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"cannot be written: {error.strerror}", where=str(path)) from error
