"""When a source's connection was lost and when it came back: for its quarantine, its health, and the next attempt.

Every source that keeps a connection has one `Outages`. It is sans-IO: the source says what happened and when, and
waits as long as it is told. Both the loss and the return stand in quarantine as ``connection_lost``, once for each
time that the connection is lost, with the reason and the length of the gap.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lineside.domain.health.sources import SourceCondition, SourceRecord
from lineside.domain.intake.gate import Gate
from lineside.domain.intake.reasons import Reason, refuse, shown
from lineside.domain.intake.values import LONGEST_TEXT
from lineside.domain.units import SECOND

FIRST_PAUSE: Final = 0.5
LAST_PAUSE: Final = 5.0
"""Seconds before the next attempt to connect: the first, and the longest."""


class Outages:
    """Keeps the outages of one source; times are UTC nanoseconds.

    Args:
        gate: where losses and returns are quarantined.
        place: the address of the peer, as the plan names it.
        record: how the source does; without one it gets one of its own.
    """

    def __init__(self, gate: Gate, place: str, record: SourceRecord | None = None) -> None:
        self.record = record or SourceRecord()
        self._gate = gate
        self._place = place.encode()
        self._lost_at: int | None = None
        self._pause = FIRST_PAUSE

    @property
    def condition(self) -> SourceCondition:
        """How the source stands with its peer."""
        return self.record.condition

    def lost(self, now: int, why: str) -> float:
        """Note that there is no connection; return the seconds to wait before the next attempt."""
        self._pause = FIRST_PAUSE if self._lost_at is None else min(2 * self._pause, LAST_PAUSE)
        self.record.lose(now, why, now + round(self._pause * SECOND))
        if self._lost_at is None:
            self._lost_at = now
            self._note(now, shown(why, LONGEST_TEXT))
        return self._pause

    def back(self, now: int, troubles: Mapping[str, str] | None = None) -> None:
        """Note that there is a connection, and what does not work over it, by name with its reason."""
        if self._lost_at is not None:
            self._note(now, f"It is back after {(now - self._lost_at) / SECOND:.1f} s.")
            self._lost_at = None
        self.record.connect(now, troubles)

    def _note(self, now: int, what: str) -> None:
        self._gate.refuse(refuse(Reason.CONNECTION_LOST, hint=what), received=now, raw=self._place)
