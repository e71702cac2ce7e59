"""shap at `explain`: `TreeExplainer`'s path-dependent values of one row."""

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
    explainer = shap.TreeExplainer(lightgbm.Booster(model_file=str(folder / "forest.txt")))
    rows = cycle(np.load(folder / "forest_rows.npy")[:, None, :])
    return lambda: {
        "version": shap.__version__,
        **quantiles_of(lambda: explainer.shap_values(next(rows)), calls=300, warm_up=30),
    }
