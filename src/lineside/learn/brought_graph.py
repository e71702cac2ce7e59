"""A brought ONNX graph as a gateway's: one row in, calibrated score and classes out, all in the same graph.

The graph itself stays as it is; what is put before it gives each of its inputs its columns of ``x`` ``(1, n)``, and
what is put behind it turns its answer into the score that every model of Lineside gives.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from lineside.domain.readings import Int64
from lineside.learn.calibrate import Calibration
from lineside.learn.graph import IR_VERSION

_PREFIX: Final = "lineside_"
_TINY: Final = 1e-6


def brought_graph(
    graph: bytes, answer: str, width: int, calibration: Calibration, bad: Int64, *, probabilities: bool, flipped: bool
) -> bytes:
    """Return the graph with its calibration.

    Args:
        graph: the brought one; its inputs are tables of numbers, its one output the answer.
        answer: the name of that output.
        width: the number of columns of all inputs together.
        calibration: of the raw answers that `lineside.learn.prototype.Prototype.raw` gives.
        bad: the positions of the classes that do not conform.
        probabilities: the answer holds probabilities of classes, not raw answers.
        flipped: a single raw answer rises with good parts.
    """
    model = onnx.load_from_string(graph)
    added = _Added()
    first = _feed(model, added, width)
    raw = _raw(added, answer, len(calibration.offsets), probabilities=probabilities)
    if flipped:
        raw = added.node("Mul", [raw, added.constant("flip", [[-1.0]])])
    if len(calibration.offsets) == 2:
        raw = added.node("Concat", [added.constant("zero", [[0.0]]), raw], axis=1)
    scaled = added.node("Mul", [raw, added.constant("slope", [[calibration.slope]])])
    added.node("Add", [scaled, added.constant("offsets", [calibration.offsets.tolist()])], name="classes")
    odds = [_log_odds(added, "classes", len(calibration.offsets), bad, among=among) for among in (True, False)]
    added.node("Sub", odds, name="score")
    _put_together(model, first, added, width, len(calibration.offsets))
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


class _Added:
    """The nodes and constants that are put around a graph, under names of their own."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, values: Any, kind: Any = np.float32) -> str:
        full = f"{_PREFIX}{name}"
        self.constants.append(numpy_helper.from_array(np.array(values, dtype=kind), full))
        return full

    def node(self, operator: str, inputs: list[str], name: str = "", **attributes: Any) -> str:
        output = name or f"{_PREFIX}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output


def _feed(model: Any, added: _Added, width: int) -> list[Any]:
    """Return the nodes that give each input of the graph its columns of ``x``."""
    before = _Added()
    start = 0
    known = {item.name for item in model.graph.initializer}
    for item in [item for item in model.graph.input if item.name not in known]:
        kind = item.type.tensor_type
        size = kind.shape.dim[1].dim_value
        part = "x"
        if size != width:
            columns = before.constant(f"columns_{start}", list(range(start, start + size)), np.int64)
            part = before.node("Gather", ["x", columns], name=f"{_PREFIX}part_{start}", axis=1)
        if kind.elem_type == TensorProto.FLOAT:
            before.node("Identity", [part], name=item.name)
        else:
            before.node("Cast", [part], name=item.name, to=kind.elem_type)
        start += size
    added.constants += before.constants
    return before.nodes


def _raw(added: _Added, answer: str, classes: int, *, probabilities: bool) -> str:
    """Return the raw answer ``(1, outputs)``."""
    count = classes if probabilities or classes > 2 else 1
    shaped = added.node("Reshape", [answer, added.constant("shape", [1, count], np.int64)])
    if not probabilities:
        return shaped
    held = added.node("Max", [shaped, added.constant("least", [[_TINY]])])
    held = added.node("Min", [held, added.constant("most", [[1.0 - _TINY]])])
    logs = added.node("Log", [held])
    if classes > 2:
        return logs
    risk = added.node("Gather", [held, added.constant("second", [1], np.int64)], axis=1)
    rest = added.node("Log", [added.node("Sub", [added.constant("one", [[1.0]]), risk])])
    return added.node("Sub", [added.node("Log", [risk]), rest])


def _log_odds(added: _Added, logits: str, classes: int, bad: Int64, *, among: bool) -> str:
    """Return the logarithm of the summed odds of the bad classes, or of the good ones."""
    chosen = [k for k in range(classes) if (k in set(bad.tolist())) == among]
    name = "bad" if among else "good"
    picked = added.node("Gather", [logits, added.constant(name, chosen, np.int64)], axis=1)
    if len(chosen) == 1:
        return picked
    ones = added.constant(f"{name}_ones", [[1.0]] * len(chosen))
    return added.node("Log", [added.node("MatMul", [added.node("Exp", [picked]), ones])])


def _put_together(model: Any, first: list[Any], added: _Added, width: int, classes: int) -> None:
    graph = model.graph
    known = {item.name for item in graph.initializer}
    kept = [item for item in graph.input if item.name in known]
    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, width]))
    graph.input.extend(kept)
    nodes = [*first, *graph.node, *added.nodes]
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend(added.constants)
    del graph.value_info[:]
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("score", TensorProto.FLOAT, [1, 1]))
    graph.output.append(helper.make_tensor_value_info("classes", TensorProto.FLOAT, [1, classes]))
    model.ir_version = min(model.ir_version, IR_VERSION + 2)
