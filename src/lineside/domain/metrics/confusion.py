"""Counts of right and wrong alarms, and the shares made of them.

Source of the names: Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 27 (2006), section 2.
Process monitoring calls recall the fault detection rate (FDR) and the false-positive share the false alarm
rate (FAR): Yin et al., Journal of Process Control 22 (2012) 1567-1581, section 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]


def share(part: float, whole: float) -> float:
    """Return ``part / whole``, NaN where there is no whole."""
    return float(part) / float(whole) if whole else float("nan")


@dataclass(frozen=True, kw_only=True, slots=True)
class Confusion:
    """Units by truth (bad or good) and answer (alarm or none): true/false positives and negatives."""

    tp: int
    fp: int
    tn: int
    fn: int

    @property
    def recall(self) -> float:
        """Share of the bad that were in alarm, TP/(TP+FN): also FDR, hit rate, sensitivity."""
        return share(self.tp, self.tp + self.fn)

    @property
    def precision(self) -> float:
        """Share of the alarms that were right, TP/(TP+FP); NaN where there was no alarm."""
        return share(self.tp, self.tp + self.fp)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, 2TP/(2TP+FP+FN) (van Rijsbergen 1979)."""
        return share(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def false_alarm_rate(self) -> float:
        """Share of the good that were in alarm, FP/(FP+TN): FAR."""
        return share(self.fp, self.fp + self.tn)

    @property
    def missed_alarm_rate(self) -> float:
        """Share of the bad that were not in alarm, FN/(FN+TP): MAR."""
        return share(self.fn, self.fn + self.tp)

    @property
    def accuracy(self) -> float:
        """Share of all that were answered rightly."""
        return share(self.tp + self.tn, self.tp + self.fp + self.tn + self.fn)


def confusion(bad: Bools, alarm: Bools) -> Confusion:
    """Count units by truth and answer; both columns have shape ``(n,)``."""
    return Confusion(
        tp=int(np.sum(bad & alarm)),
        fp=int(np.sum(~bad & alarm)),
        tn=int(np.sum(~bad & ~alarm)),
        fn=int(np.sum(bad & ~alarm)),
    )


def class_accuracy(truth: Sequence[str], predicted: Sequence[str]) -> float:
    """Return the share of units whose class was predicted rightly; NaN for none."""
    return share(sum(a == b for a, b in zip(truth, predicted, strict=True)), len(truth))


def accuracy_per_class(truth: Sequence[str], predicted: Sequence[str]) -> dict[str, float]:
    """Return for each class present, in sorted order, the share of its units that were predicted as it."""
    pairs = list(zip(truth, predicted, strict=True))
    return {
        name: share(sum(a == b == name for a, b in pairs), sum(a == name for a, _ in pairs))
        for name in sorted(set(truth))
    }
