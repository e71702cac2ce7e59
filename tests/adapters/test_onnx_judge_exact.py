"""Exact shares of parts by a bundle: the same units and words as the card's, prepared models kept in bounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lineside.adapters.onnx_judge import OnnxJudge
from lineside.adapters.onnx_judge.exact import AS_JUDGED, SHAPLEY, ExactShares
from lineside.domain.errors import DataError
from lineside.domain.plan.model import Plan
from lineside.domain.readings import Float64
from lineside.learn.fit import FitRequest, fit
from lineside.testing.modelling import CHARACTERISTIC, STATION, modelling_plan, part_record, part_table
from lineside.wire.bundle import Bundle

TREES = modelling_plan(4, model={"family": "supervised"})
REMEMBERS = modelling_plan(4, model={"family": "normal", "memory": 0.3, "lags": 1})


def rows(count: int, seed: int) -> Float64:
    return np.random.default_rng(seed).normal(size=(count, 4))


def learned(plan: Plan, seed: int = 0) -> Bundle:
    features = rows(400, seed)
    outcome = ["nonconforming" if x > 1.0 else "conforming" for x in features[:, 1]]
    return fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=part_table(plan, features, outcome))).bundle


def test_trees_are_explained_by_shapley_values_in_the_signals_own_unit() -> None:
    part = part_record(TREES, np.array([0.0, 2.5, 0.0, 0.0]))
    found = ExactShares().explain(learned(TREES), part)
    first = found.contributions[0]
    assert (found.how, first.signal, first.value, first.unit) == (SHAPLEY, "x1", 2.5, "degC")
    assert found.score > found.limit
    assert found.rest == pytest.approx(0.0, abs=1e-9)


def test_a_model_that_remembers_is_given_the_parts_before() -> None:
    bundle, parts = learned(REMEMBERS), [part_record(REMEMBERS, row, i) for i, row in enumerate(rows(30, 1) + 1.0)]
    judge = OnnxJudge(REMEMBERS, STATION, [bundle]).open()
    judged = [judge.judge(part, 0).predictions[0] for part in parts]
    found = ExactShares().explain(bundle, parts[-1], parts[:-1])
    assert found.how == AS_JUDGED
    assert (found.score, found.contributions) == (judged[-1].score, judged[-1].contributions)


def test_no_more_models_are_kept_prepared_than_allowed() -> None:
    exact, part = ExactShares(most_kept=1), part_record(TREES, np.zeros(4))
    bundles = [learned(TREES, seed) for seed in (0, 1)]
    answers = [exact.explain(bundle, part).score for bundle in [*bundles, *bundles]]
    assert answers[:2] == answers[2:]
    assert len(exact._prepared) == 1


def test_a_part_of_another_recipe_is_refused() -> None:
    part = replace(part_record(TREES, np.zeros(4)), recipe="another")
    with pytest.raises(DataError, match="another recipe"):
        ExactShares().explain(learned(TREES), part)
