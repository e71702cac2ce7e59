"""Values judged again with what late measurements say by then, and what those measurements say without any model.

A measurement counts for the parts that are made after it came: its own part's end and the plan's usual delay.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Final

import numpy as np

from lineside.domain.backtests.judged import Bools, Floats, Int64, Judged
from lineside.domain.correction import Correction
from lineside.domain.plan.model import Characteristic

COVERAGE: Final = 0.9
"""What the intervals of regressions cover (split-conformal at training), and so those of corrected values."""
EWMA_WEIGHT: Final = 0.2
_WITHIN: Final = NormalDist().inv_cdf(0.5 + COVERAGE / 2)
_NAMES: Final = ("last_measured", "regime_mean", "measured_ewma")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Made:
    """Parts with their regimes and measured values (NaN: none), in order of ``ended`` (UTC ns), each of length n."""

    ended: Int64
    regime: tuple[str, ...]
    measured: Floats


def correct(characteristic: Characteristic, judged: Judged, made: Made) -> Judged | None:
    """Return the same units with values, intervals and risks corrected by what had been measured when each was made.

    A unit is in alarm where the chance of being out of specification costs more than a false alarm: at the risk
    ``F / (F + E)`` of the plan's costs (Elkan, *The foundations of cost-sensitive learning*, IJCAI, 2001). None where
    no value with an interval was predicted.
    """
    half = (judged.high - judged.low) / 2
    if not np.isfinite(half).any():
        return None
    value = np.array([float(text) if text else np.nan for text in judged.predicted])
    correction = Correction(max(float(np.nanmedian(half)) / _WITHIN, 1e-12))
    bias, deviation = np.full(len(judged), np.nan), np.full(len(judged), np.nan)
    waiting: list[tuple[int, int]] = []
    for row, ended in enumerate(made.ended.tolist()):
        while waiting and waiting[0][0] <= ended:
            came = heapq.heappop(waiting)[1]
            correction.measured(made.regime[came], came, float(made.measured[came] - value[came]))
        if np.isfinite(value[row]):
            bias[row], deviation[row] = correction.foresee(made.regime[row], row)
            if np.isfinite(made.measured[row]):
                heapq.heappush(waiting, (ended + characteristic.outcome.delay, row))
    centre = value + bias
    risk = _out_of_specification(characteristic, centre, deviation)
    limit = _break_even(characteristic)
    alarm = np.nan_to_num(risk) > limit
    return replace(
        judged,
        predicted=_texts(centre),
        low=centre - _WITHIN * deviation,
        high=centre + _WITHIN * deviation,
        score=risk,
        risk=risk,
        limit=np.full(len(judged), limit),
        alarm=alarm,
        raised=_first_of_each(alarm),
    )


def measured_alone(characteristic: Characteristic, judged: Judged, made: Made, before: Made) -> dict[str, Judged]:
    """Return the units as measurements alone foresee them: by the last of the regime, their mean, and their EWMA.

    Of all regimes where this one has none yet. The EWMA is that of Roberts, Technometrics 1, 1959.

    ``before`` are the parts learned from, whose measurements count too, once they have come.
    """
    ended = np.concatenate((before.ended, made.ended))
    regimes = before.regime + made.regime
    truth = np.concatenate((before.measured, made.measured))
    came = ended + characteristic.outcome.delay
    known = [row for row in np.argsort(came, kind="stable").tolist() if np.isfinite(truth[row])]
    found = {name: np.full(len(made.ended), np.nan) for name in _NAMES}
    memory: dict[str, _Memory] = {}
    everywhere, place = _Memory(), 0
    for row, now in enumerate(made.ended.tolist()):
        while place < len(known) and came[known[place]] <= now:
            value, regime = float(truth[known[place]]), regimes[known[place]]
            memory[regime] = memory.get(regime, _Memory()).after(value)
            everywhere, place = everywhere.after(value), place + 1
        of = memory.get(made.regime[row], everywhere)
        for name, value in zip(_NAMES, (of.last, of.mean, of.ewma), strict=True):
            found[name][row] = value
    nothing, never = np.full(len(judged), np.nan), np.zeros(len(judged), dtype=np.bool_)
    return {
        name: replace(
            judged,
            predicted=_texts(values),
            alarm=never,
            raised=never,
            score=never.astype(np.float64),
            risk=nothing,
            low=nothing,
            high=nothing,
        )
        for name, values in found.items()
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class _Memory:
    count: int = 0
    last: float = float("nan")
    mean: float = 0.0
    ewma: float = float("nan")

    def after(self, value: float) -> _Memory:
        return _Memory(
            count=self.count + 1,
            last=value,
            mean=self.mean + (value - self.mean) / (self.count + 1),
            ewma=value if self.count == 0 else self.ewma + EWMA_WEIGHT * (value - self.ewma),
        )


def _out_of_specification(characteristic: Characteristic, centre: Floats, deviation: Floats) -> Floats:
    """Return the probability that a measured value lies beyond a limit; NaN without limits or without a value."""
    limits = characteristic.specification
    if limits is None or (limits.lsl is None and limits.usl is None):
        return np.full(len(centre), np.nan)
    risk = np.where(np.isfinite(centre), 0.0, np.nan)
    below = NormalDist().cdf
    if limits.lsl is not None:
        risk = risk + np.array([below(item) for item in (limits.lsl - centre) / deviation])
    if limits.usl is not None:
        risk = risk + np.array([below(item) for item in (centre - limits.usl) / deviation])
    return np.minimum(risk, 1.0)


def _break_even(characteristic: Characteristic) -> float:
    cost = characteristic.cost
    both = cost.false_alarm + cost.escape
    return cost.false_alarm / both if both > 0 else 0.5


def _texts(values: Floats) -> tuple[str, ...]:
    return tuple("" if np.isnan(value) else repr(float(value)) for value in values)


def _first_of_each(alarm: Bools) -> Bools:
    return alarm & ~np.concatenate(([False], alarm[:-1]))


def made_from(ended: Sequence[int], regime: Sequence[str], outcome: Sequence[str]) -> Made:
    """Return the parts as they were made; outcomes are texts, ``""`` where unknown."""
    return Made(
        ended=np.array(ended, dtype=np.int64),
        regime=tuple(regime),
        measured=np.array([float(text) if text else np.nan for text in outcome], dtype=np.float64),
    )
