"""Nelson's eight tests for special causes, and how often they call a stable process unstable.

After Nelson, The Shewhart control chart: tests for special causes, Journal of Quality Technology 16 (1984) 237-239.
Rules add up: each finds something more, and each adds false alarms (Champ and Woodall, Technometrics 29, 1987).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.errors import DataError
from lineside.domain.readings import Float64

Flags = NDArray[np.bool_]

RULES: Final = {
    1: "one point beyond three standard deviations",
    2: "nine points in a row on one side of the centre",
    3: "six points in a row that rise, or fall",
    4: "fourteen points in a row that go up and down by turns",
    5: "two of three points beyond two standard deviations on one side",
    6: "four of five points beyond one standard deviation on one side",
    7: "fifteen points in a row within one standard deviation",
    8: "eight points in a row beyond one standard deviation, on either side",
}
DEFAULT_RULES: Final = (1, 2, 3)
SIMULATED: Final = 400_000
"""Points of a stable process by which false alarms are counted: 1,000 alarms or more, so about 3 % of error."""


def find_signals(deviations: Float64, rule: int) -> Flags:
    """Return at which points a rule is met, each pattern at its last point.

    Args:
        deviations: points less the centre, in standard deviations of a point ``(n,)``.
        rule: one of `RULES`.

    Raises:
        DataError: there is no such rule.
    """
    if rule not in _TESTS:
        raise DataError("no such rule", field="rules", value=rule, choices=tuple(RULES))
    return _TESTS[rule](deviations)


def count_signals(deviations: Float64, rules: Iterable[int]) -> int:
    """Return how many times a rule begins to be met; a run that goes on counts once."""
    return sum(_beginnings(find_signals(deviations, rule)) for rule in rules)


@lru_cache(maxsize=64)
def false_alarm_rate(rules: tuple[int, ...], seed: int) -> float:
    """Return how many signals a stable, normal process without memory gives a point, by simulation.

    Limits are taken as known; limits from a short baseline, and values that follow one another, give more.
    """
    return count_signals(np.random.default_rng(seed).standard_normal(SIMULATED), rules) / SIMULATED


def _among(flags: Flags, needed: int, window: int) -> Flags:
    """Return where at least ``needed`` of the last ``window`` flags are set."""
    total = np.concatenate([[0], np.cumsum(flags)])
    places = np.arange(1, len(flags) + 1)
    found: Flags = total[places] - total[np.maximum(places - window, 0)] >= needed
    return found


def _beginnings(flags: Flags) -> int:
    return int(np.count_nonzero(flags[1:] & ~flags[:-1])) + int(flags[:1].sum())


def _runs(above: Flags, below: Flags, length: int) -> Flags:
    return _among(above, length, length) | _among(below, length, length)


def _trend(z: Float64) -> Flags:
    steps = np.diff(z, prepend=z[:1])
    return _runs(steps > 0.0, steps < 0.0, 5)


def _by_turns(z: Float64) -> Flags:
    steps = np.diff(z, prepend=z[:1])
    turns = np.zeros(len(z), dtype=np.bool_)
    turns[1:] = steps[1:] * steps[:-1] < 0.0
    return _among(turns, 12, 12)


def _most_beyond(z: Float64, reach: float, needed: int, window: int) -> Flags:
    above, below = z > reach, z < -reach
    return (_among(above, needed, window) & above) | (_among(below, needed, window) & below)


_TESTS: Final[Mapping[int, Callable[[Float64], Flags]]] = {
    1: lambda z: np.abs(z) > 3.0,
    2: lambda z: _runs(z > 0.0, z < 0.0, 9),
    3: _trend,
    4: _by_turns,
    5: lambda z: _most_beyond(z, 2.0, 2, 3),
    6: lambda z: _most_beyond(z, 1.0, 4, 5),
    7: lambda z: _among(np.abs(z) < 1.0, 15, 15),
    8: lambda z: _among(np.abs(z) > 1.0, 8, 8),
}
