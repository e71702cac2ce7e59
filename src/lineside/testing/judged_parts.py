"""Judged parts for tests, from lists of what they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lineside.domain.performance.judged import JudgedParts
from lineside.domain.units import HOUR, SECOND


def made_of(
    alarm: Sequence[int], bad: Sequence[int], known: Sequence[int], risk: Sequence[float] | None = None
) -> JudgedParts:
    """Return parts judged a second apart, whose truth comes after two hours."""
    count = len(alarm)
    return JudgedParts(
        judged=np.arange(count, dtype=np.int64) * SECOND,
        delay=np.full(count, SECOND // 10, dtype=np.int64),
        could=np.ones(count, dtype=np.bool_),
        outside=np.zeros(count, dtype=np.bool_),
        warming=np.zeros(count, dtype=np.bool_),
        alarm=np.array(alarm, dtype=np.bool_),
        risk=np.full(count, np.nan) if risk is None else np.array(risk),
        known=np.array(known, dtype=np.bool_),
        bad=np.array(bad, dtype=np.bool_),
        lag=np.full(count, 2 * HOUR, dtype=np.int64),
        contradicted=np.zeros(count, dtype=np.bool_),
    )
