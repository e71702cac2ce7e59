"""Where the line between normal and alarm is drawn, and what that promises.

The limit is a split-conformal quantile. Let ``s_1 <= ... <= s_n`` be the scores of ``n`` conforming parts that
the model has not learned from, and ``k = ceil((n + 1)(1 - rate))``. If a later conforming part is exchangeable
with them, its score exceeds ``s_k`` with probability at most ``(n + 1 - k) / (n + 1) <= rate``: an exact
statement for any ``n``, any model and any distribution (Vovk, Gammerman and Shafer, *Algorithmic Learning in a
Random World*, 2005; Lei et al., JASA 113, 2018, theorem 2.2). Exchangeability is what drift breaks: the
promise then no longer holds, which is why the rate is also measured on later normal stretches.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineside.domain.errors import DataError
from lineside.domain.readings import Float64


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """A limit with what stands behind it.

    ``guaranteed`` is the greatest false-alarm probability it promises on exchangeable data. It is greater than
    ``nominal`` where ``rows`` are too few: ``enough`` rows would be needed.
    """

    value: float
    rows: int
    nominal: float
    guaranteed: float

    @property
    def enough(self) -> int:
        """The least number of rows with which the nominal rate can be promised."""
        return math.ceil(1.0 / self.nominal - 1e-9) - 1

    @property
    def keeps_its_rate(self) -> bool:
        """Whether the rows were enough to promise the nominal rate."""
        return self.guaranteed <= self.nominal + 1e-12


def conformal_limit(scores: Float64, rate: float) -> Limit:
    """Return the limit that conforming parts exceed with probability at most ``rate``.

    With fewer rows than ``1 / rate - 1`` no finite limit can promise the rate; the greatest score is returned and
    the promise stated as what it is, ``1 / (n + 1)``.

    Raises:
        DataError: there is no score, or one is not a number.
    """
    count = len(scores)
    if count == 0 or not np.all(np.isfinite(scores)):
        raise DataError(
            "a limit needs scores of conforming parts",
            field="scores",
            value=count,
            next_step="give parts that came after those the model was learned from",
        )
    rank = min(math.ceil((count + 1) * (1.0 - rate) - 1e-9), count)
    value = float(np.partition(scores, rank - 1)[rank - 1])
    return Limit(value=value, rows=count, nominal=rate, guaranteed=(count + 1 - rank) / (count + 1))


def cost_limit(
    scores: Float64, nonconforming: NDArray[np.bool_], *, escape: float, false_alarm: float, least: float
) -> float:
    """Return the limit, not below ``least``, at which escapes and false alarms together cost the least.

    The candidates are ``least`` and the scores above it; of equal costs the greatest limit wins, since fewer
    alarms are the better of two equals. ``escape`` and ``false_alarm`` are costs per part.
    """
    candidates = np.unique(np.append(scores[scores > least], least))
    bad = np.sort(scores[nonconforming])
    good = np.sort(scores[~nonconforming])
    escapes = np.searchsorted(bad, candidates, side="right")
    alarms = len(good) - np.searchsorted(good, candidates, side="right")
    cost = escape * escapes + false_alarm * alarms
    return float(candidates[len(cost) - 1 - int(np.argmin(cost[::-1]))])
