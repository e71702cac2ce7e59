"""A source whose clock is ahead by more than is taken: once that is proven it is believed, with its times set back.

Theory of operation. A reading from the future would look like the newest for as long as it is ahead, so it is refused.
One may be garbage. But a whole machine that is an hour ahead (summer time set by hand, a wrong zone) would leave its
station blind. Where everything that is ahead is so by the same amount, for `PROOF`, the machine's clock is wrong: from
there on its times are set back by that amount, always the same, so that order and distances stay as they were and a
reading that comes twice is known again. Another amount has to be proven anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lineside.domain.units import MINUTE, SECOND

PROOF: Final = 10 * SECOND
"""Receive time for which readings have to be ahead by the same amount."""
PROOF_READINGS: Final = 8
SAME: Final = 5 * SECOND
"""How far two amounts may lie apart to be the same."""
STALE: Final = 10 * MINUTE
"""How long after the last reading that was ahead it has to be proven anew."""


@dataclass(slots=True)
class ClockAhead:
    """What is known of one source's clock; ``shift`` is by how much its times are set back, ns, 0: not at all."""

    shift: int = 0
    _low: int = 0
    _high: int = 0
    _since: int = 0
    _heard: int = 0
    _count: int = 0

    def set_back(self, moment: int, received: int) -> int | None:
        """Return the time by which a reading from the future is kept; None where it is to be refused.

        Args:
            moment: its source time, UTC ns.
            received: when it was received, UTC ns.
        """
        ahead = moment - received
        stale = abs(received - self._heard) > STALE
        self._heard = received
        if self.shift and (stale or abs(ahead - self.shift) > SAME):
            self.shift = self._count = 0
        if self.shift:
            return moment - self.shift
        low, high = min(self._low, ahead), max(self._high, ahead)
        if stale or not self._count or high - low > SAME:
            self._low = self._high = ahead
            self._since, self._count = received, 1
            return None
        self._low, self._high, self._count = low, high, self._count + 1
        if self._count < PROOF_READINGS or received - self._since < PROOF:
            return None
        self.shift = self._high
        return moment - self.shift
