"""Variants of a model: what suits is made and measured, what loses a class is found out."""

from __future__ import annotations

import asyncio

import msgspec
import numpy as np
import pytest

from lineside.adapters.onnx_judge import OnnxJudge
from lineside.adapters.onnx_judge.accepting import accept
from lineside.apps.compressing import Compressed, Measured, compress
from lineside.domain.errors import InputError, IntegrityError
from lineside.domain.plan.model import Plan
from lineside.learn.fit import FitRequest, fit
from lineside.learn.variants import Lineage
from lineside.testing.modelling import CHARACTERISTIC, STATION, modelling_plan, part_record, part_table
from lineside.testing.networks import (
    conv_graph,
    delicate_graph,
    learned_bundle,
    mlp_graph,
    network_plan,
    network_rows,
    with_graph,
)
from lineside.wire.bundle import LINEAGE, MODEL_FILE, TREE_LEAVES, Bundle, array_bytes, manifest_digest, seal

PLAN = network_plan()
LENIENT = network_plan(score_tolerance=1.0)
TREES = learned_bundle(PLAN)
FEATURES, OUTCOME = network_rows(300, seed=5)
TABLE = part_table(PLAN, FEATURES, OUTCOME)


def by_name(found: Compressed) -> dict[str, Measured]:
    return {item.name: item for item in found.measured}


@pytest.fixture(scope="module")
def of_trees() -> Compressed:
    return asyncio.run(compress(PLAN, TREES, TABLE, 0.02, 9))


async def test_trees_are_pruned_and_compiled_and_what_does_not_suit_is_said(of_trees: Compressed) -> None:
    found = by_name(of_trees)
    assert list(found) == ["original", "pruned", "compiled", "int8-static", "int8-dynamic"]
    assert all("does not suit" in found[name].how for name in ("int8-static", "int8-dynamic"))
    for name in ("original", "pruned", "compiled"):
        item = found[name]
        assert 0 < item.p50_us <= item.p99_us
        assert set(item.classes) >= {"good", "crack", "pore"}
        assert sum(one.parts for one in item.classes.values()) == 300 + sum(
            one.parts for one in (await accept(PLAN, TREES)).classes.values()
        )
    assert found["original"].worst_score == 0.0
    assert found["pruned"].size < found["original"].size
    assert found["pruned"].worst_score <= 0.02
    assert found["compiled"].worst_score < 1e-5
    assert found["compiled"].accepted


async def test_a_compiled_variant_answers_as_the_original_with_its_contributions(of_trees: Compressed) -> None:
    original, compiled = (OnnxJudge(PLAN, STATION, [bundle]).open() for bundle in (TREES, of_trees.bundles["compiled"]))
    rows = FEATURES.copy()
    rows[::7, 3] = np.nan
    for number, row in enumerate(rows):
        (one,), (two,) = (judge.judge(part_record(PLAN, row, number), 1).predictions for judge in (original, compiled))
        assert (one.state, one.predicted) == (two.state, two.predicted)
        assert two.score == pytest.approx(one.score, rel=1e-5, abs=1e-5)
        assert [item.share for item in two.contributions] == pytest.approx(
            [item.share for item in one.contributions], rel=1e-4, abs=1e-5
        )


async def test_a_variant_is_a_bundle_that_says_what_it_was_made_from(of_trees: Compressed) -> None:
    pruned = of_trees.bundles["pruned"]
    lineage = msgspec.json.decode(pruned.files[LINEAGE], type=Lineage)
    assert (lineage.variant, lineage.digest) == ("pruned", manifest_digest(TREES.manifest))
    assert pruned.manifest.version == 9
    assert pruned.name != TREES.name


def test_leaves_that_are_not_those_of_the_trees_are_refused(of_trees: Compressed) -> None:
    bundle = of_trees.bundles["compiled"]
    for leaves in (bundle.array(TREE_LEAVES)[:-1], bundle.array(TREE_LEAVES).astype(np.float64)):
        with pytest.raises(IntegrityError, match="leaves"):
            OnnxJudge(PLAN, STATION, [seal(bundle.manifest, {**bundle.files, TREE_LEAVES: array_bytes(leaves)})]).open()


async def test_wide_dense_layers_are_quantised_dynamically() -> None:
    network = with_graph(LENIENT, TREES, mlp_graph(*network_rows(600), hidden=96))
    found = await compress(LENIENT, network, TABLE, 0.02, 2)
    item = by_name(found)["int8-dynamic"]
    assert item.suits
    assert len(found.bundles["int8-dynamic"].files[MODEL_FILE]) < len(network.files[MODEL_FILE]) / 2
    assert item.classes["good"].agree >= 0.98 * item.classes["good"].parts
    assert by_name(found)["pruned"].how == "does not suit: the model has no trees"


async def test_convolutions_are_quantised_statically() -> None:
    network = with_graph(LENIENT, TREES, conv_graph())
    found = by_name(await compress(LENIENT, network, TABLE, 0.02, 2))
    assert found["int8-static"].suits
    assert found["int8-static"].worst_score < 0.2
    assert "slower" in found["int8-dynamic"].how


async def test_narrow_layers_and_too_few_rows_do_not_suit() -> None:
    found = by_name(
        await compress(LENIENT, with_graph(LENIENT, TREES, mlp_graph(*network_rows(600), hidden=8)), None, 0.02, 2)
    )
    assert "no dense layer of 64 x 64" in found["int8-dynamic"].how


async def test_a_quantised_model_that_loses_a_class_is_refused_by_the_name_of_the_class() -> None:
    network = with_graph(LENIENT, TREES, delicate_graph())
    found = await compress(LENIENT, network, TABLE, 0.02, 2)
    item = by_name(found)["int8-dynamic"]
    assert item.classes["pore"].agree < item.classes["pore"].parts / 2
    assert not item.accepted
    assert any(problem.startswith("pore: ") for problem in item.problems)
    assert by_name(found)["original"].accepted


def normal() -> tuple[Plan, Bundle]:
    plan = modelling_plan(4)
    features = 100.0 + np.random.default_rng(3).normal(size=(200, 4))
    return plan, fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=part_table(plan, features))).bundle


async def test_a_bundle_without_golden_parts_has_nothing_to_compare_by() -> None:
    plan, bundle = normal()
    bare = seal(
        bundle.manifest, {name: data for name, data in bundle.files.items() if not name.startswith("golden_parts")}
    )
    with pytest.raises(InputError, match="golden parts"):
        await compress(plan, bare, None, 0.02, 2)
