"""The page of gateways: who they are, how each of their parts does, and the last words of those that are gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from board_client import client_of
from lineside.apps.plant.board import BoardSettings
from lineside.apps.plant.gateway_book import GatewayView
from lineside.domain.access import AccessRole
from lineside.testing.boards import Bench, make_bench
from lineside.testing.clocks import A_MOMENT
from lineside.wire.life import Birth
from lineside.wire.status import GatewayStatus, HealthStatus

STATUS = GatewayStatus(
    gateway="gw-1", time=A_MOMENT, sources=(), readings=5, parts=2, quarantined=0, dropped=0, late=0, backlog=3,
    unrecorded=False,
    healths=(
        HealthStatus("source", "press", "lost", 2, A_MOMENT, "<refused>"),
        HealthStatus("clock", "", "steady", 0, 0),
    ),
)  # fmt: skip
BIRTH = Birth(
    gateway="gw-1", time=A_MOMENT, started=A_MOMENT, site="works", line="one", version="0.3", epoch="e1",
    plan_revision=7, judging_digest="abcd", response_digest="r",
)  # fmt: skip
VIEWS = (
    GatewayView(name="gw-1", heard=A_MOMENT, birth=BIRTH, status=STATUS),
    GatewayView(name="gw-2", heard=A_MOMENT, gone=True, words="fell silent; all was good"),
)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = make_bench(tmp_path, settings=BoardSettings(gateways=lambda: VIEWS))
    yield bench
    bench.state.close()


async def test_it_shows_states_with_reasons_identities_and_last_words(bench: Bench) -> None:
    await bench.account(AccessRole.OPERATOR)
    async with client_of(bench) as client:
        await client.log_in("operator")
        shown = (await client.get("/gateways")).text
    for words in ("gw-1", "&lt;refused&gt;", "lost", "version 0.3", "plan revision 7", "abcd", "3 records wait"):
        assert words in shown
    for words in ("gw-2 is gone", "fell silent; all was good"):
        assert words in shown
    assert "None" not in shown


@pytest.mark.parametrize(
    ("code", "gone", "subject"),
    [
        ("de", "ist verstummt; alles war gut", "Quelle"),
        ("es", "dejó de hablar; todo estaba bien", "fuente"),
        ("pt", "ficou em silêncio; tudo estava bem", "fonte"),
        ("zh", "一切正常", "数据源"),
    ],
)
async def test_last_words_and_states_are_said_in_the_readers_language(
    bench: Bench, code: str, gone: str, subject: str
) -> None:
    await bench.account(AccessRole.OPERATOR)
    async with client_of(bench) as client:
        await client.log_in("operator")
        shown = (await client.get(f"/gateways?language={code}")).text
    assert gone in shown
    assert subject in shown
    assert "fell silent" not in shown
    assert "&lt;refused&gt;" in shown  # what a machine said stands as it is
