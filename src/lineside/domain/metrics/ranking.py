"""How well a score ranks bad above good, without any limit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lineside.domain.metrics.confusion import Bools

Floats = NDArray[np.float64]


def average_precision(bad: Bools, score: Floats) -> float:
    """Return the average precision: sum over distinct scores, descending, of ``(R_k - R_(k-1)) P_k``.

    Precision-weighted steps of recall without interpolation (Manning, Raghavan and Schuetze, "Introduction to
    Information Retrieval", 2008, section 8.4). Equal scores count as one step. NaN where nothing is bad.
    """
    if not bad.any():
        return float("nan")
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    hits = np.cumsum(bad[order])[ends]
    precision = hits / (ends + 1)
    recall = hits / bad.sum()
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def roc_auc(bad: Bools, score: Floats) -> float:
    """Return the chance that a bad unit scores above a good one, ties counting half.

    The Mann-Whitney form of the area under the ROC curve (Hanley and McNeil, Radiology 143, 1982). NaN unless
    there are both bad and good units.
    """
    n_bad, n_good = int(bad.sum()), int((~bad).sum())
    if not n_bad or not n_good:
        return float("nan")
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(count) - (count - 1) / 2
    rank_sum = mean_rank[place][bad].sum()
    return float((rank_sum - n_bad * (n_bad + 1) / 2) / (n_bad * n_good))
