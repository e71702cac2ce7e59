"""What late measurements say of a model's bias: a bank of Kalman filters per regime, weighed by how well they foresee.

Theory of operation
-------------------
A regression's error on a part is the bias of the regime that the part was made in (a setup, tool or campaign) and
noise: ``y - f(x) = b + e``. Between parts the bias returns to zero, ``b' = p b + w``, so that its variance, ``v`` at a
measurement, is ``p^(2k) v + (1 - p^(2k)) B`` after ``k`` more parts: uncertainty grows with the age of the last
measurement up to that of a regime without any, ``B``, in which a regime that was never measured begins. With a long
memory the filter is the moving average (EWMA) of run-to-run control, of which it is the general form (Kuo and Lee,
Int. J. Automation and Smart Technology 1, 2011, doi 10.5875/ausmt.v1i1.71; Kalman, J. Basic Engineering 82, 1960).

How far biases lie apart (``B``), how long they last (``p``) and how large the noise is are not known beforehand. A
bank of filters holds a grid of them, among them "no bias at all", which has half of the weight at first; each
measurement multiplies a filter's weight by the density that it foresaw, and old evidence is forgotten (dynamic model
averaging: Raftery, Karny and Ettler, Technometrics 52, 2010, who foresee strip thickness measured with a delay). The
answer is the mean and deviation of the mixture.

A measurement that comes after one of a later part is taken as what it says of the bias there: by the same process seen
backwards, ``p^k`` times it. That is exact for two measurements and leaves out what more of them share. An error beyond
`CLIPPED` deviations counts as one of that size: a mistyped value moves the bias no farther.

The state is the fold of the measurements in the order in which they came: the same ones give the same bits.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from lineside.domain.readings import Float64

CLIPPED: Final = 3.0
FORGETTING: Final = 0.99
"""Power that a weight is taken to at each measurement (Raftery, Karny and Ettler, 2010, section 3)."""
_NOISES: Final = (1.0, 0.5, 0.25, 0.1, 0.03)
_APART: Final = (0.3, 3.0, 30.0, 300.0)
"""Variances of noise and bias, in the variance that the model's interval promises."""
_LASTING: Final = (10.0, 100.0, 1000.0)
"""Parts after which a bias has fallen to 1/e."""

_BANK: Final = np.array(
    [(noise, 0.0, 1.0) for noise in _NOISES] + list(itertools.product(_NOISES, _APART, _LASTING)), dtype=np.float64
)
_NOISE, _BETWEEN, _PARTS = _BANK.T
_HOW_LIKELY: Final = np.divide(1.0, _BETWEEN, out=np.zeros(len(_BANK)), where=_BETWEEN > 0)
"""The farther apart, the less likely beforehand: no single guess makes the interval of a new regime wide."""
_FIRST: Final = np.where(_BETWEEN > 0, 0.5 * _HOW_LIKELY / _HOW_LIKELY.sum(), 0.5 / np.sum(_BETWEEN == 0))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Bias:
    """Mean and variance of each filter's bias at the part at ``place``, in deviations of the model's interval."""

    place: int
    mean: Float64
    variance: Float64

    def at(self, place: int) -> _Bias:
        """Return what is known of it at a later part."""
        kept = _kept(place - self.place)
        return _Bias(place=place, mean=kept * self.mean, variance=kept**2 * self.variance + (1.0 - kept**2) * _BETWEEN)


@dataclass(frozen=True, kw_only=True, slots=True)
class CorrectionState:
    """A `Correction` as plain values: the filters' weights and, by regime, place, means and variances of its biases."""

    weight: tuple[float, ...] = ()
    bias: Mapping[str, tuple[int, tuple[float, ...], tuple[float, ...]]] = field(default_factory=dict)


class Correction:
    """The bias of one model, by regime.

    Args:
        spread: deviation of measured less expected that the model itself promises, in the unit of the values, > 0.
    """

    def __init__(self, spread: float) -> None:
        self._spread = spread
        self._weight = _FIRST
        self._bias: dict[str, _Bias] = {}

    def foresee(self, regime: str, place: int) -> tuple[float, float]:
        """Return the bias to be expected of a part's value, and the deviation of its measured value from that.

        ``place`` is the part's number among all that the model has judged, in the order made.
        """
        bias = self._at(regime, place)
        mean = float(self._weight @ bias.mean)
        variance = float(self._weight @ (bias.variance + _NOISE + (bias.mean - mean) ** 2))
        return mean * self._spread, math.sqrt(variance) * self._spread

    def measured(self, regime: str, place: int, error: float) -> None:
        """Take in a measurement that has come: measured less expected by the uncorrected model, of the part there."""
        bias = self._at(regime, place)
        kept = _kept(bias.place - place)  # below 1 only where later parts were measured before
        noise = _NOISE + (1.0 - kept**2) * _BETWEEN
        variance = kept**2 * bias.variance + noise
        off = error / self._spread - kept * bias.mean
        off = np.clip(off, -CLIPPED * np.sqrt(variance), CLIPPED * np.sqrt(variance))
        self._weigh(-0.5 * (off**2 / variance + np.log(variance)))
        gain = kept * bias.variance / variance
        self._bias[regime] = _Bias(
            place=bias.place, mean=bias.mean + gain * off, variance=(1.0 - gain * kept) * bias.variance
        )

    def state(self) -> CorrectionState:
        """Return it as plain values, for a checkpoint."""
        return CorrectionState(
            weight=tuple(self._weight.tolist()),
            bias={
                name: (item.place, tuple(item.mean.tolist()), tuple(item.variance.tolist()))
                for name, item in self._bias.items()
            },
        )

    def restore(self, state: CorrectionState) -> None:
        """Take over stored values.

        Raises:
            ValueError: they are of another bank of filters.
        """
        lengths = {len(state.weight), *(len(part) for _, *parts in state.bias.values() for part in parts)}
        if lengths != {len(_BANK)}:
            raise ValueError("a correction by other filters")
        self._weight = np.array(state.weight)
        self._bias = {
            name: _Bias(place=place, mean=np.array(mean), variance=np.array(variance))
            for name, (place, mean, variance) in state.bias.items()
        }

    def _at(self, regime: str, place: int) -> _Bias:
        bias = self._bias.get(regime)
        if bias is None:
            return _Bias(place=place, mean=np.zeros(len(_BANK)), variance=_BETWEEN)
        return bias.at(place) if place > bias.place else bias

    def _weigh(self, log_density: Float64) -> None:
        weight = FORGETTING * np.log(self._weight) + log_density
        grown = np.maximum(np.exp(weight - weight.max()), 1e-12)
        self._weight = grown / grown.sum()


def _kept(parts: int) -> Float64:
    """Return the share of each filter's bias that is left after so many parts."""
    kept: Float64 = np.exp(-max(parts, 0) / _PARTS)
    return kept
