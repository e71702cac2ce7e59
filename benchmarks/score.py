"""One part judged: its score alone, score with what carried it, and the whole prediction, beside peers in one run.

Model: boosted trees, 300 x 31 leaves, 200 features, one thread. ``python benchmarks/score.py`` prints one JSON list of
``{work, subject, value, unit, better}``; each value is the median over rounds of a round's p50, and the subjects are
measured in turn within each round. shap is measured where it is installed.
"""

from __future__ import annotations

import importlib.util
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import lightgbm
import msgspec
import numpy as np

from lineside.adapters.onnx_judge import OnnxJudge
from lineside.adapters.onnx_judge.model import open_model
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import Plan
from lineside.learn.boosting import Boosted, tables
from lineside.learn.calibrate import Calibration
from lineside.learn.export_trees import class_graph
from lineside.learn.fit import FitRequest, fit
from lineside.learn.runtime import ExportedModel, open_session
from lineside.learn.supervised_family import tree_files
from lineside.testing.modelling import CHARACTERISTIC, STATION, modelling_plan, part_record, part_table
from lineside.wire.bundle import GOLDEN_INPUTS, GOLDEN_SCORES, MODEL_FILE, Bundle, array_bytes, seal

FEATURES = 200
TREES = 300
LEAVES = 31
ROWS = 20_000
PARTS = 400
ROUNDS = 7

Call = Callable[[int], object]
"""Judges the part of that number."""


def trees(features: np.ndarray[Any, np.dtype[np.float32]]) -> lightgbm.Booster:
    """Return the yardstick's model, with every leaf in use."""
    rng = np.random.default_rng(1)
    target = (features[:, :40] @ rng.normal(size=40) + 3.0 * features[:, 0] * features[:, 1] > 0).astype(np.int64)
    settings = {"objective": "binary", "num_leaves": LEAVES, "verbosity": -1, "num_threads": 2, "seed": 1}
    return lightgbm.train(settings, lightgbm.Dataset(features, target), num_boost_round=TREES)


def bundle_of(plan: Plan, booster: lightgbm.Booster, features: np.ndarray[Any, np.dtype[np.float32]]) -> Bundle:
    """Return the model as a bundle, the rest of its manifest from a model of normal of the same parts."""
    table, leaves = tables(Boosted(booster=booster, outputs=1))
    calibration = Calibration(slope=1.0, offsets=np.zeros(2))
    graph = class_graph(table, leaves, FEATURES, calibration, np.array([1]))
    golden = features[:4]
    scores = ExportedModel(graph=graph, width=FEATURES).run(golden.astype(np.float64), np.full(4, "", dtype=object))
    request = FitRequest(
        plan=plan, characteristic=CHARACTERISTIC, table=part_table(plan, features[:2000].astype(float))
    )
    manifest = msgspec.structs.replace(fit(request).bundle.manifest, family="supervised", limit=2.0)
    files = {
        MODEL_FILE: graph,
        **tree_files(table),
        GOLDEN_INPUTS: array_bytes(golden),
        GOLDEN_SCORES: array_bytes(scores["score"].ravel()),
    }
    return seal(manifest, files)


def subjects(
    plan: Plan, bundle: Bundle, booster: lightgbm.Booster, parts: list[PartRecord]
) -> dict[tuple[str, str], Call]:
    """Return what is measured, by work and subject."""
    judge = OnnxJudge(plan, STATION, [bundle]).open()
    model = open_model(bundle)
    session = open_session(bundle.files[MODEL_FILE])
    rows = [part.features.astype(np.float32)[None, :] for part in parts]
    weights = np.ones(1, dtype=np.float32)
    explain = model.explain
    one = {"num_threads": 1}
    score, explained, whole = "score part", "score part and contributions", "score part to prediction"
    found: dict[tuple[str, str], Call] = {
        (score, "limit"): lambda i: session.run(["score"], {"x": rows[i]}),
        (score, "lineside"): lambda i: model.session.run(model.outputs, {"x": rows[i]}),
        (score, "lightgbm predict"): lambda i: booster.predict(rows[i], **one),
        (explained, "limit"): lambda i: explain(rows[i], {"weights": weights[None, :]}),
        (explained, "lineside"): lambda i: model.answer(rows[i]),
        (explained, "lightgbm pred_contrib"): lambda i: booster.predict(rows[i], pred_contrib=True, **one),
        (whole, "lineside"): lambda i: judge.judge(parts[i], 1),
    }
    if importlib.util.find_spec("shap") is not None:
        import shap  # noqa: PLC0415 - only where it is installed

        explainer = shap.TreeExplainer(booster)
        found[explained, "shap"] = lambda i: explainer.shap_values(rows[i])
    return found


def p50_us(call: Call, calls: int) -> float:
    """Return the median time of single calls in microseconds."""
    taken = []
    for i in range(calls):
        started = time.perf_counter_ns()
        call(i % PARTS)
        taken.append(time.perf_counter_ns() - started)
    return statistics.median(taken) / 1000.0


def main() -> None:
    """Measure every subject in turn, several rounds, and print the medians."""
    plan = modelling_plan(FEATURES)
    features = np.random.default_rng(0).normal(size=(ROWS, FEATURES)).astype(np.float32)
    booster = trees(features)
    bundle = bundle_of(plan, booster, features)
    parts = [part_record(plan, row.astype(np.float64), i) for i, row in enumerate(features[:PARTS])]
    measured = subjects(plan, bundle, booster, parts)
    slow = {"lightgbm pred_contrib", "shap"}
    for call in measured.values():
        p50_us(call, 20)
    rounds = [
        {name: p50_us(call, 50 if name[1] in slow else PARTS) for name, call in measured.items()} for _ in range(ROUNDS)
    ]
    rows = [
        {
            "work": work,
            "subject": subject,
            "value": round(statistics.median(item[work, subject] for item in rounds), 2),
            "unit": "us p50",
            "better": "lower",
        }
        for work, subject in measured
    ]
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
