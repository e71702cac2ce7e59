"""What models have learned at the line, kept across restarts: one file per seat, replaced durably.

The file is the SHA-256 of what follows, and MessagePack: `ModelState` by the model's name. It may be older than the
newest parts: these are in the outbox, and are judged again at a start. A damaged file is as if there were none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from lineside.adapters.durable_files import replace_file
from lineside.domain.judging.state import ModelState
from lineside.wire.unreadable import UNREADABLE

FILE: Final = "learned.state"
_DIGEST: Final = 32


def read_learned(folder: Path) -> tuple[Mapping[str, ModelState], str]:
    """Return what was kept in a folder, and why it cannot be read (empty: it can, or there is none)."""
    try:
        data = (folder / FILE).read_bytes()
    except FileNotFoundError:
        return {}, ""
    except OSError as error:
        return {}, f"{FILE} cannot be read: {error.strerror}"
    if hashlib.sha256(data[_DIGEST:]).digest() != data[:_DIGEST]:
        return {}, f"{FILE} is damaged"
    try:
        return msgspec.msgpack.decode(data[_DIGEST:], type=dict[str, ModelState]), ""
    except UNREADABLE as error:
        return {}, f"{FILE} cannot be read: {error}"


def keep_learned(folder: Path, state: Mapping[str, ModelState]) -> None:
    """Keep a state durably.

    Raises:
        StorageError: the one before it still stands.
    """
    body = msgspec.msgpack.encode(state)
    replace_file(folder / FILE, hashlib.sha256(body).digest() + body)
