"""How many rows a series of scores is worth: neighbouring parts are nearly copies, so rows count less than one each.

Whether a score is high is followed along the series: ``I_t`` is 1 where the score is in its highest tenth (or among
its `LEAST_HIGH` highest). A share estimated from ``n`` such rows varies as one from ``n / tau`` independent rows,
``tau = 1 + 2 (rho_1 + rho_2 + ...)`` with the autocorrelations of ``I`` (Bartlett 1946; as "tail effective sample
size": Vehtari et al., Bayesian Analysis 16, 2021). The sum ends by Geyer's initial monotone sequence (Statistical
Science 7, 1992): sums of two neighbours are taken while they are positive, and never grow.

Several stretches share one mean. A stretch that runs higher than the others as a whole is thus correlated with
itself at every lag, and where such differences rule, the rows are worth no more than the number of stretches.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.readings import Float64

HIGH_SHARE: Final = 0.1
LEAST_HIGH: Final = 20
"""Fewest rows that are called high, as long as these are not more than half of all."""


def high_share(count: int) -> float:
    """Return which share of ``count`` rows is called high."""
    return min(max(HIGH_SHARE, LEAST_HIGH / count), 0.5)


def effective_rows(scores: Float64, group: Sequence[str] | NDArray[np.object_] | None = None) -> float:
    """Return how many independent rows these are worth, from 1 to their number.

    Args:
        scores: finite scores in the order of judging ``(n,)``.
        group: the stretch of each row; a stretch ends where the name changes (None: all rows are one stretch).
    """
    count = len(scores)
    level = np.quantile(scores, 1.0 - high_share(count), method="lower")
    high = (scores > level).astype(np.float64)
    centred = high - high.mean()
    variance = float(np.mean(centred**2))
    if variance <= 0.0:
        return float(count)
    covariance = _covariances(centred, borders_of(count, group))
    return float(np.clip(count / _inflation(covariance / variance), 1.0, count))


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
