"""A small builder for ONNX graphs of one row: inputs, constants, nodes and outputs by name."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET: Final = 17
ML_OPSET: Final = 3
IR_VERSION: Final = 8
"""Old enough for every ONNX Runtime that Lineside allows."""


class Graph:
    """Collects a graph; every tensor is named, floats are float32, each input and output has shape ``(1, width)``."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []

    def input(self, name: str, width: int) -> str:
        """Add an input and return its name."""
        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, width]))
        return name

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """Add a constant and return its name; floats become float32."""
        kind = np.int64 if np.issubdtype(value.dtype, np.integer) else np.float32
        self._constants.append(
            numpy_helper.from_array(np.ascontiguousarray(value).astype(kind).reshape(value.shape), name)
        )
        return name

    def shared(self, name: str, value: NDArray[Any]) -> str:
        """Return the name of a constant, added when it is first asked for."""
        known = any(item.name == name for item in self._constants)
        return name if known else self.constant(name, value)

    def add(self, operator: str, inputs: list[str], **attributes: Any) -> str:
        """Add a node with one output and return the output's name."""
        name = f"t{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def output(self, name: str, tensor: str, width: int) -> str:
        """Give a tensor to the outside under a name, and return that name."""
        self._nodes.append(helper.make_node("Identity", [tensor], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, width]))
        return name

    def sum(self, tensor: str) -> str:
        """Add the sum over a row, of shape ``(1, 1)``."""
        return self.add("ReduceSum", [tensor, self._axis()], keepdims=1)

    def total(self, tensors: list[str]) -> str:
        """Add the sum of tensors of one shape."""
        return tensors[0] if len(tensors) == 1 else self.add("Sum", tensors)

    def slice(self, tensor: str, first: int, end: int) -> str:
        """Add the columns ``first`` to ``end`` (exclusive) of a row."""
        names = [self.shared(f"column_{value}", np.array([value], dtype=np.int64)) for value in (first, end)]
        names.append(self._axis())
        return self.add("Slice", [tensor, *names])

    def smallest(self, tensor: str, count: int) -> str:
        """Add the positions, shape ``(count,)``, of the smallest values of a row, ascending."""
        wanted = self.constant(f"smallest_{tensor}", np.array([count], dtype=np.int64))
        name = f"t{len(self._nodes)}"
        self._nodes.append(helper.make_node("TopK", [tensor, wanted], [f"{name}_values", name], axis=1, largest=0))
        flat = self.constant(f"flat_{tensor}", np.array([-1], dtype=np.int64))
        return self.add("Reshape", [name, flat])

    def to_bytes(self) -> bytes:
        """Return the checked model's bytes."""
        graph = helper.make_graph(self._nodes, self._name, self._inputs, self._outputs, self._constants)
        model = helper.make_model(
            graph,
            producer_name="lineside",
            ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)],
        )
        onnx.checker.check_model(model, full_check=True)
        data: bytes = model.SerializeToString(deterministic=True)
        return data

    def _axis(self) -> str:
        return self.shared("columns", np.array([1], dtype=np.int64))
