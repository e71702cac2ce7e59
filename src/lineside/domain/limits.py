"""Where the line between normal and alarm is drawn, and what that promises.

**Exchangeable parts.** The limit is a split-conformal quantile. Let ``s_1 <= ... <= s_n`` be the scores of ``n``
conforming parts that the model has not learned from, and ``k = ceil((n + 1)(1 - rate))``. If a later conforming part
is exchangeable with them, its score exceeds ``s_k`` with probability at most ``(n + 1 - k) / (n + 1) <= rate``: an
exact statement for any ``n``, any model and any distribution (Vovk, Gammerman and Shafer, *Algorithmic Learning in a
Random World*, 2005; Lei et al., JASA 113, 2018, theorem 2.2).

**Parts in a row** are not exchangeable: neighbours are nearly copies, stretches differ. The same rule is then applied
with the effective number of rows ``m <= n`` (`lineside.domain.effective`): of the share ``x`` of rows above the limit
is asked that ``(m x + 1) / (m + 1) <= rate``. What counts is how rows depend on each other near the limit, so ``m`` is
that of being above a level with about twice as many rows above it (compare the "tail effective sample size" of Vehtari
et al., Bayesian Analysis 16, 2021). On exchangeable parts the limit is never below the exact one, so nothing of the
promise is lost.

**Episodes.** What people meet is not a part in alarm but an alert, which stands until some good parts in a row have
passed. Where the rate is one of episodes, ``x`` is the share of rows at which one would begin: above the limit, with
the last ``fold`` rows of the stretch not above it (the runs of Smith and Weissman, JRSS B 56, 1994). These are spread
evenly even where the rows above the limit crowd into a few days, so ``m`` is the lesser of both.

**With certainty.** The promise is an average over limits: one limit's own rate is spread around it, and half of them
give more. Where a rate is not to be exceeded, as a service level is not, fewer events are allowed: so few that
`LIKELY` of all limits set like this keep the rate (the tolerance limits of Wilks, Ann. Math. Statist. 12, 1941; for
conformal limits Vovk, ACML 2012, proposition 2b). Where the rows are too few for that even at the greatest score, or
just enough, what is likely may be a tenth more than it would be there: single parts, which are next to nothing where
many rows are worth one, do not decide where the limit stands.

**Beyond the sample.** Where ``1 / (m + 1) > rate`` no limit can promise the rate. It is then read off a modelled tail
(`lineside.domain.tails`), never below the greatest score, and said to be modelled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.effective import borders_of, effective_rows
from lineside.domain.errors import DataError
from lineside.domain.readings import Float64
from lineside.domain.tails import tail_limit

FEWEST_HIGH: Final = 20
"""Fewest rows by which it is seen how rows depend on each other near the limit."""
_CLOSE: Final = 1.1
"""How many times the least rate that is likely to be kept counts as no more than it."""
LIKELY: Final = 0.9
"""How sure `Limit.likely_at_most` is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """A limit with what stands behind it.

    ``nominal`` is the share of conforming parts wished to be in alarm, or at which an alert is raised if it is
    ``per_episode``. ``guaranteed`` is the greatest such share that the limit promises, on average over limits set like
    this, from ``effective`` rows. It is greater than ``nominal`` where these are too few; then the nominal rate is
    ``modelled``, or not reached at all.
    """

    value: float
    rows: int
    nominal: float
    guaranteed: float
    effective: float
    per_episode: bool = False
    modelled: bool = False

    @property
    def enough(self) -> int:
        """The least number of independent rows with which the nominal rate can be promised."""
        return math.ceil(1.0 / self.nominal - 1e-9) - 1

    @property
    def keeps_its_rate(self) -> bool:
        """Whether the rows were enough to promise the nominal rate."""
        return self.guaranteed <= self.nominal + 1e-12

    @property
    def likely_at_most(self) -> float:
        """The share that nine of ten limits set like this stay below.

        The promise is an average: one limit's own rate is spread like a Beta variable around it (Vovk 2012).
        """
        return likely_share(max(self.guaranteed * (self.effective + 1.0) - 1.0, 0.0), self.effective)


def likely_share(events: float, of: float) -> float:
    """Return the share that events seen among so many rows leave likely: the Poisson bound of Clopper and Pearson."""
    return min(_chi_square(LIKELY, 2.0 * (events + 1.0)) / (2.0 * of), 1.0)


def conformal_limit(scores: Float64, rate: float, *, certain: bool = False) -> Limit:
    """Return the limit that conforming parts exceed with probability at most ``rate``, if they are exchangeable.

    ``certain`` asks that `LIKELY` of such limits keep the rate, and not their average.

    With fewer rows than ``1 / rate - 1`` no finite limit can promise the rate; the greatest score is returned and
    the promise stated as what it is, ``1 / (n + 1)``.

    Raises:
        DataError: there is no score, or one is not a number.
    """
    _check(scores)
    return _by_counting(scores, np.full(len(scores), -np.inf), rate, float(len(scores)), 0, certain=certain)


def serial_limit(
    scores: Float64,
    rate: float,
    group: Sequence[str] | NDArray[np.object_] | None = None,
    fold: int = 0,
    raise_after: int = 1,
    *,
    certain: bool = False,
) -> Limit:
    """Return the limit for parts that came one after the other: from the effective rows, modelled beyond them.

    Args:
        scores: scores of conforming parts in the order of judging ``(n,)``.
        rate: the share of parts in alarm, or of parts at which an alert is raised.
        group: the stretch of each row, which ends where the name changes; None: all rows are one.
        fold: parts in a row without alarm that end an episode; 0: parts are counted, not episodes.
        raise_after: parts in a row in alarm that begin one; more than 1 may count an episode twice, never none.
        certain: ask that `LIKELY` of such limits keep the rate, and not their average.

    Raises:
        DataError: there is no score, or one is not a number.
    """
    _check(scores)
    scores = lowest_of(scores, group, raise_after)
    before = highest_before(scores, group, fold)
    level = np.quantile(scores, 1.0 - min(max(2.0 * rate, FEWEST_HIGH / len(scores)), 0.5), method="lower")
    above = scores > level
    begins = above & (before <= level)
    effective = min(effective_rows(event.astype(np.float64), group) for event in (above, begins))
    return extended(_by_counting(scores, before, rate, effective, fold, certain=certain), scores)


def extended(limit: Limit, scores: Float64) -> Limit:
    """Return a limit that cannot promise its rate moved out by the modelled tail of the scores it was made from."""
    if limit.keeps_its_rate:
        return limit
    value = max(limit.value, tail_limit(scores, limit.nominal, limit.effective))
    return replace(limit, value=value, modelled=True)


def highest_before(scores: Float64, group: Sequence[str] | NDArray[np.object_] | None, fold: int) -> Float64:
    """Return the highest of the ``fold`` scores before each row of its stretch; minus infinity where there is none."""
    before = np.full(len(scores), -np.inf)
    for start, end in pairwise(borders_of(len(scores), group)):
        for back in range(1, min(fold, end - start - 1) + 1):
            before[start + back : end] = np.maximum(before[start + back : end], scores[start : end - back])
    return before


def lowest_of(scores: Float64, group: Sequence[str] | NDArray[np.object_] | None, count: int) -> Float64:
    """Return the lowest of each ``count`` scores in a row of a stretch: all of them are above what it is above."""
    lowest = scores.copy()
    for start, end in pairwise(borders_of(len(scores), group)):
        for back in range(1, min(count, end - start)):
            lowest[start + back : end] = np.minimum(lowest[start + back : end], scores[start : end - back])
        lowest[start : min(start + count - 1, end)] = scores[start:end].min()
    return lowest


def _by_counting(scores: Float64, before: Float64, rate: float, effective: float, fold: int, *, certain: bool) -> Limit:
    """Return the least limit from which on no higher one gives more events than the rate allows.

    At a limit, events are the rows above it less those whose episode has begun before: rows above it, too, before.
    """
    rows, limits = len(scores), np.sort(scores)
    shadowed = np.sort(np.minimum(scores, before))
    events = np.searchsorted(shadowed, limits, "right") - np.searchsorted(limits, limits, "right")
    most = (effective + 1.0) * rate - 1.0
    if certain:
        most = min(most, _most_certain(effective, max(rate, _CLOSE * likely_share(0.0, effective))))
    allowed = max(math.floor(most * rows / effective + 1e-9), 0)
    too_many = np.flatnonzero(events > allowed)
    place = int(too_many[-1]) + 1 if len(too_many) else 0
    found = effective * int(events[place]) / rows
    return Limit(
        value=float(limits[place]), rows=rows, nominal=rate, guaranteed=(found + 1.0) / (effective + 1.0),
        effective=effective, per_episode=fold > 0,
    )  # fmt: skip


def _most_certain(effective: float, rate: float) -> float:
    """Return how many events among effective rows leave a rate likely to be kept, by bisection; 0 where none does."""
    low, high = 0.0, effective * rate
    while high - low > 1e-6 * (1.0 + high):
        middle = (low + high) / 2.0
        low, high = (middle, high) if likely_share(middle, effective) <= rate else (low, middle)
    return low


def _check(scores: Float64) -> None:
    if len(scores) == 0 or not np.all(np.isfinite(scores)):
        raise DataError(
            "a limit needs scores of conforming parts",
            field="scores",
            value=len(scores),
            next_step="give parts that came after those the model was learned from",
        )


def _chi_square(probability: float, degrees: float) -> float:
    """Return a quantile of the chi-square distribution by its cube root (Wilson and Hilferty, PNAS 17, 1931)."""
    step = 2.0 / (9.0 * degrees)
    return float(degrees * (1.0 - step + NormalDist().inv_cdf(probability) * math.sqrt(step)) ** 3)
