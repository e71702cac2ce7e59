"""Bytewax at `features`: keyed tumbling windows that collect, and numpy when a window closes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
from bytewax import operators
from bytewax.dataflow import Dataflow
from bytewax.operators import windowing
from bytewax.testing import TestingSink, TestingSource, run_main

from measuring.clocks import per_cpu_second
from subjects.arrays import features_of
from subjects.workload import BEGIN, readings, summary

ORIGIN = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


def _close(item: tuple[str, tuple[int, list[Any]]]) -> tuple[float, ...]:
    rows = item[1][1]
    return features_of(np.array([row[3] for row in rows]), np.array([row[2] for row in rows]))


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run of the dataflow over the work's readings; building the items is not measured."""
    data = readings(work)
    seconds = ((data.time - BEGIN) * 1e-9).tolist()
    moments = [ORIGIN + dt.timedelta(seconds=passed) for passed in seconds]
    items = list(
        zip([f"s{number}" for number in data.signal.tolist()], moments, data.value.tolist(), seconds, strict=True)
    )

    def run() -> dict[str, object]:
        out: list[tuple[float, ...]] = []
        flow = Dataflow("features")
        arriving = operators.input("in", flow, TestingSource(items, batch_size=int(work["batch"])))
        keyed = operators.key_on("key", arriving, lambda item: item[0])
        clock = windowing.EventClock(lambda item: item[1], dt.timedelta(milliseconds=500))
        windows = windowing.TumblingWindower(length=dt.timedelta(seconds=30), align_to=ORIGIN)
        collected = windowing.collect_window("window", keyed, clock, windows)
        operators.output("out", operators.map("close", collected.down, _close), TestingSink(out))
        run_main(flow)
        return {"version": version("bytewax"), **summary(np.array(out))}

    return per_cpu_second(len(items), run)
