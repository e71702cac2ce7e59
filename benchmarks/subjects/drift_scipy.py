"""SciPy at `drift`: ks_2samp, feature by feature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scipy.stats import ks_2samp

from subjects.drift_arrays import FEATURES, load, timed


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """Return the loop over all features."""
    before, window = load(work["folder"])
    return timed(
        lambda: max(float(ks_2samp(before[:, place], window[:, place]).statistic) for place in range(FEATURES))
    )
