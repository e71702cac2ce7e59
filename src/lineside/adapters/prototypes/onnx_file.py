"""An ONNX file: allowed operators only, one answer for many rows, its trees as trees where it is nothing else.

Notebooks export maps of probabilities (``ZipMap``), which no runtime at a gateway needs: the map is taken off. The
graph is run here as a gateway would run it, except that many rows come at once. A graph that is one tree operator
becomes trees in Lineside's own form if these answer as the graph does, so that it is explained along its paths.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto

from lineside.adapters.prototypes.onnx_trees import trees_of
from lineside.domain.errors import DataError, IntegrityError
from lineside.domain.judging.graph_check import check_graph
from lineside.domain.readings import Float64
from lineside.learn.brought_trees import raw_answers
from lineside.learn.prototype import Float32, Nature, Prototype, TreeModel
from lineside.learn.runtime import open_session
from lineside.learn.stand_ins import as_raw

KIND: Final = "onnx"
_TYPES: Final = {
    TensorProto.FLOAT: np.float32,
    TensorProto.DOUBLE: np.float64,
    TensorProto.INT64: np.int64,
    TensorProto.INT32: np.int32,
}
_LINEAR: Final = frozenset({"LinearClassifier", "LinearRegressor"})
_NETWORK: Final = frozenset({"Gemm", "MatMul", "Conv"})
_CLOSE: Final = 1e-4
_PROBES: Final = 256


def read_onnx(data: bytes) -> Prototype:
    """Return the prototype that an ONNX file holds.

    Raises:
        DataError: it is none, or its inputs or answers are of a form that is not adopted.
        IntegrityError: it holds what no gateway may load.
    """
    model = _parsed(data)
    answer = _without_maps(model)
    graph = model.SerializeToString(deterministic=True)
    check_graph(graph)
    try:
        session = open_session(graph)
    except Exception as error:  # ONNX Runtime raises a dozen classes of its own, all meaning: not this graph
        raise IntegrityError(f"the ONNX graph cannot be loaded: {error}"[:400], field="MODEL") from error
    names, widths = _inputs(model)
    raw = _runner(session, model, answer)
    operators = {node.op_type for node in model.graph.node}
    width = sum(widths.values())
    outputs = raw(np.zeros((1, width), dtype=np.float32)).shape[1]
    trees = _as_trees(model, raw, width)
    return Prototype(
        kind=KIND,
        label=f"ONNX graph ({', '.join(sorted(operators))[:120]})",
        inputs=names,
        outputs=outputs,
        raw=raw,
        size=len(graph),
        nature=_nature([node.op_type for node in model.graph.node], trees),
        trees=trees,
        graph=graph,
        answer=answer,
        probabilities=_answers_probabilities(session, model, answer),
        settings={} if trees is None else _settings(trees),
    )


def _parsed(data: bytes) -> Any:
    try:
        model = onnx.load_from_string(data)
        onnx.checker.check_model(model)
    except Exception as error:  # protobuf and ONNX raise classes of their own, all meaning: no ONNX
        raise DataError(f"the ONNX file cannot be read: {error}"[:300], field="MODEL") from error
    return model


def _without_maps(model: Any) -> str:
    """Take maps of probabilities off the graph; return the name of the tensor that is the answer.

    That is the tensor of probabilities, where there is one, else the last output.
    """
    graph = model.graph
    by_output = {name: node for node in graph.node for name in node.output}
    told = {item.name: item for item in onnx.ModelProto.FromString(model.SerializeToString()).graph.output}
    chosen = str(graph.output[-1].name)
    for item in graph.output:
        node = by_output.get(item.name)
        if node is not None and node.op_type == "ZipMap":
            chosen = str(node.input[0])
        elif "prob" in item.name.lower():
            chosen = str(item.name)
    kept = [node for node in graph.node if node.op_type != "ZipMap"]
    del graph.node[:]
    graph.node.extend(kept)
    del graph.output[:]
    graph.output.append(told.get(chosen) or onnx.helper.make_tensor_value_info(chosen, TensorProto.FLOAT, [None, None]))
    used = {name for node in graph.node for name in node.input} | {chosen}
    _drop_unused(graph, used)
    return chosen


def _drop_unused(graph: Any, used: set[str]) -> None:
    """Leave out nodes whose outputs nobody reads, such as those that only name the class."""
    while True:
        kept = [node for node in graph.node if any(name in used for name in node.output)]
        if len(kept) == len(graph.node):
            return
        del graph.node[:]
        graph.node.extend(kept)
        used = {name for node in kept for name in node.input} | {item.name for item in graph.output}


def _inputs(model: Any) -> tuple[tuple[str, ...], dict[str, int]]:
    """Return the inputs' names column by column, and the width of each input of the graph."""
    known = {item.name for item in model.graph.initializer}
    names: list[str] = []
    widths: dict[str, int] = {}
    inputs = [item for item in model.graph.input if item.name not in known]
    for item in inputs:
        kind = item.type.tensor_type
        shape = [dimension.dim_value for dimension in kind.shape.dim]
        if kind.elem_type not in _TYPES or len(shape) != 2 or shape[1] < 1:
            raise DataError(
                "an input of the graph is no table of numbers",
                field=item.name,
                value=shape,
                choices=("(rows, columns) of float32, float64, int32 or int64",),
                next_step="export it with one float input of known width",
            )
        widths[item.name] = shape[1]
        names += [item.name] if shape[1] == 1 else [f"{item.name}_{i}" for i in range(shape[1])]
    said = next((item.value for item in model.metadata_props if item.key == "feature_names"), "")
    told = [name.strip() for name in said.split(",") if name.strip()]
    if len(told) == len(names):
        names = told
    elif len(inputs) == 1:
        names = [f"input_{i}" for i in range(len(names))]
    return tuple(names), widths


def _runner(session: Any, model: Any, answer: str) -> Any:
    """Return what runs the graph on rows ``(n, k)`` and makes raw answers of what it says."""
    _, widths = _inputs(model)
    kinds = {item.name: _TYPES[item.type.tensor_type.elem_type] for item in model.graph.input if item.name in widths}

    def raw(rows: Float32) -> Float64:
        given = session.run([answer], _feeds(rows, widths, kinds))[0]
        values = np.asarray(given, dtype=np.float64).reshape(len(rows), -1)
        return as_raw(values) if are_probabilities(values) else values

    return raw


def _answers_probabilities(session: Any, model: Any, answer: str) -> bool:
    _, widths = _inputs(model)
    kinds = {item.name: _TYPES[item.type.tensor_type.elem_type] for item in model.graph.input if item.name in widths}
    rows = np.random.default_rng(0).normal(size=(_PROBES, sum(widths.values()))).astype(np.float32)
    given = session.run([answer], _feeds(rows, widths, kinds))[0]
    return are_probabilities(np.asarray(given, dtype=np.float64).reshape(_PROBES, -1))


def _feeds(rows: Float32, widths: Mapping[str, int], kinds: Mapping[str, Any]) -> dict[str, Any]:
    feeds, first = {}, 0
    for name, width in widths.items():
        feeds[name] = np.ascontiguousarray(rows[:, first : first + width]).astype(kinds[name])
        first += width
    return feeds


def are_probabilities(values: Float64) -> bool:
    """Return whether answers ``(n, classes)`` are probabilities of two classes and more."""
    if values.shape[1] < 2:
        return False
    known = values[np.isfinite(values).all(axis=1)]
    return bool(np.all(known >= -_CLOSE) and np.all(np.abs(known.sum(axis=1) - 1.0) < 1e-3))


def _as_trees(model: Any, raw: Any, width: int) -> TreeModel | None:
    """Return the graph's trees if it is nothing else, and they answer as the graph does."""
    trees = trees_of(model)
    if trees is None:
        return None
    rows = _probes(trees, width)
    given, walked = raw(rows), raw_answers(trees, rows)
    if given.shape != walked.shape:
        return None
    return trees if _say_the_same(given, walked) else None


def _say_the_same(given: Float64, walked: Float64) -> bool:
    """Return whether the trees' sums rise as the answers do or, for several classes, are their logarithms."""
    if given.shape[1] == 1:
        order = np.argsort(walked[:, 0], kind="stable")
        return bool(np.all(np.diff(given[order, 0]) >= -_CLOSE))
    shares = np.exp(walked - walked.max(axis=1, keepdims=True))
    return bool(np.allclose(as_raw(shares / shares.sum(axis=1, keepdims=True)), given, atol=1e-3))


def _probes(trees: TreeModel, width: int) -> Float32:
    """Return rows around the thresholds of the trees."""
    nodes, rng = trees.table.nodes, np.random.default_rng(0)
    rows = np.zeros((_PROBES, width), dtype=np.float32)
    for j in range(width):
        own = nodes["threshold"][nodes["feature"] == j]
        if len(own):
            rows[:, j] = rng.choice(own, _PROBES) + np.float32(rng.normal()) * own.std()
    return rows


def _nature(operators: list[str], trees: TreeModel | None) -> str:
    """Return what a graph is made of; a single layer is a line."""
    layers = sum(name in _NETWORK for name in operators)
    if trees is not None or any(name.startswith("TreeEnsemble") for name in operators):
        return Nature.TREES
    if layers == 1 or set(operators) & _LINEAR:
        return Nature.LINEAR
    return Nature.NETWORK if layers else Nature.OTHER


def _settings(trees: TreeModel) -> dict[str, object]:
    sizes = np.bincount(trees.leaves.tree)
    rounds = int(len(sizes) // len(trees.table.expected))
    return {"rounds": rounds, "num_leaves": int(np.clip(np.median(sizes), 2, 255))}
