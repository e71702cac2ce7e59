"""Values judged again with what late measurements say by then, and what those measurements say without any model.

A measurement counts for the parts that are made after it came: its own part's end and the plan's usual delay.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from lineside.domain.backtests.judged import Bools, Floats, Int64, Judged
from lineside.domain.judging.late_values import LateValues, moved_score, out_of_specification
from lineside.domain.plan.model import Characteristic

EWMA_WEIGHT: Final = 0.2
_NAMES: Final = ("last_measured", "regime_mean", "measured_ewma")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Made:
    """Parts with their regimes and measured values (NaN: none), in order of ``ended`` (UTC ns), each of length n."""

    ended: Int64
    regime: tuple[str, ...]
    measured: Floats


def correct(characteristic: Characteristic, judged: Judged, made: Made, spread: float) -> Judged | None:
    """Return the same units as the line would judge them, corrected by what had been measured when each was made.

    ``spread`` is that of the model's scores: a corrected value is held against the model's own limit. None where no
    value with an interval was predicted.
    """
    half = (judged.high - judged.low) / 2
    if not np.isfinite(half).any():
        return None
    value = np.array([float(text) if text else np.nan for text in judged.predicted])
    late = LateValues(float(np.nanmedian(half)))
    limits = characteristic.specification
    lsl, usl = (None, None) if limits is None else (limits.lsl, limits.usl)
    centre, around, score, risk = value.copy(), half.copy(), judged.score.copy(), judged.risk.copy()
    waiting: list[tuple[int, int]] = []
    for row, ended in enumerate(made.ended.tolist()):
        while waiting and waiting[0][0] <= ended:
            came = heapq.heappop(waiting)[1]
            late.measured(str(came), float(made.measured[came]))
        if not np.isfinite(value[row]):
            continue
        foreseen = late.foresee(made.regime[row])
        late.made(str(row), made.regime[row], float(value[row]))
        if np.isfinite(made.measured[row]):
            heapq.heappush(waiting, (ended + characteristic.outcome.delay, row))
        if foreseen is not None:
            centre[row], around[row] = value[row] + foreseen.bias, foreseen.half_width
            score[row] = _known(moved_score(centre[row], spread, lsl, usl), score[row])
            risk[row] = _known(out_of_specification(centre[row], foreseen.deviation, lsl, usl), np.nan)
    alarm = np.nan_to_num(score, nan=-np.inf) > judged.limit
    return replace(
        judged,
        predicted=_texts(centre),
        low=centre - around,
        high=centre + around,
        score=score,
        risk=risk,
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


def _known(found: float | None, otherwise: float) -> float:
    return otherwise if found is None else found


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
