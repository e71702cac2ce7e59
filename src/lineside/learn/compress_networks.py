"""Networks with weights of eight bits, by ONNX Runtime's quantisation.

*Static* fixes the scale of every activation beforehand, from rows that are run through; it suits convolutions, where
finding scales for each part costs more than it saves. *Dynamic* finds them for each part; it suits wide dense layers.
Trees and models of normal gain nothing: comparing with thresholds is not what takes their time.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

from lineside.wire.bundle import MODEL_FILE

WIDE: Final = 64
"""A dense layer with fewer inputs or outputs than this is too narrow for eight bits to pay."""
LEAST_ROWS: Final = 10
Made = tuple[Mapping[str, bytes] | None, str]
"""The files of a variant, or None, and how it was made or why it was not."""


def static_int8(graph: bytes, rows: NDArray[np.float32]) -> Made:
    """Return a network with static quantisation, its scales from rows ``(n, inputs)`` without gaps."""
    model = onnx.load_from_string(graph)
    if not _has(model, "Conv"):
        return None, "does not suit: there is no convolution"
    if len(rows) < LEAST_ROWS:
        return None, f"does not suit: {len(rows)} complete rows to calibrate by, {LEAST_ROWS} are needed; give --parts"

    def write(target: Path) -> None:
        quantize_static(
            model,
            target,
            _Rows(rows),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "MatMul", "Gemm"],
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
        )

    return _written(write), f"weights and activations of 8 bits, scales from {len(rows)} rows"


def dynamic_int8(graph: bytes) -> Made:
    """Return a network whose wide dense layers have weights of eight bits."""
    model = onnx.load_from_string(graph)
    if _has(model, "Conv"):
        return None, "does not suit: convolutions are slower with scales found for each part; see int8-static"
    shapes = [shape for shape in _dense(model) if min(shape) >= WIDE]
    if not shapes:
        return None, f"does not suit: no dense layer of {WIDE} x {WIDE} or more"

    def write(target: Path) -> None:
        quantize_dynamic(model, target, op_types_to_quantize=["MatMul", "Gemm"], weight_type=QuantType.QInt8)

    sizes = ", ".join(f"{rows} x {columns}" for rows, columns in shapes)
    return _written(write), f"weights of 8 bits in the dense layers ({sizes} and smaller)"


class _Rows(CalibrationDataReader):  # type: ignore[misc] # the library has no types
    """Gives rows to calibration, one at a time."""

    def __init__(self, rows: NDArray[np.float32]) -> None:
        self._rows = iter(rows)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next row, None behind the last."""
        row = next(self._rows, None)
        return None if row is None else {"x": row[None, :]}


def _written(write: Callable[[Path], None]) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder, _quiet():
        target = Path(folder) / "variant.onnx"
        write(target)
        return {MODEL_FILE: target.read_bytes()}


def _has(model: Any, operator: str) -> bool:
    return any(node.op_type == operator for node in model.graph.node)


def _dense(model: Any) -> list[tuple[int, int]]:
    """Return the shapes of the constant matrices of all dense layers."""
    shapes = {item.name: tuple(item.dims) for item in model.graph.initializer}
    weights = [name for node in model.graph.node if node.op_type in {"MatMul", "Gemm"} for name in node.input]
    return [(shapes[name][0], shapes[name][1]) for name in weights if len(shapes.get(name, ())) == 2]


@contextmanager
def _quiet() -> Iterator[None]:
    """The library logs advice that is no news here."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
