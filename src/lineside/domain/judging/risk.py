"""From a score or an expected value to the probability that a part does not conform."""

from __future__ import annotations

import math

import numpy as np

from lineside.domain.readings import Float64


def logistic(score: float) -> float:
    """Return the probability whose log-odds are ``score``."""
    if score >= 0.0:
        return 1.0 / (1.0 + math.exp(-score))
    odds = math.exp(score)
    return odds / (1.0 + odds)


def risk_outside(value: float, residuals: Float64, lsl: float | None, usl: float | None) -> float | None:
    """Return the probability that the true value lies outside its specification; None without a specification.

    ``residuals`` (measured less expected, ascending, of parts the model had not seen) stand for the error to come; half
    a residual is added to either side, so that ``n`` of them never claim certainty (Krichevsky and Trofimov, 1981).
    """
    if lsl is None and usl is None:
        return None
    count = len(residuals)
    below = 0 if lsl is None else int(np.searchsorted(residuals, lsl - value, side="left"))
    above = 0 if usl is None else count - int(np.searchsorted(residuals, usl - value, side="right"))
    return (below + above + 0.5) / (count + 1.0)
