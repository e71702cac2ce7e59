"""How well a model should be doing by its own calibrated risks, where no truth has come yet.

A part in alarm with risk ``r`` is a hit with probability ``r`` and a false alarm with ``1 - r``; one that is not in
alarm is missed with probability ``r``. Summed over parts that gives the expected confusion table (confidence-based
performance estimation; the idea is that of Guillory et al., ICCV 2021, as NannyML's CBPE words it). The intervals are
those of sums of independent events of unequal probability (variance ``sum(r (1 - r))``), 90 %.

It fails where risks are no longer true: the estimate is blind to a *concept* change (the same features, another
truth), to a sensor that lies within the usual range, and outside of what was learned from; and it is worth nothing
where the model gives no risks. Between two looks at late truth it says what the mix of parts does to performance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from lineside.domain.performance.judged import JudgedParts

_Z: Final = 1.6448536269514722
LEAST_PARTS: Final = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """An expected share with its 90 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimated:
    """What is to be expected of parts judged, from their risks alone.

    ``parts`` are those that have a risk. ``bad`` is how many of them are expected to be bad.
    """

    parts: int
    bad: float
    recall: Expected | None
    precision: Expected | None
    false_alarms: Expected | None


def estimate(parts: JudgedParts) -> Estimated | None:
    """Return what is to be expected; None where too few parts have a risk."""
    chosen = parts.could & np.isfinite(parts.risk)
    if np.count_nonzero(chosen) < LEAST_PARTS:
        return None
    risk, alarm = np.clip(parts.risk[chosen], 0.0, 1.0), parts.alarm[chosen]
    spread = risk * (1.0 - risk)
    hit, missed = _Sum.of(risk, spread, alarm), _Sum.of(risk, spread, ~alarm)
    false, passed = _Sum.of(1.0 - risk, spread, alarm), _Sum.of(1.0 - risk, spread, ~alarm)
    return Estimated(
        parts=len(risk),
        bad=float(risk.sum()),
        recall=_ratio(hit, missed),
        precision=_of_number(hit, int(np.count_nonzero(alarm))),
        false_alarms=_ratio(false, passed),
    )


@dataclass(frozen=True, slots=True)
class _Sum:
    """A sum of independent events: its mean and its variance."""

    mean: float
    variance: float

    @classmethod
    def of(cls, chance: np.ndarray, spread: np.ndarray, chosen: np.ndarray) -> _Sum:
        return cls(float(chance[chosen].sum()), float(spread[chosen].sum()))


def _of_number(part: _Sum, number: int) -> Expected | None:
    """Return the share of a known number that a sum makes up, with its interval."""
    return _expected(part.mean / number, math.sqrt(part.variance) / number) if number else None


def _ratio(part: _Sum, rest: _Sum) -> Expected | None:
    """Return ``part / (part + rest)``, sums over different parts, with an interval by the delta method."""
    whole = part.mean + rest.mean
    if whole <= 0.0:
        return None
    share = part.mean / whole
    return _expected(share, math.sqrt((1 - share) ** 2 * part.variance + share**2 * rest.variance) / whole)


def _expected(share: float, spread: float) -> Expected:
    return Expected(value=share, low=max(0.0, share - _Z * spread), high=min(1.0, share + _Z * spread))
