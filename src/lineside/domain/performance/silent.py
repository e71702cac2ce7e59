"""Whether inspection has gone silent: parts that should have their truth by now have none.

How much of the truth is usual differs by line: all parts, one in twenty, a lot a day. So the stretch without truth is
held against the stretches there were before: it is news once it is three times as long as the longest but one of them,
one earlier outage being allowed for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from lineside.domain.performance.judged import JudgedParts

LEAST_SILENT: Final = 30
"""Parts without truth before it is news, however regularly truth came."""
LEAST_KNOWN: Final = 50
_TIMES: Final = 3
_LAG: Final = 0.99


@dataclass(frozen=True, kw_only=True, slots=True)
class Silence:
    """``parts`` follow the last one with its truth (judged at ``since``, UTC ns) and are older than truth takes.

    ``usual`` is the share of the parts before that have their truth, ``lag`` what it took at the most (99 %, ns).
    """

    parts: int
    since: int
    usual: float
    lag: int


def silence(parts: JudgedParts, now: int) -> Silence | None:
    """Return the silence of inspection at a moment (UTC ns); None where there is none, or too little truth to say."""
    places = np.flatnonzero(parts.known)
    if len(places) < LEAST_KNOWN:
        return None
    last = int(places[-1])
    lag = int(np.quantile(parts.lag[parts.known], _LAG))
    due = int(np.count_nonzero(parts.judged[last + 1 :] <= now - lag))
    stretches = np.sort(np.diff(places) - 1)
    if due < max(LEAST_SILENT, _TIMES * int(stretches[-2])):
        return None
    return Silence(parts=due, since=int(parts.judged[last]), usual=len(places) / (last + 1), lag=lag)
