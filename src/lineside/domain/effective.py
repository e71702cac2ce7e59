"""How many rows a series of events is worth: neighbouring parts are nearly copies, so rows count less than one each.

An event is 1 or 0 per row: a score is high, or an episode begins. A share estimated from ``n`` rows varies as one
from ``n / tau`` independent rows. ``tau`` is the greater of two estimates:

- ``1 + 2 (rho_1 + rho_2 + ...)`` with the autocorrelations of the event (Bartlett, JRSS B 8, 1946), ended by Geyer's
  initial monotone sequence (Statistical Science 7, 1992): sums of two neighbours are taken while they are positive,
  and never grow. It sees the memory of neighbours. Stretches share one mean, so that a stretch in which events are
  frequent is correlated with itself at every lag.
- the variance between the means of `BATCHES` batches, one after the other, over what independent rows would give
  (batch means: Law and Kelton; for counts the index of dispersion of Cox and Lewis 1966). It sees what differs from
  one day to another however weakly, which hides in the noise of single autocorrelations.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.readings import Float64

BATCHES: Final = 10


def effective_rows(event: Float64, group: Sequence[str] | NDArray[np.object_] | None = None) -> float:
    """Return how many independent rows these are worth, from 1 to their number.

    Args:
        event: 1 or 0 per row, in the order of judging ``(n,)``.
        group: the stretch of each row; a stretch ends where the name changes (None: all rows are one stretch).
    """
    count = len(event)
    centred = event - event.mean()
    variance = float(np.mean(centred**2))
    if variance <= 0.0:
        return float(count)
    neighbours = _inflation(_covariances(centred, borders_of(count, group)) / variance)
    return float(np.clip(count / max(neighbours, _between_batches(centred) / variance), 1.0, count))


def borders_of(count: int, group: Sequence[str] | NDArray[np.object_] | None) -> list[int]:
    """Return where stretches begin, and the end of the last."""
    if group is None:
        return [0, count]
    names = np.asarray(group, dtype=object)
    return [0, *(np.flatnonzero(names[1:] != names[:-1]) + 1).tolist(), count]


def _covariances(centred: Float64, borders: list[int]) -> Float64:
    """Return the autocovariances at lag 0, 1, ... over all stretches, each sum divided by all rows."""
    longest = max(end - start for start, end in pairwise(borders))
    total = np.zeros(longest)
    for start, end in pairwise(borders):
        piece = centred[start:end]
        size = 1 << (2 * len(piece) - 1).bit_length()
        total[: len(piece)] += np.fft.irfft(np.abs(np.fft.rfft(piece, size)) ** 2, size)[: len(piece)]
    return total / len(centred)


def _inflation(correlation: Float64) -> float:
    """Return ``1 + 2 sum(rho)``, ended by the initial monotone sequence; at least 1."""
    even = correlation if len(correlation) % 2 == 0 else np.append(correlation, 0.0)
    pairs = even[0::2] + even[1::2]
    negative = np.flatnonzero(pairs <= 0.0)
    kept = pairs[: negative[0]] if len(negative) else pairs
    return max(2.0 * float(np.minimum.accumulate(kept).sum()) - 1.0, 1.0) if len(kept) else 1.0


def _between_batches(centred: Float64) -> float:
    """Return the variance of one row that the means of batches speak for; 0 where rows are too few."""
    if len(centred) < 2 * BATCHES:
        return 0.0
    means = np.array([batch.mean() for batch in np.array_split(centred, BATCHES)])
    return float(len(centred) / BATCHES * np.var(means, ddof=1))
