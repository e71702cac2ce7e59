"""What `explain` is measured on: LightGBM's trees (300 of 31 leaves over 200 features), and rows with gaps."""

from __future__ import annotations

from pathlib import Path

import lightgbm
import numpy as np

FEATURES = 200
ROWS = 20_000
TREES = 300
LEAVES = 31


def make(folder: Path) -> None:
    """Learn, and write `forest.txt` (LightGBM) and `forest_rows.npy`."""
    chance = np.random.default_rng(0)
    rows = chance.normal(size=(ROWS, FEATURES)).astype(np.float32)
    bad = rows[:, :8].sum(axis=1) + rows[:, 8] * rows[:, 9] + chance.normal(size=ROWS) > 3.0
    rows[chance.random(rows.shape) < 0.02] = np.nan
    settings = {
        "objective": "binary",
        "num_leaves": LEAVES,
        "learning_rate": 0.05,
        "min_child_samples": 10,
        "num_threads": 1,
        "verbosity": -1,
    }
    booster = lightgbm.train(settings, lightgbm.Dataset(rows, bad.astype(np.int64)), num_boost_round=TREES)
    booster.save_model(folder / "forest.txt")
    np.save(folder / "forest_rows.npy", rows[:256])
