"""Which stretches of time late readings belong to, so that the parts made without them can be made again.

Theory of operation. Late readings are noted by source until `HOLD` has passed since the first of them, and then given
out as spans of source time. What comes as a burst is history: a buffer that empties itself, a file, a replay. What
comes steadily, as quickly as its own time passes, from a source that is not waited for, has a wrong clock: its times
say nothing of when it was, and it corrects no part. A clock that is set back is proven within `HOLD` and forgets all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.cycles.admission import PROOF, PROOF_READINGS, STEADY
from lineside.domain.readings import Int32, Int64
from lineside.domain.units import MINUTE, SECOND

HOLD: Final = PROOF + 5 * SECOND
"""How long late readings are noted before they are told of, in receive time."""
UNCLEAR: Final = 10 * MINUTE
"""How long, where they are few and their source may have a wrong clock."""
_MOST_SPANS: Final = 64


@dataclass(frozen=True, slots=True)
class LateSpan:
    """``count`` late readings with source times from ``first`` to ``last``, UTC ns."""

    first: int
    last: int
    count: int


@dataclass(slots=True)
class _Noted:
    """What is noted of one source: the spans of its late readings, when they came, and how much later than they say."""

    spans: tuple[LateSpan, ...]
    heard: tuple[int, int]
    delay: tuple[int, int]

    @property
    def _varies(self) -> bool:
        return self.delay[1] - self.delay[0] > STEADY

    @property
    def is_steady(self) -> bool:
        """Whether all of it came by the same delay, for long enough to say so."""
        enough = sum(span.count for span in self.spans) >= PROOF_READINGS
        return enough and self.heard[1] - self.heard[0] >= PROOF and not self._varies

    @property
    def is_unclear(self) -> bool:
        """Whether more may still show that it is steady."""
        return not self.is_steady and not self._varies


class LateLog:
    """Notes late readings of one station.

    Args:
        within: readings no further apart than this belong to one span, ns.
    """

    def __init__(self, within: int) -> None:
        self._within = within
        self._noted: dict[int, _Noted] = {}

    def __len__(self) -> int:
        """Return of how many sources something is noted."""
        return len(self._noted)

    def add(self, feeds: Int32, times: Int64, received: Int64) -> None:
        """Note late readings (one or more) with the number of their source, in their order of arrival."""
        for feed in np.unique(feeds).tolist():
            said, heard = times[feeds == feed], received[feeds == feed]
            delay = heard - said
            new = _Noted(
                tuple(_spans(np.sort(said), self._within)),
                (int(heard.min()), int(heard.max())),
                (int(delay.min()), int(delay.max())),
            )
            known = self._noted.get(feed, new)
            self._noted[feed] = _Noted(
                new.spans if known is new else merged([*known.spans, *new.spans], self._within),
                (min(known.heard[0], new.heard[0]), max(known.heard[1], new.heard[1])),
                (min(known.delay[0], new.delay[0]), max(known.delay[1], new.delay[1])),
            )

    def forget(self) -> None:
        """Forget what is noted: the clock of a source was set back."""
        self._noted.clear()

    def take(self, now: int, slow: NDArray[np.bool_]) -> tuple[LateSpan, ...]:
        """Return the spans that late readings ask to look at again, once it is clear what they are.

        Args:
            now: the receiver's time, UTC ns.
            slow: of each source, whether it is slower than is waited for.
        """
        spans: list[LateSpan] = []
        for feed, noted in list(self._noted.items()):
            if now - noted.heard[0] < (UNCLEAR if slow[feed] and noted.is_unclear else HOLD):
                continue
            del self._noted[feed]
            if not (slow[feed] and noted.is_steady):
                spans += noted.spans
        return merged(spans, self._within)


def merged(spans: Iterable[LateSpan], within: int) -> tuple[LateSpan, ...]:
    """Return spans in order, joined where no further apart than ``within`` ns, or more where they are too many."""
    found: list[LateSpan] = []
    for span in sorted(spans, key=lambda item: item.first):
        if found and span.first - found[-1].last <= within:
            last = found.pop()
            span = LateSpan(last.first, max(last.last, span.last), last.count + span.count)  # noqa: PLW2901 - joined
        found.append(span)
    return tuple(found) if len(found) <= _MOST_SPANS else merged(found, 2 * max(within, 1))


def _spans(times: Int64, within: int) -> list[LateSpan]:
    """Return the spans of ascending times."""
    edges = [0, *(np.flatnonzero(np.diff(times) > within) + 1).tolist(), len(times)]
    return [LateSpan(int(times[a]), int(times[b - 1]), b - a) for a, b in pairwise(edges)]
