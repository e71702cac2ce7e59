"""Errors of predicted values, and whether their intervals hold what they promise."""

from __future__ import annotations

import numpy as np

from lineside.domain.metrics.ranking import Floats


def rmse(truth: Floats, predicted: Floats) -> float:
    """Return the root of the mean squared error, in the unit of the values; NaN for none."""
    return float(np.sqrt(np.mean((truth - predicted) ** 2))) if len(truth) else float("nan")


def interval_coverage(truth: Floats, low: Floats, high: Floats) -> float:
    """Return the share of values inside their closed interval ``[low, high]``; NaN for none.

    Empirical coverage as in Vovk, Gammerman and Shafer, "Algorithmic learning in a random world", 2005.
    """
    return float(np.mean((truth >= low) & (truth <= high))) if len(truth) else float("nan")
