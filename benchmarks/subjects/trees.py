"""What `score` is measured on: a bundle of boosted trees over 200 features, and LightGBM's own trees of that size."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lineside.learn.boosting import boost_classes
from lineside.learn.fit import FitRequest, fit
from lineside.testing.modelling import CHARACTERISTIC, modelling_plan, part_table
from lineside.wire.bundle import MODEL_FILE, pack_bundle

FEATURES = 200
ROWS = 2_000


def plan_of_trees():  # type: ignore[no-untyped-def]  # noqa: ANN201 - mypy reads src and tests
    """Return the plan of a station with 200 process values per part and a model that learns from outcomes."""
    return modelling_plan(FEATURES, model={"family": "supervised"})


def make(folder: Path) -> None:
    """Learn, and write `trees.bundle`, `trees.onnx`, `trees.txt` (LightGBM) and `rows.npy`."""
    chance = np.random.default_rng(5)
    rows = chance.normal(size=(ROWS, FEATURES))
    bad = rows[:, :8].sum(axis=1) + rows[:, 8] * rows[:, 9] + chance.normal(size=ROWS) > 3.0
    outcome = ["nonconforming" if is_bad else "conforming" for is_bad in bad]
    plan = plan_of_trees()
    bundle = fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=part_table(plan, rows, outcome))).bundle
    (folder / "trees.bundle").write_bytes(pack_bundle(bundle))
    (folder / "trees.onnx").write_bytes(bundle.files[MODEL_FILE])
    (folder / "trees.txt").write_text(boost_classes(rows, bad.astype(np.int64), 2, 0).booster.model_to_string())
    np.save(folder / "rows.npy", chance.normal(size=(512, FEATURES)))
