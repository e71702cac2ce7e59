"""Which parts are suspect: made while something was wrong, though they themselves passed.

A fault makes bad parts among good ones. The good ones are no evidence of what is usual, and an alarm on them is not
false: the alert over them is right. So they set neither a shape nor a limit. A stretch is suspect where more
parts do not conform than chance would bring together: more than the share over all rows leads to expect, by four
standard deviations of a Poisson count, and three at least (compare the scan statistic: Naus, JASA 60, 1965).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.plan.model import Characteristic
from lineside.learn.rows import Rows, nonconforming

Bools = NDArray[np.bool_]
AROUND: Final = 15
"""Rows before and after a row that are looked at with it."""
_LEAST_TOGETHER: Final = 3
_DEVIATIONS: Final = 4.0


def usual(rows: Rows, characteristic: Characteristic, *, timed: bool) -> Bools:
    """Return which rows show what is usual: conforming, and not suspect where rows have an order in time."""
    bad = nonconforming(rows, characteristic)
    return np.asarray(~(bad | suspect(bad, rows.group)) if timed else ~bad)


def suspect(bad: Bools, group: NDArray[np.object_]) -> Bools:
    """Return which rows, in order of time, lie where bad ones come together; stretches end where the group changes."""
    expected = float(np.mean(bad)) * (2 * AROUND + 1) if len(bad) else 0.0
    together = np.zeros(len(bad))
    borders = np.flatnonzero(group[1:] != group[:-1]) + 1 if len(bad) else np.zeros(0, dtype=np.int64)
    for rows in np.split(np.arange(len(bad)), borders):
        counted = np.concatenate(([0], np.cumsum(bad[rows])))
        place = np.arange(len(rows))
        until = np.minimum(place + AROUND + 1, len(rows))
        together[rows] = counted[until] - counted[np.maximum(place - AROUND, 0)]
    return np.asarray(together >= max(_LEAST_TOGETHER, expected + _DEVIATIONS * np.sqrt(expected)))
