"""Cp, Cpk, Pp and Ppk with intervals, or the reason why they would say nothing.

Indices after NIST/SEMATECH e-Handbook of Statistical Methods 6.1.6 and AIAG, Statistical Process Control (2005):
Cp and Cpk by the spread from one value to the next, Pp and Ppk by the spread of all. Intervals: chi-square for Cp and
Pp, Bissell (Applied Statistics 39, 1990) for Cpk and Ppk; a spread by moving ranges is worth 0.605 of the degrees of
freedom (Cryer and Ryan, Journal of Quality Technology 22, 1990).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, lgamma, log, sqrt
from statistics import NormalDist
from typing import Final

import numpy as np

from lineside.domain.readings import Float64
from lineside.domain.said import number, say
from lineside.domain.spc.charts import individuals
from lineside.domain.spc.run_rules import DEFAULT_RULES, count_signals, false_alarm_rate

FEWEST_VALUES: Final = 50
LEAST_CHANCE: Final = 0.01
"""Below this chance of as many signals from a stable process, it counts as unstable."""
MOST_ANDERSON_DARLING: Final = 1.035
"""The 1 % point with both parameters estimated (Stephens, in D'Agostino and Stephens 1986, table 4.7)."""
_MOVING_RANGE_WORTH: Final = 0.605


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    """A capability index and its two-sided interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Capability:
    """The indices of ``count`` values; Cp and Pp need both limits of the specification."""

    count: int
    mean: float
    sigma_within: float
    sigma_overall: float
    confidence: float
    cp: Index | None
    cpk: Index
    pp: Index | None
    ppk: Index


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Why no index is given, and what to do."""

    reason: str
    next_step: str


def capability(
    values: Float64, lower: float | None, upper: float | None, *, confidence: float = 0.95, seed: int = 1
) -> Capability | Refusal:
    """Return the indices of finite values in order of production, or why there are none.

    Args:
        values: finite values ``(n,)``.
        lower: lower limit of the specification, in the values' unit; None where there is none.
        upper: the upper one.
        confidence: of the intervals, between 0 and 1.
        seed: of the simulation that says how many signals chance gives.
    """
    refused = _refusal(values, lower, upper, seed)
    if refused is not None:
        return refused
    within, overall = individuals(values, len(values))[0].sigma, float(values.std(ddof=1))
    degrees = len(values) - 1.0
    mean = float(values.mean())
    cp, cpk = _pair(mean, within, lower, upper, len(values), degrees * _MOVING_RANGE_WORTH, confidence)
    pp, ppk = _pair(mean, overall, lower, upper, len(values), degrees, confidence)
    return Capability(
        count=len(values),
        mean=mean,
        sigma_within=within,
        sigma_overall=overall,
        confidence=confidence,
        cp=cp,
        cpk=cpk,
        pp=pp,
        ppk=ppk,
    )


def anderson_darling(values: Float64) -> float:
    """Return the statistic A*2 against a normal distribution whose mean and spread are estimated."""
    ordered = np.sort(values)
    normal = NormalDist(float(values.mean()), float(values.std(ddof=1)))
    below = np.clip([normal.cdf(float(value)) for value in ordered], 1e-300, 1.0 - 1e-16)
    n = len(ordered)
    odd = 2.0 * np.arange(1, n + 1) - 1.0
    found = -n - float(np.mean(odd * (np.log(below) + np.log1p(-below[::-1]))))
    return found * (1.0 + 0.75 / n + 2.25 / n**2)


def _refusal(values: Float64, lower: float | None, upper: float | None, seed: int) -> Refusal | None:
    if lower is None and upper is None:
        return Refusal(reason=say("there is no limit of the specification"), next_step=say("give one in the plan"))
    if lower is not None and upper is not None and lower >= upper:
        return Refusal(reason=say("the lower limit is not below the upper one"), next_step=say("correct the limits"))
    return _refused_values(values, seed)


def _refused_values(values: Float64, seed: int) -> Refusal | None:
    if len(values) < FEWEST_VALUES:
        return Refusal(
            reason=say("{count} values are fewer than {least}", count=len(values), least=FEWEST_VALUES),
            next_step=say("gather more parts"),
        )
    if not np.isfinite(values).all() or not np.any(np.diff(values)):
        return Refusal(reason=say("the values stand still or are not all numbers"), next_step=say("see to the signal"))
    signals = count_signals(individuals(values, len(values))[0].deviations, DEFAULT_RULES)
    expected = false_alarm_rate(DEFAULT_RULES, seed) * len(values)
    if _chance_of(signals, expected) < LEAST_CHANCE:
        return Refusal(
            reason=say(
                "the process is unstable: {signals} signals of rules 1 to 3, by chance {expected}",
                signals=signals,
                expected=number(expected),
            ),
            next_step=say("find the special causes on the chart of individuals first"),
        )
    if anderson_darling(values) > MOST_ANDERSON_DARLING:
        return Refusal(
            reason=say("the values are not normally distributed (Anderson-Darling, 1 %)"),
            next_step=say(
                "look for mixed setups or a natural bound; state the share outside the specification instead"
            ),
        )
    return None


def _chance_of(signals: int, expected: float) -> float:
    """Return the Poisson probability of at least so many signals."""
    fewer = sum(exp(k * log(expected) - expected - lgamma(k + 1)) for k in range(signals))
    return 1.0 - fewer


def _pair(
    mean: float,
    sigma: float,
    lower: float | None,
    upper: float | None,
    count: int,
    degrees: float,
    confidence: float,
) -> tuple[Index | None, Index]:
    """Return the index of the spread alone, where both limits exist, and that of the nearer limit."""
    z = NormalDist().inv_cdf(0.5 + confidence / 2.0)
    reaches = [mean - lower] if lower is not None else []
    reaches += [upper - mean] if upper is not None else []
    nearer = min(reaches) / (3.0 * sigma)
    error = z * sqrt(1.0 / (9.0 * count) + nearer**2 / (2.0 * degrees))
    both = None
    if lower is not None and upper is not None:
        value = (upper - lower) / (6.0 * sigma)
        low, high = (value * sqrt(_chi_square(degrees, side) / degrees) for side in (-z, z))
        both = Index(value=value, low=low, high=high)
    return both, Index(value=nearer, low=nearer - error, high=nearer + error)


def _chi_square(degrees: float, z: float) -> float:
    """Return the chi-square quantile at the normal quantile ``z`` (Wilson and Hilferty, PNAS 17, 1931)."""
    part = 2.0 / (9.0 * degrees)
    return float(degrees * (1.0 - part + z * sqrt(part)) ** 3)
