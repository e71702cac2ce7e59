"""The page of what the models in service have learned from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from board_client import client_of
from lineside.apps.plant.board import BoardSettings
from lineside.domain.access import AccessRole
from lineside.testing.boards import Bench, make_bench, sample_coverages


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = make_bench(tmp_path, settings=BoardSettings(coverages=sample_coverages))
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
    assert shown.count("<svg") == 2
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
