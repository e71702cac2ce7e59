"""The page of what the models in service have learned from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from board_client import client_of
from lineside.apps.plant.board import BoardSettings
from lineside.apps.plant.coverages import CoverageView
from lineside.domain.access import AccessRole
from lineside.domain.coverage.facts import coverage_of
from lineside.domain.coverage.gaps import findings
from lineside.domain.features.recipe import recipe_for
from lineside.testing.boards import Bench, make_bench
from lineside.testing.floors import sample_plan


async def views() -> Sequence[CoverageView]:
    """A model that has seen a hall of 12 to 33.5 degC, and one of an older bundle that says nothing."""
    plan = sample_plan()
    recipe = recipe_for(plan, "cast")
    features = np.zeros((200, len(recipe.features)))
    features[:, recipe.names.index("hall_temperature")] = np.linspace(12, 33.5, 200)
    coverage = coverage_of(plan, recipe, features)
    regimes = ("false alarms: worst 4.00% at <Hall> above 30 degC",)
    known = CoverageView(
        station="cast", characteristic="porosity", model="porosity-1", coverage=coverage, found=findings(coverage),
        regimes=regimes,
    )  # fmt: skip
    old = CoverageView(station="trim", characteristic="burr", model="burr-1", coverage=None, found=(), regimes=())
    return known, old


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = make_bench(tmp_path, settings=BoardSettings(coverages=views))
    yield bench
    bench.state.close()


async def test_it_names_gaps_and_worst_regimes_and_draws_what_was_seen(bench: Bench) -> None:
    await bench.account(AccessRole.OPERATOR)
    async with client_of(bench) as client:
        await client.log_in("operator")
        shown = (await client.get("/coverage")).text
        assert 'href="/coverage"' in (await client.get("/models")).text
    assert "Hall: no parts above 33.5 degC (declared up to 42); how often the line is there is not known" in shown
    assert "&lt;Hall&gt; above 30" in shown
    assert shown.count("<svg") == 3
    assert "does not say what it has learned from" in shown
    assert "None" not in shown


async def test_without_models_it_says_so_and_a_stranger_sees_nothing(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    async with client_of(bench) as client:
        assert (await client.get("/coverage")).status_code == 303
        await bench.account(AccessRole.OPERATOR)
        await client.log_in("operator")
        assert "No model is in service." in (await client.get("/coverage")).text
    bench.state.close()
