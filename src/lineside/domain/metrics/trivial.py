"""Predictors that know nothing: what a result must beat before it means anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from lineside.domain.metrics.confusion import Bools
from lineside.domain.metrics.ranking import Floats


def always_alarm(group: Sequence[str]) -> Bools:
    """Return alarm for every unit."""
    return np.ones(len(group), dtype=np.bool_)


def never_alarm(group: Sequence[str]) -> Bools:
    """Return alarm for no unit."""
    return np.zeros(len(group), dtype=np.bool_)


def alarm_after(group: Sequence[str], units: int) -> Bools:
    """Return alarm for every unit behind the first ``units`` of its group: a clock that has never seen a value."""
    seen: Counter[str] = Counter()
    alarm = np.zeros(len(group), dtype=np.bool_)
    for row, name in enumerate(group):
        alarm[row] = seen[name] >= units
        seen[name] += 1
    return alarm


def class_prior(trained: Sequence[str]) -> tuple[str, dict[str, float]]:
    """Return the most frequent class of the training part (ties: first by name) and the share of each class.

    Raises:
        ValueError: nothing to count.
    """
    if not trained:
        raise ValueError("no class was given to count")
    count = Counter(trained)
    return min(count, key=lambda name: (-count[name], name)), {
        name: count[name] / len(trained) for name in sorted(count)
    }


def last_value(truth: Floats, start: float) -> Floats:
    """Return for each unit the last known value before it (NaN: unknown); until there is one, ``start``."""
    before = np.concatenate(([start], truth))[:-1] if len(truth) else truth
    known = np.maximum.accumulate(np.where(np.isnan(before), 0, np.arange(len(before))))
    return before[known]
