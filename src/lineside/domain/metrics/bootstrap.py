"""Intervals by resampling whole groups, since units of one group are not independent."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray


def group_interval(
    measure: Callable[[NDArray[np.int64]], float],
    group: Sequence[str],
    *,
    seed: int,
    rounds: int = 200,
    level: float = 0.9,
) -> tuple[float, float]:
    """Return the percentile interval of a measure over groups drawn with replacement.

    The cluster bootstrap (Davison and Hinkley, "Bootstrap methods and their application", 1997, section 3.8).
    ``measure`` receives row positions (a group drawn twice appears twice) and returns a number; draws for which
    it is NaN are left out. With fewer than two groups, or no number at all, both ends are NaN.
    """
    names = np.asarray(group, dtype=object)
    rows = [np.flatnonzero(names == name) for name in dict.fromkeys(group)]
    if len(rows) < 2:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    draws = [measure(np.concatenate([rows[i] for i in rng.integers(len(rows), size=len(rows))])) for _ in range(rounds)]
    known = np.array([value for value in draws if not np.isnan(value)])
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
