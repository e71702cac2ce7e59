"""shap at `score`: LightGBM's prediction of one row and `TreeExplainer`'s values of it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import shap

from measuring.clocks import quantiles_of


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run over single rows."""
    folder = Path(work["folder"])
    booster = lightgbm.Booster(model_file=str(folder / "trees.txt"))
    explainer = shap.TreeExplainer(booster)
    rows = cycle(np.load(folder / "rows.npy")[:, None, :])

    def one() -> None:
        row = next(rows)
        booster.predict(row, num_threads=1)
        explainer.shap_values(row)

    return lambda: {"version": shap.__version__, **quantiles_of(one, calls=300, warm_up=30)}
