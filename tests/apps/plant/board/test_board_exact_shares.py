"""Exact shares on a part's page: made only when asked for, and a model that does not answer costs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from board_client import client_of
from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.onnx_judge.exact import SHAPLEY, ExactExplanation
from lineside.apps.plant.board import BoardSettings
from lineside.apps.plant.exact_shares import PartShares
from lineside.domain.access import AccessRole
from lineside.domain.errors import IntegrityError
from lineside.domain.parts import PartRecord
from lineside.domain.predictions import Contribution
from lineside.learn.fit import FitRequest, fit
from lineside.testing.boards import make_bench
from lineside.testing.modelling import CHARACTERISTIC, modelling_plan, part_record, part_table

PART = "/parts/cast/cast-118203?unit=118203"
FOUND = ExactExplanation(
    model="porosity 3",
    characteristic="porosity",
    score=2.5,
    limit=1.0,
    contributions=(Contribution("cooling_flow.mean", "cooling_flow", 21.0, 30.0, 28.0, 32.0, "l/min", 1.75),),
    rest=0.25,
    how=SHAPLEY,
)


async def page_of(folder: Path, *, broken: bool) -> tuple[str, str, list[str]]:
    """Return the page without and with exact shares, and the parts that these were asked for."""
    asked: list[str] = []

    async def exact(part: PartRecord) -> Sequence[ExactExplanation]:
        asked.append(part.cycle_id)
        if broken:
            raise IntegrityError("a bundle's trees do not hang together")
        return (FOUND,)

    bench = make_bench(folder, settings=BoardSettings(exact=exact))
    await bench.account(AccessRole.OPERATOR)
    async with client_of(bench) as client:
        await client.log_in("operator")
        plain = (await client.get(PART)).text
        assert not asked
        shown = (await client.get(f"{PART}&exact=1")).text
    bench.state.close()
    return plain, shown, asked


async def test_exact_shares_are_made_when_somebody_asks(tmp_path: Path) -> None:
    plain, shown, asked = await page_of(tmp_path, broken=False)
    assert "exact=1#exact" in plain
    assert asked == ["cast-118203"]
    for words in ("exact Shapley values", "1.75", "l/min", "porosity 3"):
        assert words in shown


async def test_a_model_that_cannot_be_prepared_costs_the_page_its_exact_shares_only(tmp_path: Path) -> None:
    _, shown, _ = await page_of(tmp_path, broken=True)
    assert "They cannot be made just now" in shown
    assert "Features against what is usual" in shown


@pytest.mark.parametrize("family", ["supervised", "normal"])
async def test_models_of_trees_in_service_are_explained_and_no_others(tmp_path: Path, family: str) -> None:
    plan = modelling_plan(3, model={"family": family})
    features = np.random.default_rng(0).normal(size=(300, 3))
    outcome = ["nonconforming" if x > 1.0 else "conforming" for x in features[:, 2]]
    bundle = fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=part_table(plan, features, outcome))).bundle
    folder = BundleFolder(tmp_path)
    folder.add(bundle)
    folder.activate(bundle)
    found = await PartShares(folder)(part_record(plan, np.array([0.0, 0.0, 2.0])))
    assert [item.contributions[0].signal for item in found] == (["x2"] if family == "supervised" else [])
