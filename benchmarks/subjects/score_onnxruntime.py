"""The limit of `score`: ONNX Runtime alone on the same graph, one thread, no checks and no contributions."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from measuring.clocks import quantiles_of


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, float]]:
    """Return a run over single rows."""
    folder = Path(work["folder"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession((folder / "trees.onnx").read_bytes(), options, ["CPUExecutionProvider"])
    rows = cycle(np.load(folder / "rows.npy").astype(np.float32)[:, None, :])
    return lambda: quantiles_of(lambda: session.run(["score"], {"x": next(rows)}), calls=2_000, warm_up=200)
