"""Lineside at `score`: the judge that gateway and backtest use; checks, score, risk, limit, contributions in words."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from lineside.adapters.onnx_judge import OnnxJudge
from lineside.testing.modelling import STATION, part_record
from lineside.wire.bundle import unpack_bundle
from measuring.clocks import quantiles_of
from subjects.trees import plan_of_trees


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, float]]:
    """Return a run over single parts."""
    folder, plan = Path(work["folder"]), plan_of_trees()
    judge = OnnxJudge(plan, STATION, [unpack_bundle((folder / "trees.bundle").read_bytes())]).open()
    rows = np.load(folder / "rows.npy")
    parts = cycle([part_record(plan, row, number) for number, row in enumerate(rows)])
    return lambda: quantiles_of(lambda: judge.judge(next(parts), 0), calls=2_000, warm_up=200)
