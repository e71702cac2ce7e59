"""The limit of `decide`: the bare kernel closes 200 buffers, and ONNX Runtime alone scores what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from measuring.clocks import Calls
from subjects.features_limit import ROOM, finish
from subjects.workload import PER_CYCLE

CALLS = 200


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, float]]:
    """Return a run that closes and scores the same full buffers again and again."""
    signals = int(work["signals"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    model = (Path(work["folder"]) / f"{work['family']}.onnx").read_bytes()
    session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
    chance = np.random.default_rng(7)
    original = chance.normal(size=(signals, ROOM))
    times_of = np.tile(np.arange(ROOM) * 0.1, (signals, 1))
    cycle_of, count = np.zeros(signals, np.int64), np.full(signals, PER_CYCLE, np.int64)
    table = np.empty((1, signals, 6))
    width = session.get_inputs()[0].shape[1]

    def close_and_score(kept: NDArray[np.float64]) -> None:
        finish(cycle_of, count, kept, times_of, table)
        session.run(["score"], {"x": table.reshape(1, -1)[:, :width].astype(np.float32)})

    def run() -> dict[str, float]:
        times = Calls()
        for _ in range(CALLS):
            kept = original.copy()
            times.time(lambda kept=kept: close_and_score(kept))
        return times.answer()

    run()
    return run
