"""A stream of bytes cut into whole lines, without their ends; no line is held that is longer than `LONGEST_LINE`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lineside.domain.intake.reasons import Reason, Refusal, refuse
from lineside.domain.quarantine import RAW_LIMIT

LONGEST_LINE: Final = 1 << 20
"""Bytes of a line; a longer one is refused. A row of 100,000 signals has about as many."""


@dataclass(frozen=True, slots=True)
class LongLine(Refusal):
    """The refusal of a line that is too long, with its first bytes."""

    head: bytes


class LineCutter:
    """Cuts a stream of bytes into whole lines, without their ends (LF or CR LF); sans-IO."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipped = 0

    def feed(self, chunk: bytes) -> list[bytes | LongLine]:
        """Return the lines that a chunk completes, in order; a line that is too long comes as its refusal."""
        first, *others = chunk.split(b"\n")
        if not others:
            self._keep(first)
            return []
        self._keep(first)
        whole: list[bytes | LongLine] = [self._end(), *others[:-1]]
        if b"\r" in chunk or max(map(len, others)) > LONGEST_LINE:
            whole[1:] = [_capped(line) for line in others[:-1]]
        self._keep(others[-1])
        return whole

    def finish(self) -> list[bytes | LongLine]:
        """Return the last line, if it has no end."""
        return [self._end()] if self._rest or self._skipped else []

    def _keep(self, piece: bytes) -> None:
        room = LONGEST_LINE + 1 - len(self._rest)
        self._rest += piece[:room]
        self._skipped += max(0, len(piece) - room)

    def _end(self) -> bytes | LongLine:
        line, skipped = self._rest, self._skipped
        self._rest, self._skipped = b"", 0
        return _capped(line, skipped)


def _capped(line: bytes, skipped: int = 0) -> bytes | LongLine:
    if skipped or len(line) > LONGEST_LINE:
        why = refuse(Reason.LINE_TOO_LONG, hint=f"It has {len(line) + skipped} bytes and begins {line[:40]!r}.")
        return LongLine(why.reason, why.detail, line[:RAW_LIMIT])
    return line[:-1] if line.endswith(b"\r") else line
