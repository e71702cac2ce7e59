from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from lineside.adapters.onnx_judge import OnnxJudge
from lineside.domain.errors import IntegrityError
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import Plan
from lineside.domain.readings import Float64
from lineside.learn.fit import FitRequest, fit
from lineside.testing.conformance.judge import JudgeConformance
from lineside.testing.modelling import CHARACTERISTIC, STATION, modelling_plan, part_record, part_table
from lineside.wire.bundle import TREE_NODES, TREE_ROOTS, TREE_TARGET, Bundle, array_bytes, seal

CLASSES = modelling_plan(
    4, 1, classes=["good", "short", "porous"], nonconforming=["short", "porous"], model={"family": "supervised"}
)
VALUE = modelling_plan(4, 1, kind="variable", specification={"usl": 103.0}, model={"family": "regression"})


def rows(count: int, seed: int) -> Float64:
    features = np.random.default_rng(seed).normal(size=(count, 5))
    features[5::9, 2] = np.nan
    return features


def learned(plan: Plan) -> Bundle:
    features = rows(400, 0)
    if plan is CLASSES:
        outcome = [("good", "short", "porous")[int(x > 0.7) + int(x > 1.5)] for x in features[:, 0]]
    else:
        outcome = [f"{100.0 + 2.0 * abs(x)}" for x in features[:, 0]]
    return fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=part_table(plan, features, outcome))).bundle


BUNDLES = {"classes": (CLASSES, learned(CLASSES)), "value": (VALUE, learned(VALUE))}


@pytest.mark.parametrize("kind", ["classes", "value"])
class TestOnnxJudgeOfTrees(JudgeConformance):
    @pytest.fixture
    def judge(self, kind: str) -> OnnxJudge:
        plan, bundle = BUNDLES[kind]
        return OnnxJudge(plan, STATION, [bundle])

    @pytest.fixture
    def parts(self, kind: str) -> Sequence[PartRecord]:
        features = rows(30, 1)
        features[:, 4] = 0.0
        features[3, 0] = 2.2
        return [part_record(BUNDLES[kind][0], row, i) for i, row in enumerate(features)]


def with_nodes(**changes: float) -> dict[str, bytes]:
    nodes = BUNDLES["classes"][1].array(TREE_NODES)
    for field, value in changes.items():
        nodes[field][3] = value
    return {TREE_NODES: array_bytes(nodes)}


@pytest.mark.parametrize(
    "files",
    [
        with_nodes(feature=99),
        with_nodes(feature=-1),
        with_nodes(left=3),
        with_nodes(right=10**6),
        {TREE_NODES: array_bytes(np.zeros(3))},
        {TREE_ROOTS: array_bytes(np.array([10**6], dtype=np.int32))},
        {TREE_TARGET: array_bytes(np.full(600, 7, dtype=np.int32))},
    ],
)
def test_trees_that_would_lead_out_of_their_table_or_in_a_circle_are_refused(files: dict[str, bytes]) -> None:
    plan, bundle = BUNDLES["classes"]
    with pytest.raises(IntegrityError, match="trees"):
        OnnxJudge(plan, STATION, [seal(bundle.manifest, {**bundle.files, **files})]).open()
