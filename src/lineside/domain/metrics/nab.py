"""The score of the Numenta Anomaly Benchmark, standard profile.

From Lavin and Ahmad, "Evaluating real-time anomaly detection algorithms: the Numenta Anomaly Benchmark", ICMLA
2015, sections II.B to II.D. Each labelled window earns by its earliest detection, through a sigmoid that falls
from the window's left edge; a detection outside costs up to 0.11, less shortly behind a window; a window without
detection costs 1. Over all series, 100 is a perfect detector and 0 one that never speaks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

A_TP: Final = 1.0
A_FP: Final = 0.11
A_FN: Final = 1.0
"""Weights of the standard profile (the paper's table of application profiles)."""

FAR_BEHIND: Final = 3.0
"""Window lengths behind a window after which a false detection costs in full."""


@dataclass(frozen=True, slots=True)
class Window:
    """A labelled window of one series, by row position: ``first`` to ``last``, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """Rows in the window."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class NabSeries:
    """One series: its windows ascending, the rows detected, and the probationary rows that do not count."""

    windows: tuple[Window, ...]
    detections: tuple[int, ...]
    probation: int


def scaled_sigmoid(position: float) -> float:
    """Return ``2 / (1 + exp(5 y)) - 1``; -1 where ``y`` is beyond three window lengths."""
    return -1.0 if position > FAR_BEHIND else 2.0 / (1.0 + math.exp(5.0 * position)) - 1.0


def raw_score(series: NabSeries) -> float:
    """Return the sum of what the windows earn, the false detections cost and the missed windows cost."""
    windows = [window for window in series.windows if window.last >= series.probation]
    detections = sorted(row for row in set(series.detections) if row >= series.probation)
    earned = sum(_window_score(window, detections) for window in windows)
    return earned + sum(_false_score(row, windows) for row in detections if not _inside(row, windows))


def nab_score(series: Iterable[NabSeries]) -> float:
    """Return the normalised score over series: ``100 (raw - null) / (perfect - null)``; NaN without a window."""
    items = list(series)
    windows = sum(window.last >= item.probation for item in items for window in item.windows)
    if not windows:
        return float("nan")
    null, perfect = -A_FN * windows, A_TP * windows
    return 100.0 * (sum(raw_score(item) for item in items) - null) / (perfect - null)


def _window_score(window: Window, detections: Sequence[int]) -> float:
    first = next((row for row in detections if window.first <= row <= window.last), None)
    if first is None:
        return -A_FN
    position = -(window.last - first + 1) / window.length
    return A_TP * scaled_sigmoid(position) / scaled_sigmoid(-1.0)


def _false_score(row: int, windows: Sequence[Window]) -> float:
    before = [window for window in windows if window.last < row]
    if not before:
        return -A_FP
    behind = (row - before[-1].last) / max(before[-1].length - 1, 1)
    return A_FP * scaled_sigmoid(behind)


def _inside(row: int, windows: Sequence[Window]) -> bool:
    return any(window.first <= row <= window.last for window in windows)
