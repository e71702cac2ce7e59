"""pandas at `features`: built-in aggregates of one grouping over all readings after the fact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from measuring.clocks import per_cpu_second
from subjects.workload import BEGIN, CYCLE, readings, summary


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run of the grouping over the work's readings."""
    data = readings(work)
    frame = pd.DataFrame(data._asdict())

    def run() -> dict[str, object]:
        passed = frame["time"] - BEGIN
        cycle, seconds = passed // CYCLE, passed % CYCLE / 1e9
        columns = {"cycle": cycle, "signal": frame["signal"], "value": frame["value"], "t": seconds}
        wide = pd.DataFrame(columns | {"tv": seconds * frame["value"], "tt": seconds * seconds})
        groups = wide.groupby(["cycle", "signal"], sort=False)
        table = groups["value"].agg(["mean", "min", "max", "std"])
        sums, counts = groups[["t", "value", "tv", "tt"]].sum(), groups.size()
        table["slope"] = (sums["tv"] - sums["t"] * sums["value"] / counts) / (sums["tt"] - sums["t"] ** 2 / counts)
        table["p95"] = groups["value"].quantile(0.95)
        return {"version": pd.__version__, **summary(np.asarray(table.to_numpy()))}

    run()
    return per_cpu_second(len(data.signal), run)
