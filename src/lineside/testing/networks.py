"""Small networks and hostile graphs as bundles, for tests of adoption, acceptance and compression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from lineside.adapters.onnx_judge.golden import with_reference
from lineside.adapters.onnx_judge.model import open_session
from lineside.domain.plan.model import Plan
from lineside.domain.readings import Float64
from lineside.learn.fit import FitRequest, fit
from lineside.learn.graph import Graph
from lineside.testing.modelling import CHARACTERISTIC, modelling_plan, part_table
from lineside.wire.bundle import (
    GOLDEN_ANSWERS,
    GOLDEN_INPUTS,
    GOLDEN_PARTS,
    GOLDEN_SCORES,
    MODEL_FILE,
    Bundle,
    array_bytes,
    seal,
)

CLASSES = ("good", "crack", "pore")
BAD = ("crack", "pore")


def network_plan(signals: int = 8, **acceptance: float) -> Plan:
    """Return a plan of three classes, the last of which is rare."""
    return modelling_plan(signals, classes=list(CLASSES), nonconforming=list(BAD), acceptance=acceptance)


def network_rows(count: int, width: int = 8, seed: int = 0) -> tuple[Float64, list[str]]:
    """Return features and their classes: a crack moves the first half of the signals, a pore the last by little."""
    chance = np.random.default_rng(seed)
    features = chance.normal(size=(count, width))
    kind = chance.choice(3, size=count, p=[0.8, 0.17, 0.03])
    features[kind == 1, : width // 2] += 2.5
    features[kind == 2, -1] += 5.0
    return features, [CLASSES[item] for item in kind]


def learned_bundle(plan: Plan, rows: int = 600, version: int = 1) -> Bundle:
    """Return a learned bundle of trees for those classes, with the reference of its golden parts."""
    features, outcome = network_rows(rows, len(plan.signals))
    table = part_table(plan, features, outcome)
    return with_reference(
        plan, fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=table, version=version)).bundle
    )


def with_graph(plan: Plan, bundle: Bundle, graph: bytes, family: str = "network", *, refer: bool = True) -> Bundle:
    """Return a bundle with another graph in the place of its own, as an adopted model has it.

    ``refer``: its golden rows and parts have the answers that this graph gives.
    """
    kept = {name: data for name, data in bundle.files.items() if name in {GOLDEN_PARTS, GOLDEN_ANSWERS}}
    rows = bundle.array(GOLDEN_INPUTS)
    scores = np.zeros(len(rows), dtype=np.float32)
    if refer:
        session = open_session(graph)
        scores = np.array([session.run(["score"], {"x": row[None, :]})[0][0, 0] for row in rows], dtype=np.float32)
    files = {MODEL_FILE: graph, GOLDEN_INPUTS: array_bytes(rows), GOLDEN_SCORES: array_bytes(scores), **kept}
    made = seal(msgspec.structs.replace(bundle.manifest, family=family, limit=0.0, calibration={}), files)
    return with_reference(plan, made) if refer else made


def mlp_graph(features: Float64, outcome: Sequence[str], hidden: int = 32) -> bytes:
    """Return a network of dense layers, fitted to the rows: logits of the classes, and their odds as the score."""
    from sklearn.neural_network import MLPClassifier  # noqa: PLC0415 - a heavy import, for few tests

    label = np.array([CLASSES.index(name) for name in outcome])
    fitted = MLPClassifier((hidden, hidden), max_iter=400, random_state=1).fit(features, label)
    graph = Graph("mlp")
    x = _filled(graph, features.shape[1])
    for number, (weight, bias) in enumerate(zip(fitted.coefs_, fitted.intercepts_, strict=True)):
        product = graph.add("MatMul", [x, graph.constant(f"w{number}", weight)])
        x = graph.add("Add", [product, graph.constant(f"b{number}", bias[None, :])])
        x = x if number == len(fitted.coefs_) - 1 else graph.add("Relu", [x])
    _odds(graph, x)
    return graph.to_bytes()


def conv_graph(width: int = 8, channels: int = 4) -> bytes:
    """Return a convolution along the signals and a dense layer on its greatest values; the weights are by chance."""
    chance = np.random.default_rng(3)
    graph = Graph("conv")
    x = _filled(graph, width)
    shaped = graph.add("Reshape", [x, graph.constant("shape", np.array([1, 1, width]))])
    kernel = graph.constant("kernel", chance.normal(size=(channels, 1, 3)))
    wide = graph.add("Relu", [graph.add("Conv", [shaped, kernel], pads=[1, 1])])
    flat = graph.add("Reshape", [wide, graph.constant("flat", np.array([1, channels * width]))])
    weight = graph.constant("dense", chance.normal(size=(channels * width, len(CLASSES))) / width)
    _odds(graph, graph.add("MatMul", [flat, weight]))
    return graph.to_bytes()


def delicate_graph(width: int = 8) -> bytes:
    """Return a network of 64 x 64 in which one huge input stands beside the small one that tells a pore.

    Eight bits for the layer's inputs leave nothing of the small one.
    """
    wide, first = 64, np.zeros((width, 64))
    first[0, 0], first[width - 1, 1] = 1000.0, 1.0
    last = np.zeros((wide, len(CLASSES)))
    last[0, 1], last[1, 2] = 0.004, 4.0
    graph = Graph("delicate")
    x = graph.add("MatMul", [_filled(graph, width), graph.constant("first", first)])
    x = graph.add("MatMul", [x, graph.constant("middle", np.eye(wide))])
    logits = graph.add("MatMul", [x, graph.constant("last", last)])
    _odds(graph, graph.add("Add", [logits, graph.constant("bias", np.array([[6.0, 0.0, -6.0]]))]))
    return graph.to_bytes()


def _filled(graph: Graph, width: int) -> str:
    """Add the input; a missing value counts as nothing."""
    x = graph.input("x", width)
    return graph.add("Where", [graph.add("IsNaN", [x]), graph.constant("nothing", np.zeros((1, width))), x])


def _odds(graph: Graph, logits: str) -> None:
    graph.output("classes", logits, len(CLASSES))
    sides = []
    for name, chosen in (("bad", np.array([1, 2])), ("good", np.array([0]))):
        some = graph.add("Gather", [logits, graph.constant(name, chosen)], axis=1)
        sides.append(graph.add("ReduceLogSumExp", [some], axes=[1], keepdims=1))
    graph.output("score", graph.add("Sub", sides), 1)


def hostile_graph(kind: str, width: int = 8) -> bytes:
    """Return a graph that does harm: ``memory``, ``memory_by_padding``, ``endless``, ``nan`` or ``nan_above_50``."""
    nodes, constants = _HOSTILE[kind]()
    score = helper.make_tensor_value_info("score", TensorProto.FLOAT, None)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, width])
    graph = helper.make_graph(nodes, kind, [x], [score], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def _constant(name: str, values: NDArray[Any]) -> Any:
    return numpy_helper.from_array(values, name)


def _memory() -> tuple[list[Any], list[Any]]:
    nodes = [
        helper.make_node("ConstantOfShape", ["size"], ["huge"]),
        helper.make_node("ReduceSum", ["huge"], ["sum"], keepdims=1),
        helper.make_node("Reshape", ["sum", "one"], ["score"]),
    ]
    return nodes, [
        _constant("size", np.array([4_000_000_000], dtype=np.int64)),
        _constant("one", np.array([1, 1], dtype=np.int64)),
    ]


def _memory_by_padding() -> tuple[list[Any], list[Any]]:
    """Only operators that are allowed: a convolution that pads eight values to a thousand million."""
    nodes = [
        helper.make_node("Reshape", ["x", "shape"], ["shaped"]),
        helper.make_node("Conv", ["shaped", "kernel"], ["wide"], pads=[500_000_000, 500_000_000]),
        helper.make_node("ReduceMax", ["wide"], ["most"], keepdims=1),
        helper.make_node("Reshape", ["most", "one"], ["score"]),
    ]
    return nodes, [
        _constant("shape", np.array([1, 1, 8], dtype=np.int64)),
        _constant("kernel", np.ones((1, 1, 3), dtype=np.float32)),
        _constant("one", np.array([1, 1], dtype=np.int64)),
    ]


def _endless() -> tuple[list[Any], list[Any]]:
    true = helper.make_tensor_value_info("go", TensorProto.BOOL, [])
    body = helper.make_graph(
        [helper.make_node("Identity", ["go_in"], ["go"]), helper.make_node("Add", ["v", "v"], ["v_out"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go_in", TensorProto.BOOL, []),
            helper.make_tensor_value_info("v", TensorProto.FLOAT, None),
        ],
        [true, helper.make_tensor_value_info("v_out", TensorProto.FLOAT, None)],
    )
    nodes = [
        helper.make_node("ReduceSum", ["x"], ["start"], keepdims=1),
        helper.make_node("Loop", ["", "always", "start"], ["score"], body=body),
    ]
    return nodes, [_constant("always", np.array(True))]


def _nan() -> tuple[list[Any], list[Any]]:
    nodes = [
        helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=1),
        helper.make_node("Sub", ["sum", "sum"], ["zero"]),
        helper.make_node("Div", ["zero", "zero"], ["score"]),
    ]
    return nodes, []


def _nan_above_50() -> tuple[list[Any], list[Any]]:
    """Sound on every golden part: the root of ``50 - x0``, times nothing."""
    nodes = [
        helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=1),
        helper.make_node("Gather", ["x", "first"], ["x0"], axis=1),
        helper.make_node("Sub", ["fifty", "x0"], ["left"]),
        helper.make_node("Sqrt", ["left"], ["root"]),
        helper.make_node("Mul", ["root", "nothing"], ["zero"]),
        helper.make_node("Add", ["sum", "zero"], ["score"]),
    ]
    return nodes, [
        _constant("first", np.array([0], dtype=np.int64)),
        _constant("fifty", np.array([[50.0]], dtype=np.float32)),
        _constant("nothing", np.array([[0.0]], dtype=np.float32)),
    ]


_HOSTILE = {
    "memory": _memory,
    "memory_by_padding": _memory_by_padding,
    "endless": _endless,
    "nan": _nan,
    "nan_above_50": _nan_above_50,
}


def external_graph(width: int = 8) -> bytes:
    """Return a graph whose weights lie in another file."""
    model = onnx.load_from_string(mlp_like(width))
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"
    return bytes(model.SerializeToString())


def mlp_like(width: int = 8) -> bytes:
    """Return a graph of one dense layer."""
    graph = Graph("dense")
    graph.output("score", graph.add("MatMul", [graph.input("x", width), graph.constant("w", np.ones((width, 1)))]), 1)
    return graph.to_bytes()
