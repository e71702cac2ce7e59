"""LightGBM at `explain`: its own exact contributions of one row."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from measuring.clocks import quantiles_of


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run over single rows."""
    folder = Path(work["folder"])
    booster = lightgbm.Booster(model_file=str(folder / "forest.txt"))
    rows = cycle(np.load(folder / "forest_rows.npy")[:, None, :])

    def one() -> None:
        booster.predict(next(rows), pred_contrib=True, num_threads=1)

    return lambda: {"version": lightgbm.__version__, **quantiles_of(one, calls=300, warm_up=30)}
