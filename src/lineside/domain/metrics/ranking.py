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


def above_each(bad: Bools, score: Floats) -> Floats:
    """Return for each bad unit the share of good units that score above it, ties counting half.

    Its placement value (Pepe and Cai, Biometrics 60, 2004): the least false-alarm rate at which the unit is found. One
    less its mean is `roc_auc`. Shape ``(bad,)``, in order; there must be good units.
    """
    good = np.sort(score[~bad])
    below, up_to = (np.searchsorted(good, score[bad], side) for side in ("left", "right"))
    return np.asarray(1.0 - (below + up_to) / (2.0 * len(good)), dtype=np.float64)


def found_within(above: Floats, rate: float) -> Floats:
    """Return how far each bad unit is found at false-alarm rates from 0 to ``rate``: 1 before any, 0 at none of them.

    The mean is the partial area under the ROC curve up to ``rate``, divided by ``rate`` (McClish, Medical Decision
    Making 9, 1989). ``above`` is that of `above_each`.
    """
    return np.asarray(1.0 - np.minimum(above, rate) / rate, dtype=np.float64)
