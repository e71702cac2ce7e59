"""Since when a model finds fewer bad parts: what has come before teaches a relation that may hold no more.

A concept change is a step: the same features make another truth from some part on. Of all places in the order of the
bad parts, the one is chosen at which one share of found parts before and a lower one from there on make what was seen
most likely (a binomial likelihood with one step; parts held out at the release count among those before).
"""

from __future__ import annotations

import numpy as np

from lineside.domain.performance.judged import Bools
from lineside.domain.readiness import HeldOut
from lineside.domain.readings import Float64


def worse_from(found: Bools, held_out: HeldOut) -> int | None:
    """Return from which bad part on a model finds fewer of them; None where no place is better than none.

    Args:
        found: bad parts in the order they were judged: whether it was in alarm; ``(n,)``.
        held_out: what it showed before it was released.
    """
    count, hits = len(found), np.concatenate([[0], np.cumsum(found)]).astype(np.float64)
    places = np.arange(count, dtype=np.float64)
    of_before, hits_before = places + held_out.bad, hits[:-1] + held_out.found
    of_after, hits_after = count - places, hits[-1] - hits[:-1]
    fewer = (of_before > 0) & (hits_after * of_before < hits_before * of_after)
    if not fewer.any():
        return None
    likelihood = _likelihood(hits_before, of_before) + _likelihood(hits_after, of_after)
    return int(np.argmax(np.where(fewer, likelihood, -np.inf)))


def _likelihood(hits: Float64, of: Float64) -> Float64:
    """Return the greatest log-likelihood of ``hits`` among ``of``; 0 of nothing."""
    of = np.maximum(of, 1.0)
    share = np.clip(hits / of, 1e-12, 1.0 - 1e-12)
    return np.asarray(hits * np.log(share) + (of - hits) * np.log1p(-share))
