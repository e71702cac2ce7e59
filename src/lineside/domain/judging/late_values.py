"""The values that a model expects, as late measurements of earlier parts correct them: at the line and in backtests.

A part's value is expected when it is made, and measured hours later, or never. What measured parts say of the model's
bias (`lineside.domain.correction`) is added to what it expects of the next. A measurement counts once, the first that
comes for its part; one of a part that is not remembered counts nothing. So the state is the fold of the measurements in
the order in which they came, whenever they are told again: parts are only remembered, and change nothing in it.

Until the first measurement has come the model speaks for itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

from lineside.domain.correction import Correction, CorrectionState

COVERAGE: Final = 0.9
"""What the intervals of regressions cover (split-conformal at training), and so those of corrected values."""
MOST_EXPECTED: Final = 3_000
"""Parts whose measurement is waited for at most; the oldest go first."""
_WITHIN: Final = NormalDist().inv_cdf(0.5 + COVERAGE / 2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Foreseen:
    """What is added to a value, how far the measured value lies from the sum (one deviation), by how many measured."""

    bias: float
    deviation: float
    measured: int

    @property
    def half_width(self) -> float:
        """Half of the interval that holds `COVERAGE` of measured values."""
        return _WITHIN * self.deviation


@dataclass(frozen=True, kw_only=True, slots=True)
class LateState:
    """`LateValues` as plain values; ``expected`` has unit, regime, place and value of parts not measured yet."""

    correction: CorrectionState
    expected: tuple[tuple[str, str, int, float], ...] = ()
    made: int = 0
    measured: int = 0
    unknown: int = 0


class LateValues:
    """What late measurements say of one model.

    Args:
        half_width: half of the model's own interval, in the unit of the values.
    """

    def __init__(self, half_width: float) -> None:
        self._spread = max(half_width / _WITHIN, 1e-12)
        self._correction = Correction(self._spread)
        self._expected: dict[str, tuple[str, int, float]] = {}
        self._made = 0
        self.taken = 0
        self.unknown = 0

    def foresee(self, regime: str) -> Foreseen | None:
        """Return what is to be said of the next part of a regime; None before anything was measured."""
        if not self.taken:
            return None
        bias, deviation = self._correction.foresee(regime, self._made)
        return Foreseen(bias=bias, deviation=deviation, measured=self.taken)

    def made(self, unit: str, regime: str, value: float) -> None:
        """Remember a part by what the model itself expected of it."""
        self._expected.pop(unit, None)
        self._expected[unit] = (regime, self._made, value)
        self._made += 1
        if len(self._expected) > MOST_EXPECTED:
            del self._expected[next(iter(self._expected))]

    def measured(self, unit: str, value: float) -> bool:
        """Take in what was measured of a part; return whether it was waited for."""
        known = self._expected.pop(unit, None)
        if known is None:
            self.unknown += 1
            return False
        regime, place, expected = known
        self._correction.measured(regime, place, value - expected)
        self.taken += 1
        return True

    def state(self) -> LateState:
        """Return it as plain values, for a checkpoint."""
        return LateState(
            correction=self._correction.state(),
            expected=tuple((unit, *known) for unit, known in self._expected.items()),
            made=self._made,
            measured=self.taken,
            unknown=self.unknown,
        )

    def restore(self, state: LateState) -> None:
        """Take over stored values.

        Raises:
            ValueError: they are of another bank of filters.
        """
        self._correction = Correction(self._spread)
        self._correction.restore(state.correction)
        self._expected = {unit: (regime, place, value) for unit, regime, place, value in state.expected}
        self._made, self.taken, self.unknown = state.made, state.measured, state.unknown


def regime_of(context: Mapping[str, str], setup: Sequence[str]) -> str:
    """Return the regime that a part was made in: the values of the plan's setup signals."""
    return "|".join(context.get(name, "") for name in setup)


def moved_score(value: float, spread: float, lsl: float | None, usl: float | None) -> float | None:
    """Return the score of a value: how many ``spread`` it lies beyond the nearer specification limit; None without any.

    It is the score that a regression's graph gives its own value (`lineside.learn.regression_family`), so that a
    corrected value is held against the same limit.
    """
    beyond = []
    if usl is not None:
        beyond.append((value - usl) / spread)
    if lsl is not None:
        beyond.append((lsl - value) / spread)
    return max(beyond, default=None)


def out_of_specification(value: float, deviation: float, lsl: float | None, usl: float | None) -> float | None:
    """Return the probability that the measured value lies beyond a limit; None without limits."""
    if lsl is None and usl is None:
        return None
    below = NormalDist(value, deviation).cdf
    risk = 0.0 if lsl is None else below(lsl)
    return min(risk if usl is None else risk + 1.0 - below(usl), 1.0)
