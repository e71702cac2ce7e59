"""Made-up parts as a type of their own, so that none can be taken for an observed one.

`Augmented` is no `Rows`. It has no unit, time or group, so that nothing that judges, sets limits, calibrates or counts
takes it; `features_with` and `outcomes_with` are the only way out, into a fit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineside.domain.readings import Float64, Int64
from lineside.learn.rows import Rows


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Augmented:
    """Made-up parts, for fits alone; ``source`` are the observed rows that they were moved from."""

    features: Float64
    outcome: NDArray[np.object_]
    source: Int64

    def __len__(self) -> int:
        """Return the number of made-up parts."""
        return len(self.features)

    def features_with(self, rows: Rows) -> Float64:
        """Return the features of observed rows and, behind them, of made-up parts."""
        return np.vstack((rows.features, self.features))

    def outcomes_with(self, rows: Rows) -> NDArray[np.object_]:
        """Return the outcomes of observed rows and, behind them, of made-up parts."""
        return np.concatenate((rows.outcome, self.outcome))


Augment = Callable[[Rows], Augmented | None]
"""Makes parts up from observed ones; None where there is nothing to make: no gap, or no feature that responds."""
