"""The configurations that a gateway has taken: the one it runs, the one before, and what is known of them.

Each file is replaced in one step. What runs is kept as it came, signed, so that a file that somebody changed is
noticed at the next start.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from lineside.adapters.durable_files import replace_file
from lineside.domain.errors import IntegrityError
from lineside.wire.unreadable import UNREADABLE

_STATE: Final = "state.json"
_RUNNING: Final = "running.json"
_BEFORE: Final = "before.json"


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a gateway knows of its configurations; 0 is the plan's own file.

    ``highest`` is the newest version that was ever taken or refused, ``running`` the one to run, ``before`` the one
    to return to. ``trial`` says that ``running`` is still watched, ``starts`` how often it was started meanwhile,
    ``sound`` what was not bad before it. ``about``, ``outcome`` and ``reason`` are what the plant is told.
    """

    highest: int = 0
    running: int = 0
    before: int = 0
    trial: bool = False
    starts: int = 0
    sound: tuple[str, ...] = ()
    about: int = 0
    outcome: str = ""
    reason: str = ""


class ConfigurationFiles:
    """Keeps them in one folder; see the module."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> Kept:
        """Return what is known; nothing at a first start.

        Raises:
            IntegrityError: the file cannot be read.
        """
        path = self._folder / _STATE
        if not path.exists():
            return Kept()
        try:
            return msgspec.json.decode(path.read_bytes(), type=Kept)
        except UNREADABLE as error:
            raise IntegrityError("what is known of configurations cannot be read", where=str(path)) from error

    def write(self, kept: Kept) -> None:
        """Keep what is known, durably."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(self._folder / _STATE, msgspec.json.encode(kept))

    def running(self) -> bytes:
        """Return the signed configuration to run; empty for the plan's own file."""
        return self._read(_RUNNING)

    def take(self, signed: bytes, kept: Kept, *, proven: bool) -> None:
        """Put a configuration in the place of the one that runs, which becomes the one before if it is ``proven``."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The one before first: whatever is lost on the way, there is one to return to.
        if proven:
            replace_file(self._folder / _BEFORE, self.running())
        replace_file(self._folder / _RUNNING, signed)
        self.write(kept)

    def go_back(self, kept: Kept) -> None:
        """Put the one before in the place of the one that runs."""
        replace_file(self._folder / _RUNNING, self._read(_BEFORE))
        self.write(kept)

    def _read(self, name: str) -> bytes:
        path = self._folder / name
        return path.read_bytes() if path.exists() else b""
