"""Small prototypes and the data that they were made from, honest or flattered in a known way, for tests of adoption."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import lightgbm
import numpy as np
from numpy.typing import NDArray

from lineside.domain.plan.model import Plan
from lineside.domain.readings import Float64
from lineside.testing.modelling import modelling_plan

DAY_SECONDS: Final = 86_400
_START: Final = 1_790_000_000 // DAY_SECONDS * DAY_SECONDS
SETTINGS: Final[dict[str, Any]] = {
    "objective": "binary", "verbosity": -1, "num_threads": 1, "deterministic": True, "seed": 0, "num_leaves": 15,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Parts:
    """Parts as a data scientist has them: inputs by name, whether bad, and seconds since the epoch."""

    names: tuple[str, ...]
    inputs: Float64
    bad: NDArray[np.bool_]
    seconds: NDArray[np.int64]

    def write(self, path: Path, **further: Sequence[object]) -> Path:
        """Write a CSV file with a column of times, the inputs, further columns, and the outcome."""
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["time", *self.names, *further, "porosity"])
            for row in range(len(self.bad)):
                cells = ["" if np.isnan(x) else repr(float(x)) for x in self.inputs[row]]
                more = [values[row] for values in further.values()]
                writer.writerow([int(self.seconds[row]), *cells, *more, int(self.bad[row])])
        return path


def honest_parts(count: int = 1200, seed: int = 0, days: int = 20) -> Parts:
    """Return parts that are independent of each other: bad where two inputs say so, with noise."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(count, 4))
    bad = inputs[:, 0] + inputs[:, 1] + rng.normal(0.0, 1.0, count) > 1.5
    seconds = _START + (np.arange(count) * days * DAY_SECONDS) // count
    return Parts(names=("x0", "x1", "x2", "x3"), inputs=inputs, bad=bad, seconds=seconds)


def day_parts(count: int = 1200, seed: int = 0, days: int = 20) -> Parts:
    """Return parts whose day decides both how bad they are and where two inputs lie: nothing else is to be learned."""
    rng = np.random.default_rng(seed)
    day = np.arange(count) * days // count
    inputs = rng.normal(size=(count, 4)) * 0.05 + np.c_[rng.normal(size=(days, 2)), np.zeros((days, 2))][day]
    bad = rng.random(count) < np.where(rng.random(days) < 0.4, 0.7, 0.05)[day]
    seconds = _START + (np.arange(count) * days * DAY_SECONDS) // count
    return Parts(names=("x0", "x1", "x2", "x3"), inputs=inputs, bad=bad, seconds=seconds)


def boosted(parts: Parts, rows: NDArray[np.int64] | None = None, rounds: int = 40, **settings: Any) -> lightgbm.Booster:
    """Return boosted trees learned from parts, or some of them, the way notebooks do."""
    chosen = np.arange(len(parts.bad)) if rows is None else rows
    data = lightgbm.Dataset(
        parts.inputs[chosen].astype(np.float32), parts.bad[chosen].astype(float), feature_name=list(parts.names)
    )
    return lightgbm.train({**SETTINGS, **settings}, data, num_boost_round=rounds)


def notebook_model(parts: Parts, path: Path, seed: int = 0) -> Path:
    """Write the file of a model learned from a random four fifths of the parts."""
    order = np.random.default_rng(seed).permutation(len(parts.bad))
    boosted(parts, np.sort(order[: len(order) * 4 // 5])).save_model(path)
    return path


def prototype_plan(**wish: Any) -> Plan:
    """Return a plan of four process signals, timed parts, and the characteristic ``porosity``."""
    return modelling_plan(4, 0, **wish)


CODE: Final = '''
import numpy as np


class Recipe:
    """Distance along the line between the means of good and bad parts."""

    inputs = ("x0", "x1", "x2", "x3")

    def fit(self, rows, bad):
        good, poor = rows[bad == 0].mean(axis=0), rows[bad == 1].mean(axis=0)
        self.way, self.middle = poor - good, (poor + good) / 2
        return self

    def predict_proba(self, rows):
        risk = 1 / (1 + np.exp(-((rows - self.middle) @ self.way)))
        return np.c_[1 - risk, risk]
'''
"""A prototype as a Python class that carries its recipe."""
