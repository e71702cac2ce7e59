"""Evidently at `drift`: its preset for drift with the KS test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

from subjects.drift_arrays import FEATURES, load, timed


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """Return the report."""
    before, window = load(work["folder"])
    names = [f"f{place}" for place in range(FEATURES)]
    reference, current = pd.DataFrame(before, columns=names), pd.DataFrame(window, columns=names)
    definition = DataDefinition(numerical_columns=names)

    def run() -> float:
        old = Dataset.from_pandas(reference, data_definition=definition)
        new = Dataset.from_pandas(current, data_definition=definition)
        Report([DataDriftPreset(num_method="ks")]).run(new, old)
        return 0.0

    return timed(run)
