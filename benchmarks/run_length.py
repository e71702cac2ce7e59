"""How soon charts find small shifts that last: `python benchmarks/run_length.py`.

A model of normal learns from 20,000 independent rows of normal signals, with no memory, with moving averages and with
cumulative sums. Each gets the limit at which its mean run length is 370 rows where nothing has moved, found on rows of
its own, and is shown runs of others in which one signal moves by so many deviations from the first row on. Printed is
the mean number of rows until the first alarm; its standard error is about a hundredth of it.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from lineside.learn.normal import NormalModel, fit_normal, normal_scores

SHIFTS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
QUIET = 370.0
"""Run length of a Shewhart chart of single values with three-sigma limits where nothing has moved."""
RUNS = 2_000
LONGEST = 2_000
CHARTS: dict[str, tuple[float, float]] = {
    "no memory": (1.0, 0.0),
    "memory 0.3": (0.3, 0.0),
    "memory 0.1": (0.1, 0.0),
    "cusum 1": (1.0, 1.0),
    "cusum 0.5": (1.0, 0.5),
    "cusum 0.25": (1.0, 0.25),
}
"""Weight of the moving average and allowance of the cumulative sum of each chart."""
Floats = NDArray[np.float64]


def main() -> None:
    """Print a table for each number of signals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signals", type=int, nargs="+", default=[1, 10])
    for signals in parser.parse_args().signals:
        print("\n".join(table(signals)), flush=True)


def table(signals: int) -> list[str]:
    """Return the run lengths as Markdown."""
    lines = [f"| {signals} signal{'s' if signals > 1 else ''}, one shifted by | {' | '.join(map(str, SHIFTS))} |"]
    lines.append(f"| --- |{' ---: |' * len(SHIFTS)}")
    for name, (weight, allowance) in CHARTS.items():
        model = _model(signals, weight, allowance)
        limit = _limit(np.maximum.accumulate(_scores(model, 0.0, seed=1), axis=1))
        found = [_length(_scores(model, shift, seed=2) > limit) for shift in SHIFTS]
        lines.append(f"| {name} | {' | '.join(f'{value:.1f}' for value in found)} |")
    return lines


def _model(signals: int, weight: float, allowance: float) -> NormalModel:
    rows = np.random.default_rng(0).normal(size=(20_000, signals))
    return fit_normal(rows, _runs(1, len(rows)), weight=weight, lags=0, rate=0.01, allowance=allowance)


def _scores(model: NormalModel, shift: float, seed: int) -> Floats:
    """Return the scores of runs, ``(runs, rows)``."""
    longest = LONGEST if shift < SHIFTS[1] else LONGEST // 4
    rows = np.random.default_rng(seed).normal(size=(RUNS * longest, len(model.centre)))
    rows[:, 0] += shift
    return normal_scores(model, rows, _runs(RUNS, longest)).reshape(RUNS, longest)


def _runs(count: int, rows: int) -> NDArray[np.object_]:
    names = np.array([str(i) for i in range(count)], dtype=object)
    return np.repeat(names, rows)


def _limit(highest: Floats) -> float:
    """Return the limit of run length `QUIET`, by the highest score of each run so far ``(runs, rows)``."""
    low, high = float(highest[:, 0].min()), float(highest.max())
    for _ in range(40):
        middle = (low + high) / 2.0
        low, high = (low, middle) if _length(highest > middle) > QUIET else (middle, high)
    return high


def _length(beyond: NDArray[np.bool_]) -> float:
    """Return the mean number of rows until the first beyond; runs that end before are counted on at their mean rate."""
    ended = beyond.any(axis=1)
    rows = np.where(ended, np.argmax(beyond, axis=1) + 1, beyond.shape[1])
    return float(rows.sum() / max(ended.sum(), 1))


if __name__ == "__main__":
    main()
