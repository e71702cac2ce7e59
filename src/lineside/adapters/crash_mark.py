"""A mark that outlives a crash of the process: was a model at work when it ended, and how often lately?

The mark is a byte in a file that is mapped into memory: setting it costs nothing, and what was written stays with the
kernel when the process dies (not through a power cut, which is no model's fault). The next start finds it, and counts.
Only an end *while a model was at work* counts, so that a process killed for another reason blames no model.
"""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path
from typing import Final

_LAYOUT: Final = struct.Struct("<B7xqq")
TWICE_WITHIN: Final = 5 * 60 * 1_000_000_000
"""Two crashes within this time (ns) mean that it is the model."""


class CrashMark:
    """One mark in one file; make it with `open`."""

    def __init__(self, memory: mmap.mmap) -> None:
        self._memory = memory

    @classmethod
    def open(cls, path: Path, now: int) -> CrashMark:
        """Open a mark; if the last process ended while a model was at work, count a crash at ``now`` (UTC ns).

        Where the disk gives no file, the mark is in memory alone: judging goes on, and no crash is found.
        """
        try:
            return cls._open(path, now)
        except OSError:
            return cls(mmap.mmap(-1, _LAYOUT.size))

    @classmethod
    def _open(cls, path: Path, now: int) -> CrashMark:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if os.fstat(handle).st_size != _LAYOUT.size:
                os.ftruncate(handle, 0)
                os.ftruncate(handle, _LAYOUT.size)
            mark = cls(mmap.mmap(handle, _LAYOUT.size))
        finally:
            os.close(handle)
        busy, _, last = _LAYOUT.unpack(mark._memory[:])
        if busy:
            _LAYOUT.pack_into(mark._memory, 0, 0, last, now)
        return mark

    def enter(self) -> None:
        """Note that a model begins to work."""
        self._memory[0] = 1

    def leave(self) -> None:
        """Note that it came back."""
        self._memory[0] = 0

    def crashed_twice(self) -> bool:
        """Whether the two newest crashes came within `TWICE_WITHIN` of each other."""
        _, before, last = _LAYOUT.unpack(self._memory[:])
        return bool(before) and last - before <= TWICE_WITHIN

    def forget(self) -> None:
        """Begin anew, as for another model."""
        _LAYOUT.pack_into(self._memory, 0, 0, 0, 0)

    def close(self) -> None:
        """Let go of the file."""
        self._memory.close()
