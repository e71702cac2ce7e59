"""What a gateway gives up above the plan's ceilings, in which order, and when it takes it up again.

Theory of operation. Once a second the gateway's own use of processor, memory and disk is held against the ceilings.
After `HOLD` above one of them it goes one step further up `SHEDDING`, and again after as long; after `RECOVER` with all
of them below `RETURN` of their ceiling it goes one step back. So it does not flutter, and parts, judgements, alerts and
their record are never on the list: detail goes before parts do. From the first step on no further source is begun.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from lineside.domain.health.gateway import Finding
from lineside.domain.health.states import State
from lineside.domain.plan.gateway import Ceilings
from lineside.domain.units import SECOND

HOLD: Final = 5 * SECOND
RECOVER: Final = 30 * SECOND
RETURN: Final = 0.9


class Detail(StrEnum):
    """What can go without a part being lost."""

    SOURCES = "further sources"
    LIVE = "live messages for the board"
    CONTRIBUTIONS = "contributions of parts that are normal"
    STATUS = "details of the status"


SHEDDING: Final = ((Detail.SOURCES, Detail.LIVE), (Detail.CONTRIBUTIONS,), (Detail.STATUS,))
"""What goes at each step, in this order. Alerts are sent live whatever the step."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """What the gateway uses: per cent of all processors, bytes of memory, per cent of its disk that is not free."""

    cpu: float
    memory: int
    disk: float


@dataclass(slots=True)
class Shedder:
    """Decides what is shed; ``shed`` counts what was, by detail."""

    ceilings: Ceilings
    step: int = 0
    shed: Counter[Detail] = field(default_factory=Counter)
    _above: tuple[str, ...] = ()
    _since: int | None = None
    _calm: int | None = None

    def look(self, use: Use, now: int) -> int:
        """Take in what is used at the time ``now`` (monotonic ns); return the step that holds from now on."""
        shares = self._shares(use)
        self._above = tuple(words for words, share in shares.items() if share > 1.0)
        if self._above:
            self._calm = None
            if self._since is None:
                self._since = now
            elif now - self._since >= HOLD and self.step < len(SHEDDING):
                self.step, self._since = self.step + 1, now
            return self.step
        self._since = None
        if all(share < RETURN for share in shares.values()) and self.step:
            if self._calm is None:
                self._calm = now
            elif now - self._calm >= RECOVER:
                self.step, self._calm = self.step - 1, now
        else:
            self._calm = None
        return self.step

    def sheds(self, detail: Detail) -> bool:
        """Whether a detail goes now; each time that it does is counted."""
        goes = any(detail in step for step in SHEDDING[: self.step])
        if goes:
            self.shed[detail] += 1
        return goes

    @property
    def finding(self) -> Finding:
        """How the load is: what is above its ceiling, what goes now, and what has gone since the start."""
        counted = ", ".join(f"{count} {detail.value}" for detail, count in sorted(self.shed.items()))
        gone = f"left out since the start: {counted}" if counted else ""
        if not self.step:
            return Finding(State.READY, "; ".join(filter(None, [*self._above, gone])))
        now = ", ".join(detail.value for step in SHEDDING[: self.step] for detail in step)
        return Finding(State.SHEDDING, "; ".join(filter(None, [*self._above, f"left out now: {now}", gone])))

    def _shares(self, use: Use) -> Mapping[str, float]:
        limits = self.ceilings
        return {
            f"processor at {use.cpu:.0f} % of at most {limits.cpu:g} %": use.cpu / limits.cpu,
            f"memory at {use.memory / 1e6:.0f} MB of at most {limits.memory / 1e6:.0f} MB": use.memory / limits.memory,
            f"disk {use.disk:.0f} % full of at most {limits.disk:g} %": use.disk / limits.disk,
        }
