"""ONNX graphs: maps taken off, trees found again, and nothing that no gateway may load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from adopted_onnx import linear_file
from lineside.adapters.prototypes import ReadOptions, read_prototype
from lineside.domain.errors import DataError, IntegrityError
from lineside.learn.brought_trees import raw_answers
from lineside.learn.prototype import Prototype

ROWS = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
TREE: dict[str, Any] = {
    "nodes_treeids": [0, 0, 0, 1, 1, 1],
    "nodes_nodeids": [0, 1, 2, 0, 1, 2],
    "nodes_featureids": [0, 0, 0, 1, 0, 0],
    "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF", "BRANCH_LT", "LEAF", "LEAF"],
    "nodes_values": [0.1, 0.0, 0.0, -0.2, 0.0, 0.0],
    "nodes_truenodeids": [1, 0, 0, 1, 0, 0],
    "nodes_falsenodeids": [2, 0, 0, 2, 0, 0],
    "class_treeids": [0, 0, 1, 1],
    "class_nodeids": [1, 2, 1, 2],
    "class_ids": [0, 0, 0, 0],
    "class_weights": [-1.0, 1.5, 0.5, -0.5],
    "classlabels_int64s": [0, 1],
    "post_transform": "LOGISTIC",
}


def write(path: Path, nodes: list[Any], outputs: list[Any], inputs: list[Any] | None = None, **more: Any) -> str:
    given = inputs or [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, 2])]
    graph = helper.make_graph(nodes, "test", given, outputs)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, ir_version=8, opset_imports=opsets)
    for key, value in more.get("said", {}).items():
        item = model.metadata_props.add()
        item.key, item.value = key, value
    path.write_bytes(model.SerializeToString())
    return str(path)


def tree_file(path: Path, *, zipmap: bool = False, **more: Any) -> str:
    nodes = [
        helper.make_node("TreeEnsembleClassifier", ["rows"], ["label", "probabilities"], domain="ai.onnx.ml", **TREE)
    ]
    outputs = [
        helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2]),
    ]
    if zipmap:
        nodes.append(
            helper.make_node("ZipMap", ["probabilities"], ["map"], domain="ai.onnx.ml", classlabels_int64s=[0, 1])
        )
        outputs[1] = helper.make_value_info(
            "map",
            helper.make_sequence_type_proto(
                helper.make_map_type_proto(TensorProto.INT64, helper.make_tensor_type_proto(TensorProto.FLOAT, None))
            ),
        )
    return write(path, nodes, outputs, **more)


def read(path: str) -> Prototype:
    return read_prototype(path, ReadOptions())


def log_odds(path: str) -> Any:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    probability = session.run(["probabilities"], {"rows": ROWS})[0][:, 1].astype(np.float64)
    return np.log(probability / (1 - probability))


def test_a_graph_of_trees_answers_as_log_odds_and_is_found_to_be_trees(tmp_path: Path) -> None:
    path = tree_file(tmp_path / "model.onnx")
    found = read(path)
    assert np.allclose(found.raw(ROWS)[:, 0], log_odds(path), atol=1e-4)
    assert found.trees is not None
    assert np.allclose(raw_answers(found.trees, ROWS)[:, 0], log_odds(path), atol=1e-4)


def test_a_map_of_probabilities_is_taken_off(tmp_path: Path) -> None:
    plain = tree_file(tmp_path / "plain.onnx")
    assert np.allclose(read(tree_file(tmp_path / "map.onnx", zipmap=True)).raw(ROWS), read(plain).raw(ROWS))


def test_names_in_the_metadata_are_the_inputs(tmp_path: Path) -> None:
    path = tree_file(tmp_path / "model.onnx", said={"feature_names": "force, heat"})
    assert read(path).inputs == ("force", "heat")


def test_an_input_per_column_gives_its_name(tmp_path: Path) -> None:
    nodes = [helper.make_node("Sub", ["force", "heat"], ["answer"])]
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in ("force", "heat")]
    outputs = [helper.make_tensor_value_info("answer", TensorProto.FLOAT, [None, 1])]
    found = read(write(tmp_path / "model.onnx", nodes, outputs, inputs))
    assert found.inputs == ("force", "heat")
    assert np.allclose(found.raw(ROWS)[:, 0], ROWS[:, 0] - ROWS[:, 1])


def test_an_operator_that_no_gateway_may_run_is_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("RandomUniformLike", ["rows"], ["answer"])]
    outputs = [helper.make_tensor_value_info("answer", TensorProto.FLOAT, [None, 2])]
    with pytest.raises(IntegrityError, match="not on the list"):
        read(write(tmp_path / "model.onnx", nodes, outputs))


def test_an_input_that_is_no_table_of_numbers_is_named(tmp_path: Path) -> None:
    nodes = [helper.make_node("Identity", ["image"], ["answer"])]
    inputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, [None, 3, 8, 8])]
    outputs = [helper.make_tensor_value_info("answer", TensorProto.FLOAT, [None, 3, 8, 8])]
    with pytest.raises(DataError) as refused:
        read(write(tmp_path / "model.onnx", nodes, outputs, inputs))
    assert refused.value.field == "image"


def test_bytes_that_are_no_graph_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not a graph")
    with pytest.raises(DataError, match="cannot be read"):
        read(str(tmp_path / "model.onnx"))


def test_a_graph_that_is_no_trees_keeps_its_graph(tmp_path: Path) -> None:
    found = read(linear_file(tmp_path / "model.onnx", width=2))
    assert found.trees is None
    assert found.graph is not None
    assert found.probabilities
    assert np.allclose(found.raw(ROWS)[:, 0], ROWS @ [1.5, 1.5] - 2.0, atol=1e-4)
    onnx.checker.check_model(onnx.load_from_string(found.graph))
