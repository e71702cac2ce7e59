"""A model that is sound on all of its golden parts, and breaks on the floor: for drills and tests of the way back."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper


def breaks_above(graph: bytes, limit: float) -> bytes:
    """Return a model's graph whose score is no number where its first input is above ``limit``."""
    model = onnx.load_from_string(graph)
    for node in model.graph.node:
        node.output[:] = ["score_before" if name == "score" else name for name in node.output]
    constants = {"breaks_above": np.array([[limit]]), "breaks_nothing": np.array([[0.0]])}
    model.graph.initializer.extend(
        numpy_helper.from_array(value.astype(np.float32), name) for name, value in constants.items()
    )
    model.graph.initializer.append(numpy_helper.from_array(np.array([0], dtype=np.int64), "first_input"))
    model.graph.node.extend(
        [
            helper.make_node("Gather", ["x", "first_input"], ["first_value"], axis=1),
            helper.make_node("IsNaN", ["first_value"], ["breaks_missing"]),
            helper.make_node("Where", ["breaks_missing", "breaks_nothing", "first_value"], ["breaks_value"]),
            helper.make_node("Sub", ["breaks_above", "breaks_value"], ["room"]),
            helper.make_node("Sqrt", ["room"], ["root"]),
            helper.make_node("Mul", ["root", "breaks_nothing"], ["zero_or_nan"]),
            helper.make_node("Add", ["score_before", "zero_or_nan"], ["score"]),
        ]
    )
    return bytes(model.SerializeToString())
