"""The page of releases: everybody sees where a model stands, engineers take steps, each of them as themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from board_client import BoardClient, client_of
from lineside.apps.plant.board import BoardSettings
from lineside.apps.plant.release_ladder import ReleaseLadder
from lineside.domain.access import AccessRole
from lineside.domain.readiness import Beside, Level, Verdict
from lineside.domain.releases.deciding import Act, Person, propose
from lineside.domain.releases.ladder import Ladder, fold
from lineside.domain.units import DAY
from lineside.testing.boards import Bench, make_bench, sample_ladder

WHY = "fewer false alarms in July"


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    async def levels(*_: object) -> tuple[Level, ...]:
        return (Level(name="recall", declared=">= 0.5", measured="0.9", verdict=Verdict.MET, evidence="400 parts"),)

    monkeypatch.setattr(ReleaseLadder, "levels", levels)
    bench = make_bench(tmp_path, settings=BoardSettings(ladder=sample_ladder(tmp_path)))
    yield bench
    bench.state.close()


async def do(client: BoardClient, what: str, release: str = "porosity/2", **more: str) -> httpx.Response:
    fields = {"do": what, "release": release, "reason": WHY, **more}
    return await client.send_form("/releases", "/releases", **fields)


async def test_a_model_climbs_by_three_people_and_goes_back_by_one(bench: Bench) -> None:
    for name in ("Anna", "Bert", "Carl"):
        await bench.account(AccessRole.ENGINEER, name)
    async with client_of(bench) as anna, BoardClient(transport=anna._transport, base_url=anna.base_url) as other:
        await anna.log_in("Anna")
        for _ in range(2):
            assert (await do(anna, "promote")).status_code == 303
        for step in ({"share": "5"}, {}):
            refused = await do(anna, "approve")
            assert refused.status_code == 422
            assert "author cannot" in refused.text
            for name in ("Bert", "Carl"):
                other.cookies.clear()
                await other.log_in(name)
                assert (await do(other, "approve")).status_code == 303
            assert (await do(anna, "promote", **step)).status_code == 303
        shown = (await anna.get("/releases")).text
        assert "8 steps so far" in shown
        assert (await do(other, "back")).status_code == 303
    ladder = fold(await bench.state.ladder.all())
    champion = ladder.champion("cast/porosity")
    assert champion is not None
    assert champion.release.startswith("porosity/1")
    assert bench.actions()[-2:] == ["release.rolled_back", "release.called_back"]


async def test_an_operator_sees_everything_and_takes_no_step(bench: Bench) -> None:
    await bench.account(AccessRole.OPERATOR)
    async with client_of(bench) as client:
        await client.log_in("operator")
        shown = (await client.get("/releases")).text
        assert "porosity/3" in shown
        assert "champion" in shown
        assert '<button name="do"' not in shown


async def test_whether_a_release_is_ready_is_shown_when_it_is_asked_for(bench: Bench) -> None:
    await bench.account(AccessRole.ENGINEER, "Anna")
    async with client_of(bench) as client:
        await client.log_in("Anna")
        for _ in range(2):
            await do(client, "promote")
        assert "See whether it is ready" in (await client.get("/releases")).text
        shown = (await client.get("/releases?ready=porosity/2")).text
        assert "Ready for the next step" in shown
        assert "400 parts" in shown
        refused = await do(client, "promote", share="five")
        assert (refused.status_code, "not a number" in refused.text) == (422, True)
        assert "0 of 2 persons" in (await do(client, "promote", share="5")).text


async def test_engineers_tick_what_they_let_a_release_off_and_the_page_says_until_when(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def levels(*_: object) -> tuple[Level, ...]:
        beside = Beside(measured="0.75 (0.70 to 0.80)", verdict=Verdict.MISSED, better=True)
        lost = Level(
            name="performance loss", declared="<= 0.2", measured="0.26", verdict=Verdict.MISSED, evidence="96 parts",
            beside=beside,
        )  # fmt: skip
        return (lost,)

    monkeypatch.setattr(ReleaseLadder, "levels", levels)
    for name in ("Anna", "Bert", "Carl"):
        await bench.account(AccessRole.ENGINEER, name)
    async with client_of(bench) as client:
        await client.log_in("Anna")
        for _ in range(2):
            await do(client, "promote")
        for step in ({"share": "5"}, {}):
            for name in ("Bert", "Carl"):
                client.cookies.clear()
                await client.log_in(name)
                shown = (await client.get("/releases?ready=porosity/2")).text
                assert "by concession only" in shown
                assert "misses it on the same parts: 0.75 (0.70 to 0.80)" in shown
                assert (await do(client, "approve", **{"concede performance loss": "yes"})).status_code == 303
            assert (await do(client, "promote", **step)).status_code == 303
        shown = (await client.get("/releases")).text
        assert "By concession: performance loss let off until 2027-02-16" in shown
        bench.clock.move(91 * DAY)
        client.cookies.clear()
        await client.log_in("Anna")
        assert "By a concession that has ended: performance loss" in (await client.get("/releases")).text
    champion = fold(await bench.state.ladder.all()).champion("cast/porosity")
    assert champion is not None
    assert champion.concession is not None


async def test_a_proposed_plan_is_put_in_force_by_two_others(bench: Bench) -> None:
    for name in ("Bert", "Carl"):
        await bench.account(AccessRole.ENGINEER, name)
    act = Act(by=Person(pseudonym="anna", role=AccessRole.ENGINEER), reason=WHY, now=1)
    (event,) = propose(Ladder(), "plan/ab12", "plan", act, "the limit of the chiller is higher")
    await bench.state.ladder.append([event], after=0)
    async with client_of(bench) as client:
        for name in ("Bert", "Carl"):
            client.cookies.clear()
            await client.log_in(name)
            assert (await do(client, "approve", event.release)).status_code == 303
        assert "the limit of the chiller is higher" in (await client.get("/releases")).text
        assert (await do(client, "promote", event.release)).status_code == 303
    assert fold(await bench.state.ladder.all()).of(event.release).rung == "in force"


async def test_without_a_ladder_there_is_nothing_to_take_a_step_on(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    await bench.account(AccessRole.ENGINEER, "Anna")
    async with client_of(bench) as client:
        await client.log_in("Anna")
        assert "None yet." in (await client.get("/releases")).text
    bench.state.close()
