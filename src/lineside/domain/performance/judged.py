"""Parts that a model has judged in service, with what was later found of some of them, in columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineside.domain.readings import Float64, Int64

Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class JudgedParts:
    """Parts of one model in the order they were judged; columns of one length ``n``.

    ``judged`` is when (UTC ns) and ``delay`` how long after the newest reading (ns). ``could`` says that the model
    could say anything, ``outside`` that the part was outside of its experience, ``warming`` that it was still learning
    the part's setup, ``alarm`` that it was above its limit; ``risk`` is the calibrated probability of being bad
    (NaN: none). ``known`` says that an outcome has come, ``bad`` what it says, ``lag`` how long after the part (ns).
    ``contradicted`` says that sources disagree on the part.
    """

    judged: Int64
    delay: Int64
    could: Bools
    outside: Bools
    warming: Bools
    alarm: Bools
    risk: Float64
    known: Bools
    bad: Bools
    lag: Int64
    contradicted: Bools

    def __len__(self) -> int:
        """Return the number of parts."""
        return len(self.judged)

    def since(self, time: int) -> JudgedParts:
        """Return the parts judged at or after a time (UTC ns)."""
        return self.take(self.judged >= time)

    def take(self, chosen: Bools) -> JudgedParts:
        """Return the parts that a mask chooses."""
        return JudgedParts(
            judged=self.judged[chosen],
            delay=self.delay[chosen],
            could=self.could[chosen],
            outside=self.outside[chosen],
            warming=self.warming[chosen],
            alarm=self.alarm[chosen],
            risk=self.risk[chosen],
            known=self.known[chosen],
            bad=self.bad[chosen],
            lag=self.lag[chosen],
            contradicted=self.contradicted[chosen],
        )
