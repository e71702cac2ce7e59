"""A linear classifier as an ONNX graph, written by hand: the first two inputs speak for a bad part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper


def linear_file(path: Path, width: int) -> str:
    """Write the graph, which answers with probabilities of two classes, and return its path."""
    weights = np.zeros((width, 1), dtype=np.float32)
    weights[:2] = 1.5
    constants = [
        numpy_helper.from_array(weights, "w"),
        numpy_helper.from_array(np.array([2.0], dtype=np.float32), "border"),
        numpy_helper.from_array(np.array([1.0], dtype=np.float32), "one"),
    ]
    nodes = [
        helper.make_node("MatMul", ["rows", "w"], ["sum"]),
        helper.make_node("Sub", ["sum", "border"], ["z"]),
        helper.make_node("Sigmoid", ["z"], ["risk"]),
        helper.make_node("Sub", ["one", "risk"], ["rest"]),
        helper.make_node("Concat", ["rest", "risk"], ["probabilities"], axis=1),
    ]
    inputs = [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, width])]
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])]
    graph = helper.make_graph(nodes, "linear", inputs, outputs, constants)
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    path.write_bytes(model.SerializeToString())
    return str(path)
