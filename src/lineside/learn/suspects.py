"""Which parts are suspect: made while something was wrong, though they themselves passed.

A fault makes bad parts among good ones. The good ones are no evidence of what is usual, and an alarm on them is not
false: the alert over them is right. So they set neither a shape nor a limit. A stretch is suspect where more
parts do not conform than chance would bring together: more than the share over all rows leads to expect, by four
standard deviations of a Poisson count, and three at least (compare the scan statistic: Naus, JASA 60, 1965).

What is wrong shows in any characteristic of the station. A leak that makes pores makes no cold shuts; still it is no
calm production that the limit for cold shuts could be set by, and whoever is called to it is called rightly. So parts
that do not conform in another characteristic, and stretches where these come together, are not usual either, unless
that is most of what is made.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.domain.plan.model import Characteristic
from lineside.learn.rows import Rows, nonconforming

Bools = NDArray[np.bool_]
MOST_OTHERWISE: Final = 0.5
"""The share of rows with another defect beyond which these say nothing of what is usual."""
AROUND: Final = 15
"""Rows before and after a row that are looked at with it."""
_LEAST_TOGETHER: Final = 3
_DEVIATIONS: Final = 4.0


def usual(rows: Rows, characteristic: Characteristic, *, timed: bool) -> Bools:
    """Return which rows show what is usual: without defect, and not suspect where rows have an order in time."""
    kinds = [nonconforming(rows, characteristic)]
    if not mostly_otherwise(rows):
        kinds.append(rows.other_defect)
    wrong = [kind | suspect(kind, rows.group) for kind in kinds] if timed else kinds
    return np.asarray(~np.any(wrong, axis=0))


def mostly_otherwise(rows: Rows) -> bool:
    """Return whether so many rows do not conform in another characteristic that this is what is usual."""
    return len(rows) > 0 and float(np.mean(rows.other_defect)) > MOST_OTHERWISE


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
