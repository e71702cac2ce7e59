"""Who holds the identity of a gateway: one process at a time.

A gateway that is cloned, or restored from a copy beside the original, gives two processes one name. Each process
that begins takes the name over (so a restart never waits); if one that was taken over speaks again while its
successor lives, both are alive: that is a *second live holder*. It is told so until the other has been silent for
`SILENT` nanoseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from lineside.domain.units import SECOND

SILENT: Final = 20 * SECOND


@dataclass(slots=True)
class _Held:
    holder: str
    epoch: str
    heard: int
    before: set[str] = field(default_factory=set)


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What a holder is: ``second`` says that another one lives; ``refused`` that both even share an outbox."""

    second: bool = False
    refused: bool = False


class Holders:
    """Remembers the holders of each writer's name; times are UTC nanoseconds of one clock."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}

    def speak(self, writer: str, epoch: str, holder: str, now: int) -> Standing:
        """Take note that a holder speaks, and return how it stands."""
        held = self._held.get(writer)
        if held is None:
            self._held[writer] = _Held(holder, epoch, now)
            return Standing()
        if holder in held.before and now - held.heard < SILENT:
            return Standing(second=True, refused=epoch == held.epoch)
        if holder != held.holder:
            held.before = (held.before | {held.holder}) - {holder}
        held.holder, held.epoch, held.heard = holder, epoch, now
        return Standing()
