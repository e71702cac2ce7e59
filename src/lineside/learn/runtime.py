"""The exported graph, run as a gateway runs it: what was written, not what was meant, sets the limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from lineside.domain.errors import IntegrityError
from lineside.domain.judging.memory import Memory
from lineside.domain.readings import Float64

Float32 = NDArray[np.float32]
PARITY: Final = 1e-4
"""Greatest relative difference between a model and its export (float32 has seven digits, sums lose two)."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ExportedModel:
    """A graph and the memory it needs."""

    graph: bytes
    width: int
    weight: float = 1.0
    lags: int = 0
    drift: float = 0.0
    allowance: float = 0.0

    def memory(self) -> Memory:
        """Return an empty memory for the graph."""
        return Memory(width=self.width, weight=self.weight, lags=self.lags, drift=self.drift, allowance=self.allowance)

    def run(self, rows: Float64, group: NDArray[np.object_]) -> dict[str, Float32]:
        """Return the outputs for rows ``(r, width)``, one row at a time in order; the memory starts anew in each group.

        Rows for which the memory is not ready have NaN scores.
        """
        session = open_session(self.graph)
        names = [item.name for item in session.get_outputs()]
        shown = [name for name in names if not name.endswith("_out")]
        memory = self.memory()
        collected: dict[str, list[Float32]] = {name: [] for name in shown}
        for i, row in enumerate(np.asarray(rows, dtype=np.float32)):
            if i and group[i] != group[i - 1]:
                memory.reset()
            outputs = _step(session, names, row, memory)
            for name in shown:
                collected[name].append(outputs[name] if memory.ready else np.full_like(outputs[name], np.nan))
            memory.advance(outputs)
        return {name: np.concatenate(values) for name, values in collected.items()}


class Stepper:
    """Runs an exported graph part after part, as a judge does."""

    def __init__(self, exported: ExportedModel) -> None:
        self._session = open_session(exported.graph)
        self._names = [item.name for item in self._session.get_outputs()]
        self._memory = exported.memory()

    def score(self, row: Float32) -> float:
        """Return the score of the next row ``(1, width)``, NaN while the memory is not ready."""
        ready = self._memory.ready
        outputs = _step(self._session, self._names, row[0], self._memory)
        self._memory.advance(outputs)
        return float(outputs["score"][0, 0]) if ready else float("nan")

    def reset(self) -> None:
        """Forget earlier rows."""
        self._memory.reset()


def open_session(graph: bytes) -> Any:
    """Return a session of one thread that runs node after node."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def check_parity(expected: Float64, exported: Float64 | Float32) -> float:
    """Return the greatest difference between a model and its export, relative to ``1 + |value|``.

    Raises:
        IntegrityError: it is greater than float32 explains; the model must not be used.
    """
    if not np.array_equal(np.isnan(expected), np.isnan(exported)):
        raise IntegrityError("the exported model answers where the learned one does not, or the reverse")
    both = ~np.isnan(expected)
    worst = float(np.max(np.abs(expected - exported)[both] / (1.0 + np.abs(expected[both])), initial=0.0))
    if not worst <= PARITY:
        raise IntegrityError("the exported model differs from the learned one", value=worst, choices=(f"<= {PARITY}",))
    return worst


def _step(session: Any, names: list[str], row: Float32, memory: Memory) -> Mapping[str, Float32]:
    feeds = {"x": row[None, :], **memory.inputs()}
    return dict(zip(names, session.run(names, feeds), strict=True))
