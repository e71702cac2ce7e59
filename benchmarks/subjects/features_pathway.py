"""Pathway at `features`: tumbling windows over a table in memory, numpy when a window closes; one thread."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
import pathway as pw

from measuring.clocks import per_cpu_second
from subjects.arrays import features_of
from subjects.workload import BEGIN, readings, summary


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run of the windows over the work's readings; one per process, as the graph is the process's."""
    data = readings(work)
    milliseconds = (data.time - BEGIN) // 1_000_000
    columns = {"signal": data.signal, "at": milliseconds, "t": (data.time - BEGIN) * 1e-9, "value": data.value}
    frame = pd.DataFrame(columns)
    out: list[tuple[float, ...]] = []

    def close(times: tuple[float, ...], values: tuple[float, ...]) -> tuple[float, ...]:
        return features_of(np.array(times), np.array(values))

    def keep(key: object, row: dict[str, Any], time: int, is_addition: bool) -> None:  # noqa: FBT001 - its signature
        del key, time
        if is_addition:
            out.append(row["features"])

    table = pw.debug.table_from_pandas(frame)
    windows = table.windowby(table.at, window=pw.temporal.tumbling(duration=30_000, origin=0), instance=table.signal)
    closed = windows.reduce(features=pw.apply(close, pw.reducers.tuple(pw.this.t), pw.reducers.tuple(pw.this.value)))
    pw.io.subscribe(closed, keep)

    def run() -> dict[str, object]:
        pw.run(monitoring_level=pw.MonitoringLevel.NONE)
        return {"version": version("pathway"), **summary(np.array(out))}

    return per_cpu_second(len(data.signal), run)
