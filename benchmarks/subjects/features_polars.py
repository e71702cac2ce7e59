"""Polars at `features`: one query per closed cycle, which is how a live line would use it; one thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from measuring.clocks import per_cpu_second
from subjects.workload import BEGIN, PER_CYCLE, readings, summary


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run of the query over each cycle's readings."""
    data = readings(work)
    frame = pl.DataFrame(data._asdict())
    length = PER_CYCLE * int(work["signals"])
    value, seconds = pl.col("value"), (pl.col("time") - BEGIN) / 1e9
    features = (
        value.mean().alias("mean"),
        value.min().alias("min"),
        value.max().alias("max"),
        value.std().alias("std"),
        (pl.cov(seconds, value) / seconds.var()).alias("slope"),
        value.quantile(0.95, "linear").alias("p95"),
    )

    def run() -> dict[str, object]:
        tables = [
            frame.slice(at, length).lazy().group_by("signal").agg(*features).collect().drop("signal").to_numpy()
            for at in range(0, len(frame), length)
        ]
        return {"version": pl.__version__, **summary(np.concatenate(tables))}

    run()
    return per_cpu_second(len(data.signal), run)
