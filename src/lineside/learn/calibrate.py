"""From raw scores to probabilities, by scores of rows that the model had not seen.

One slope for all classes and one offset per class, by greatest likelihood: Platt's scaling for two classes (Platt,
1999), bias-corrected temperature scaling for more (Alexandari, Kundaje and Shrikumar, ICML 2020). So few parameters do
not overfit, and they put right what class weights distort. Two pseudo-rows spread over the classes keep a perfect
separation from claiming certainty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from lineside.domain.readings import Float64, Int64

_FLATTEST: Final = 1e-3
_STEEPEST: Final = 1e2


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Calibration:
    """Log-odds of class ``k`` are ``slope * raw_k + offset_k`` (up to a common term); ``offsets`` ``(classes,)``."""

    slope: float
    offsets: Float64

    def logits(self, raw: Float64) -> Float64:
        """Return calibrated logits ``(r, classes)`` of raw scores ``(r, outputs)``."""
        return self.slope * full_scores(raw) + self.offsets


def full_scores(raw: Float64) -> Float64:
    """Return raw scores with a column per class: a single one is that of class 1 against 0."""
    return np.column_stack([np.zeros(len(raw)), raw[:, 0]]) if raw.shape[1] == 1 else raw


def calibrate(raw: Float64, label: Int64) -> Calibration:
    """Return the calibration that held-out raw scores ``(r, outputs)`` and their classes ask for."""
    scores = full_scores(raw)
    classes = scores.shape[1]
    aimed = np.eye(classes)[label]
    # Platt's prior: a little of every row belongs to the other classes.
    aimed = (aimed * len(label) + 2.0 / classes) / (len(label) + 2.0)

    def loss(parameters: Float64) -> tuple[float, Float64]:
        slope = np.exp(parameters[0])
        logits = slope * scores + np.append(0.0, parameters[1:])
        wrong = softmax(logits, axis=1) - aimed
        value = float(np.mean(logsumexp(logits, axis=1) - np.sum(aimed * logits, axis=1)))
        by_slope = float(np.mean(np.sum(wrong * scores, axis=1))) * slope
        return value, np.append(by_slope, wrong.mean(axis=0)[1:])

    bounds = [(np.log(_FLATTEST), np.log(_STEEPEST))] + [(-50.0, 50.0)] * (classes - 1)
    found = minimize(loss, np.zeros(classes), jac=True, method="L-BFGS-B", bounds=bounds)
    return Calibration(slope=float(np.exp(found.x[0])), offsets=np.append(0.0, found.x[1:]))


def lean(logits: Float64, label: Int64, bad: Int64, least_recall: float) -> float:
    """Return what must be added to the logits of the nonconforming classes so that enough parts of them are named.

    Of ``n`` held-out nonconforming parts, with ``m_1 <= ... <= m_n`` by how much their nonconforming logit is ahead,
    the lead ``m_k``, ``k = floor((n + 1)(1 - least_recall))``, is reached by a later one with probability
    ``least_recall`` at least, if they are exchangeable (split-conformal, as for limits). 0 where it is positive anyway,
    or where there are too few parts to say.
    """
    rest = np.setdiff1d(np.arange(logits.shape[1]), bad)
    is_bad = np.isin(label, bad)
    ahead = np.sort(logits[is_bad][:, bad].max(axis=1) - logits[is_bad][:, rest].max(axis=1))
    rank = int(np.floor((len(ahead) + 1) * (1.0 - least_recall) + 1e-9))
    return max(0.0, -float(ahead[rank - 1])) if 1 <= rank <= len(ahead) else 0.0


def log_odds(logits: Float64, bad: Int64) -> Float64:
    """Return the log-odds, per row, that the class is one of ``bad``."""
    rest = np.setdiff1d(np.arange(logits.shape[1]), bad)
    result: Float64 = logsumexp(logits[:, bad], axis=1) - logsumexp(logits[:, rest], axis=1)
    return result
