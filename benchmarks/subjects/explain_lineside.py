"""Lineside at `explain`: exact Shapley values by its own kernel, prepared once as the board does it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from lineside.domain.judging.shapley import shapley_table, shapley_values
from lineside.learn.boosting import Boosted, tables
from measuring.clocks import quantiles_of


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, float]]:
    """Return a run over single rows; ``worst`` is the greatest difference from LightGBM's own values."""
    folder = Path(work["folder"])
    booster = lightgbm.Booster(model_file=str(folder / "forest.txt"))
    table = shapley_table(tables(Boosted(booster=booster, outputs=1))[0])
    rows, one = np.load(folder / "forest_rows.npy"), np.ones(1, dtype=np.float32)
    reference = booster.predict(rows, pred_contrib=True, num_threads=1)[:, :-1]
    worst = float(np.abs([shapley_values(table, row, one) for row in rows] - reference).max())
    turns = cycle(rows)
    return lambda: {
        "worst": worst,
        **quantiles_of(lambda: shapley_values(table, next(turns), one), calls=2_000, warm_up=200),
    }
