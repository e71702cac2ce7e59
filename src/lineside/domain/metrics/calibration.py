"""Whether a risk of 0.3 means three in ten."""

from __future__ import annotations

import numpy as np

from lineside.domain.metrics.confusion import Bools
from lineside.domain.metrics.ranking import Floats


def expected_calibration_error(hit: Bools, probability: Floats, bins: int = 10) -> float:
    """Return the mean distance between claimed probability and observed share, weighted by units per bin.

    Bins of equal width over (0, 1], the first including 0 (Guo et al., "On calibration of modern neural
    networks", ICML 2017, section 2). For a risk, ``hit`` says that the unit was bad; for a class, that the
    class predicted with ``probability`` was the true one. NaN for no units.
    """
    if len(hit) == 0:
        return float("nan")
    place = np.clip(np.ceil(probability * bins).astype(np.int64) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    claimed = np.bincount(place, weights=probability, minlength=bins)
    observed = np.bincount(place, weights=hit.astype(np.float64), minlength=bins)
    return float(np.abs(claimed - observed).sum() / count.sum())


def brier_score(bad: Bools, risk: Floats) -> float:
    """Return the mean squared distance of risk and truth (Brier, Monthly Weather Review 78, 1950); NaN for none."""
    return float(np.mean((risk - bad) ** 2)) if len(bad) else float("nan")
