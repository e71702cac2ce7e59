"""NannyML at `drift`: the univariate calculator with KS, fitted and asked."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"

import nannyml
import pandas as pd

from subjects.drift_arrays import FEATURES, load, timed


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """Return fit and calculation."""
    before, window = load(work["folder"])
    names = [f"f{place}" for place in range(FEATURES)]
    reference, current = pd.DataFrame(before, columns=names), pd.DataFrame(window, columns=names)

    def run() -> float:
        calculator = nannyml.UnivariateDriftCalculator(
            column_names=names, continuous_methods=["kolmogorov_smirnov"], chunk_size=len(window)
        )
        calculator.fit(reference)
        found = calculator.calculate(current).filter(period="analysis").to_df()
        return float(max(found[name, "kolmogorov_smirnov", "value"].max() for name in names))

    return timed(run)
