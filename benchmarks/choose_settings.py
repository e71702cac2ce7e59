"""How memory, lags, drift and margin of the plans were chosen: from training parts only, with simulated faults.

    python benchmarks/choose_settings.py --out DIR --data DIR [--only SET]

Nothing that a backtest judges is read here. From each set come only rows that its protocol gives to learning, or
that no protocol uses:

- ``tep``: ``d00`` to learn, the first half of ``d00_te`` cut in two: one to set the limit, the other to judge;
- ``skab``: stretches of the fault-free run, which is no part of the benchmark's 34 experiments;
- ``nab_machine``, ``nab_ambient``: the first 750 rows of each series.

Every candidate learns, sets its limit on rows of its own, and is then judged on later normal rows (share of false
alarms) and on the same rows with a fault added to one signal at a time: a step, a ramp, more noise. Of the
candidates that stay within the set's share of false alarms, the one that has most rows of the faults in alarm is
taken. The trail, every candidate with its figures, is written as CSV.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lineside.adapters.tables import read_table
from lineside.domain.limits import serial_limit
from lineside.learn.normal import NormalModel, fit_normal, normal_scores

Rows = NDArray[np.float64]
RATE = 0.01
SKAB_SIGNALS = (
    "Accelerometer1RMS", "Accelerometer2RMS", "Current", "Pressure", "Temperature", "Thermocouple", "Voltage",
    "Volume Flow RateRMS",
)  # fmt: skip
SKAB_TEMPERATURES = (4, 5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A setting of the plan, with what came of it."""

    exclude: str
    memory: float
    lags: int
    drift: float
    margin: float
    false_alarms: float
    detected: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Trial:
    """Normal rows in order: ``learn`` and ``limit`` first, the rest is judged; faults begin at ``onset``.

    ``before`` are rows of another run to learn from, where there is one; then ``learn`` is 0.
    """

    rows: Rows
    learn: int
    limit: int
    onset: int
    before: Rows | None = None
    end: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Search:
    """What is tried for one set, and the share of false alarms it must stay within (the worst or mean trial)."""

    trials: tuple[Trial, ...]
    most_false: float
    worst: bool
    memory: tuple[float, ...] = (1.0, 0.3, 0.1, 0.05)
    lags: tuple[int, ...] = (0, 1, 3)
    drift: tuple[float, ...] = (0.0, 0.003, 0.01, 0.03)
    margin: tuple[float, ...] = (1.0, 1.25, 1.5, 2.0, 3.0, 4.0)
    excludes: dict[str, tuple[int, ...]] = field(default_factory=lambda: {"": ()})
    sizes: tuple[float, ...] = (3.0, 8.0)
    every: int = 1


def tep_search(source: Path) -> Search:
    """Both halves of the first half of the normal test run serve once as limit and once as later rows."""
    runs = np.load(source / "tep" / "tep_test_float32.npz")
    learned, normal = runs["d00"].astype(np.float64), runs["d00_te"][:480].astype(np.float64)
    turned = np.concatenate((normal[240:], normal[:240]))
    trials = tuple(Trial(rows=rows, learn=0, limit=240, onset=280, before=learned) for rows in (normal, turned))
    return Search(
        trials=trials, most_false=0.01, worst=True, lags=(0, 1, 2), margin=(1.0, 1.1, 1.2, 1.35, 1.5), every=4
    )


def skab_search(source: Path) -> Search:
    """Stretches of the fault-free run as long as an experiment: 400 rows to learn (and limit), 750 later ones."""
    table = read_table(source / "skab" / "anomaly-free" / "anomaly-free.csv")
    rows = np.column_stack([table.numbers(name) for name in SKAB_SIGNALS])
    trials = tuple(
        Trial(rows=rows[start : start + 1150], learn=280, limit=120, onset=600, end=1000)
        for start in range(0, len(rows) - 1150, 1500)
    )
    excludes = {"": (), "motor_temperature water_temperature": SKAB_TEMPERATURES}
    return Search(trials=trials, most_false=0.10, worst=False, lags=(0,), excludes=excludes)


def nab_search(source: Path, series: str) -> Search:
    """The start of one series; the margin is given, since so few rows cannot promise a rate for so many."""
    table = read_table(source / "nab_temperature" / f"{series}_temperature_system_failure.csv")
    trial = Trial(rows=table.numbers("value")[:750, None], learn=367, limit=158, onset=600)
    return Search(trials=(trial,), most_false=0.0, worst=True, margin=(3.0,), sizes=(-10.0, -5.0, 5.0, 10.0))


def learned(trial: Trial, settings: tuple[float, int, float]) -> NormalModel:
    """Return what is learned from the trial's first rows, or from those of another run."""
    weight, lags, drift = settings
    shape = trial.rows[: trial.learn] if trial.before is None else trial.before
    return fit_normal(shape, _one_group(len(shape)), weight=weight, lags=lags, rate=RATE, drift=drift)


def judged(model: NormalModel, trial: Trial, rows: Rows) -> tuple[Rows, float]:
    """Return the scores of all rows, the memory running through, and the limit."""
    score = normal_scores(model, rows, _one_group(len(rows)))
    basis = score[trial.learn : trial.learn + trial.limit]
    return np.nan_to_num(score), serial_limit(basis[np.isfinite(basis)], RATE).value


def faults(trial: Trial, search: Search) -> Iterator[Rows]:
    """Yield the rows with a step, a ramp or more noise in one signal from the onset on."""
    basis = trial.rows[: trial.learn] if trial.before is None else trial.before
    deviation = basis.std(axis=0)
    behind = len(trial.rows) - trial.onset
    rng = np.random.default_rng(0)
    for column in range(0, trial.rows.shape[1], search.every):
        for size in search.sizes:
            shapes = (np.full(behind, size), np.linspace(0.0, size, behind), rng.normal(0.0, abs(size) / 2, behind))
            for shape in shapes:
                changed = trial.rows.copy()
                changed[trial.onset :, column] += shape * deviation[column]
                yield changed


def candidates(search: Search) -> Iterator[Candidate]:
    """Try every setting; margins share their scores."""
    width = search.trials[0].rows.shape[1]
    for exclude, left_out in search.excludes.items():
        columns = [column for column in range(width) if column not in left_out]
        for settings in itertools.product(search.memory, search.lags, search.drift):
            false, found = _tried(search, columns, settings)
            for place, margin in enumerate(search.margin):
                share = float(np.max(false[:, place]) if search.worst else np.mean(false[:, place]))
                memory, lags, drift = settings
                yield Candidate(
                    exclude=exclude, memory=memory, lags=lags, drift=drift, margin=margin,
                    false_alarms=round(share, 4), detected=round(float(np.mean(found[:, place])), 4),
                )  # fmt: skip


def _tried(search: Search, columns: list[int], settings: tuple[float, int, float]) -> tuple[Rows, Rows]:
    false, found = [], []
    margins = np.array(search.margin)
    for whole in search.trials:
        before = None if whole.before is None else whole.before[:, columns]
        trial = replace(whole, rows=whole.rows[:, columns], before=before)
        model = learned(trial, settings)
        score, limit = judged(model, trial, trial.rows)
        false.append((score[trial.learn + trial.limit :, None] > limit * margins).mean(axis=0))
        for changed in faults(trial, search):
            score, limit = judged(model, trial, changed)
            found.append((score[trial.onset : trial.end, None] > limit * margins).mean(axis=0))
    return np.array(false), np.array(found)


def _one_group(rows: int) -> NDArray[np.object_]:
    return np.full(rows, "", dtype=object)


def main() -> None:
    """Search, write the trail, and print what was taken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    searches = {
        "tep": tep_search,
        "skab": skab_search,
        "nab_machine": lambda source: nab_search(source, "machine"),
        "nab_ambient": lambda source: nab_search(source, "ambient"),
    }
    parser.add_argument("--only", choices=tuple(searches), action="append")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.only or searches:
        print(f"== {name}", file=sys.stderr)
        search = searches[name](arguments.data)
        tried = list(candidates(search))
        with (arguments.out / f"choices_{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(asdict(tried[0])))
            writer.writeheader()
            writer.writerows(asdict(item) for item in tried)
        within = [item for item in tried if item.false_alarms <= search.most_false]
        for item in sorted(within, key=lambda item: -item.detected)[:5]:
            print(name, asdict(item), flush=True)


if __name__ == "__main__":
    main()
