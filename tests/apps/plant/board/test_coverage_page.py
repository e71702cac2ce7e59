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
    assert (
        "Hall: no parts above 33.5\N{NO-BREAK SPACE}°C (declared up to 42); how often the line is there is not known"
        in shown
    )
    assert "&lt;Hall&gt; above 30" in shown
    assert shown.count("<svg") == 2
    assert "does not say what it has learned from" in shown
    assert "None" not in shown


@pytest.mark.parametrize(
    ("code", "gap", "axis"),
    [
        ("de", "Hall: keine Teile über 33,5", "Gesehene Teile nach Hall"),
        ("es", "Hall: ninguna pieza por encima de 33,5", "Piezas vistas por Hall"),
        ("pt", "Hall: nenhuma peça acima de 33,5", "Peças vistas por Hall"),
        ("zh", "没有零件", "按Hall统计的零件"),
    ],
)
async def test_gaps_and_drawings_are_in_the_readers_language(bench: Bench, code: str, gap: str, axis: str) -> None:
    await bench.account(AccessRole.OPERATOR)
    async with client_of(bench) as client:
        await client.log_in("operator")
        shown = (await client.get(f"/coverage?language={code}")).text
    assert gap in shown
    assert axis in shown
    for english in ("no parts", "declared up to", "how often", "Parts seen by", "parts per band"):
        assert english not in shown


async def test_without_models_it_says_so_and_a_stranger_sees_nothing(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    async with client_of(bench) as client:
        assert (await client.get("/coverage")).status_code == 303
        await bench.account(AccessRole.OPERATOR)
        await client.log_in("operator")
        assert "No model is in service." in (await client.get("/coverage")).text
    bench.state.close()
