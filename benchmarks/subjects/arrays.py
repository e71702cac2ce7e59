"""The six features of one signal's cycle, for engines that hand over lists when a window closes; numpy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def features_of(seconds: NDArray[np.float64], value: NDArray[np.float64]) -> tuple[float, ...]:
    """Return mean, least, greatest, sample standard deviation, slope and 95th percentile."""
    off = seconds - seconds.mean()
    slope = float(off @ value / (off @ off))
    simple = (float(value.mean()), float(value.min()), float(value.max()), float(value.std(ddof=1)))
    return (*simple, slope, float(np.percentile(value, 95)))
