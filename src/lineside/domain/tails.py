"""Where a limit must lie that is exceeded less often than the rows at hand can show: the tail beyond them, modelled.

Excesses over a high threshold follow a generalised Pareto distribution in the limit (Pickands, Annals of Statistics
3, 1975), whose shape is found by probability-weighted moments (Hosking and Wallis, Technometrics 29, 1987) and drawn
towards 0, the exponential tail that a sum of squares has, as a prior of spread `PRIOR_SPREAD` would. It is never
taken below 0: a tail that seems to end may go on. A quantile that is put in with estimated parameters is
exceeded too often; so ``1 / m`` is added to the shape for ``m`` effective excesses, which for an exponential tail
is the exact predictive distribution: a new excess over the mean of ``m`` others is ``F(2, 2 m)``, a Pareto of
shape ``1 / m`` and scale ``mean`` (for the F distribution see Johnson, Kotz and Balakrishnan 1995, chapter 27).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from lineside.domain.readings import Float64

PRIOR_SPREAD: Final = 0.2
FITTED_SHARE: Final = 0.1
FEWEST_FITTED: Final = 20
"""Share of the rows that the tail is fitted to, and fewest rows, as long as these are not more than half of all."""
_MOST_SHAPE: Final = 0.5
"""Greatest shape taken from the moments, which do not know heavier tails."""


def tail_limit(scores: Float64, rate: float, effective: float) -> float:
    """Return the score that a later part exceeds with probability ``rate`` by the modelled tail.

    Args:
        scores: finite scores of conforming parts ``(n,)``.
        rate: the probability, below the share of rows that the tail is fitted to.
        effective: how many independent rows they are worth.
    """
    share = min(max(FITTED_SHARE, FEWEST_FITTED / len(scores)), 0.5)
    threshold = float(np.quantile(scores, 1.0 - share, method="lower"))
    excess = np.sort(scores[scores > threshold]) - threshold
    if not len(excess):
        return threshold
    reached = len(excess) / len(scores)
    count = max(effective * reached, 1.0)
    shape = _shape(excess, count)
    scale = float(excess.mean()) * (1.0 - shape)
    heavy = shape + 1.0 / count
    return float(threshold + scale / heavy * (max(reached / rate, 1.0) ** heavy - 1.0))


def _shape(excess: Float64, count: float) -> float:
    """Return the shape of ascending excesses, worth ``count`` independent ones, from 0 to `_MOST_SHAPE`."""
    if len(excess) < 2:
        return 0.0
    rows = len(excess)
    mean = float(excess.mean())
    weighted = float(np.mean(excess * (rows - np.arange(1, rows + 1)) / (rows - 1)))
    found = 2.0 - mean / (mean - 2.0 * weighted) if mean > 2.0 * weighted else _MOST_SHAPE
    trust = PRIOR_SPREAD**2 / (PRIOR_SPREAD**2 + 1.0 / count)
    return float(np.clip(found, 0.0, _MOST_SHAPE)) * trust
