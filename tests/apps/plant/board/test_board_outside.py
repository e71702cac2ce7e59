"""What others see of the board: answer links, the andon, screens of other systems, exports."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from board_client import ORIGIN, BoardClient, client_of, hidden_of
from lineside.adapters.state_sql.screens import Screen
from lineside.apps.plant.board.settings import BoardSettings
from lineside.apps.plant.board.tokens import hashed
from lineside.domain.access import AccessRole
from lineside.domain.alerts import AlertKind, Verdict
from lineside.domain.answer_links import AnswerLink, seal_link
from lineside.domain.units import HOUR, SECOND
from lineside.testing.boards import Bench, make_bench, served
from lineside.testing.floors import ALERT, alert_event

KEY = b"k" * 32
MES = "https://mes.example"
CARD = f"/alerts/{quote(ALERT)}"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = make_bench(tmp_path, settings=BoardSettings(link_keys=(KEY,)))
    yield bench
    bench.state.close()


@pytest.fixture
async def stranger(bench: Bench) -> AsyncIterator[BoardClient]:
    async with client_of(bench) as client:
        yield client


def link(bench: Bench, *, mark: str = "m1", lasts: int = HOUR) -> str:
    found = AnswerLink(alert=ALERT, expires=bench.clock.now() + lasts, mark=mark)
    return f"/answer/{seal_link(KEY, found)}"


async def press(client: BoardClient, address: str, **fields: str) -> httpx.Response:
    shown = await client.get(address)
    token = {name: value for name, value in _tokens(shown.text).items() if name == "token"}
    return await client.post(address, data={**token, **fields}, headers={"Origin": ORIGIN})


def _tokens(html: str) -> dict[str, str]:
    return hidden_of(html.replace('<form method="post" ', '<form action="" '), "", {"kind"})


async def test_looking_at_a_link_changes_nothing_however_often(bench: Bench, stranger: BoardClient) -> None:
    for _ in range(3):
        shown = await stranger.get(link(bench))
        assert shown.status_code == 200
        assert "Open cooling valve V3" in shown.text
    assert bench.answers == []


async def test_a_link_takes_one_answer_and_no_second(bench: Bench, stranger: BoardClient) -> None:
    address = link(bench)
    assert (await press(stranger, address, kind="taken")).status_code == 200
    [event] = bench.answers
    assert (event.kind, event.by) == (AlertKind.TAKEN, "operator by link")
    assert "link.used" in bench.actions()
    again = await stranger.get(address)
    assert again.status_code == 410
    assert "used already" in again.text
    assert len(bench.answers) == 1


async def test_a_link_speaks_the_language_of_its_message_unless_the_reader_chose(
    bench: Bench, stranger: BoardClient
) -> None:
    address = f"{link(bench)}?language=de"
    assert '<html lang="de"' in (await stranger.get(address)).text
    taken = await press(stranger, address, kind="taken")
    assert "Danke" in taken.text
    await stranger.send_form("/login", "/login/language", language="pt")
    assert '<html lang="pt"' in (await stranger.get(address)).text


async def test_two_taps_at_once_are_one_answer(bench: Bench, stranger: BoardClient) -> None:
    address = link(bench)
    token = _tokens((await stranger.get(address)).text)["token"]
    data, headers = {"token": token, "kind": "closed", "verdict": "no_defect"}, {"Origin": ORIGIN}
    answers = await asyncio.gather(*(stranger.post(address, data=data, headers=headers) for _ in range(5)))
    assert sorted({answer.status_code for answer in answers} - {409, 410}) == [200]
    assert sum(answer.status_code == 200 for answer in answers) == 1
    assert len(bench.answers) == 1


async def test_a_link_that_is_over_or_changed_says_so_and_does_nothing(bench: Bench, stranger: BoardClient) -> None:
    old = link(bench, lasts=SECOND)
    bench.clock.move(2 * SECOND)
    assert "over" in (await stranger.get(old)).text
    changed = link(bench)[:-4] + "AAAA"
    assert (await stranger.get(changed)).status_code == 410
    assert (await stranger.get("/answer/x")).status_code == 410


async def test_a_link_is_answered_from_its_own_page_only(bench: Bench, stranger: BoardClient) -> None:
    address = link(bench)
    plain = await stranger.post(address, data={"kind": "taken"}, headers={"Origin": ORIGIN})
    foreign = await stranger.post(address, data={"kind": "taken"}, headers={"Origin": "https://evil.example"})
    assert (plain.status_code, foreign.status_code) == (403, 403)
    assert bench.answers == []


async def test_by_a_link_nothing_can_be_put_off(bench: Bench, stranger: BoardClient) -> None:
    refused = await press(stranger, link(bench), kind="shelved", minutes="15", note="x")
    assert refused.status_code == 422
    assert bench.answers == []


async def test_an_alert_that_was_closed_meanwhile_spends_no_link(bench: Bench, stranger: BoardClient) -> None:
    bench.floor.apply_alerts([alert_event(AlertKind.CLOSED, bench.clock.now(), verdict=Verdict.CONFIRMED)], shown=True)
    assert "closed already" in (await stranger.get(link(bench))).text
    assert not await bench.state.screens.is_spent("m1")


async def screen(bench: Bench, **changes: Any) -> str:
    now = bench.clock.now()
    usual = Screen(id="s1", label="MES", stations=("cast",), origins=(MES,), created=now, expires=now + HOUR)
    await bench.state.screens.add(replace(usual, **changes), hashed("t0ken"))
    return "t0ken"


def bearer(token: str, origin: str = "") -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **({"Origin": origin} if origin else {})}


async def test_the_andon_of_a_screen_shows_its_stations_and_no_others(bench: Bench, stranger: BoardClient) -> None:
    answer = await stranger.get("/andon", headers=bearer(await screen(bench), MES))
    assert answer.headers["access-control-allow-origin"] == MES
    content = answer.json()
    [station] = content["stations"]
    assert (station["station"], station["state"], station["priority"]) == ("cast", "alarm", "critical")
    assert station["step"].startswith("Open cooling valve V3")


async def test_the_andon_of_somebody_who_is_logged_in_shows_every_station(bench: Bench, stranger: BoardClient) -> None:
    await bench.account(AccessRole.OPERATOR, "ann")
    await stranger.log_in("ann")
    content = (await stranger.get("/andon")).json()
    assert len(content["stations"]) == len(bench.floor.stations())


@pytest.mark.parametrize("change", ["unknown", "over", "revoked", "none", "origin"])
async def test_a_token_that_does_not_hold_shows_nothing(bench: Bench, stranger: BoardClient, change: str) -> None:
    token = await screen(bench)
    if change == "over":
        bench.clock.move(2 * HOUR)
    if change == "revoked":
        assert await bench.state.screens.revoke("s1", bench.clock.now())
    headers = bearer("other" if change == "unknown" else token, "https://evil.example" if change == "origin" else "")
    for path in ("/andon", "/andon?stream=1", "/embed"):
        answer = await stranger.get(path, headers={} if change == "none" else headers)
        assert answer.status_code == (403 if change == "origin" else 401)
        assert "access-control-allow-origin" not in answer.headers


async def test_a_token_lets_nobody_in_anywhere_else(bench: Bench, stranger: BoardClient) -> None:
    headers = bearer(await screen(bench))
    for path in ("/", "/api/v1/alerts", "/live", CARD, f"{CARD}/8d"):
        answer = await stranger.get(path, headers=headers)
        assert answer.status_code in {303, 401}


async def test_only_the_page_for_frames_may_stand_in_one_and_only_on_its_origins(
    bench: Bench, stranger: BoardClient
) -> None:
    token = await screen(bench)
    framed = await stranger.get("/embed", params={"token": token})
    assert f"frame-ancestors {MES};" in f"{framed.headers['content-security-policy']};"
    assert "x-frame-options" not in framed.headers
    assert "lineside-framed-by" not in framed.headers
    for path in ("/login", link(bench), "/static/board.css", "/andon"):
        other = await stranger.get(path)
        assert "frame-ancestors 'none'" in other.headers["content-security-policy"]
        assert other.headers["x-frame-options"] == "DENY"


async def test_a_browser_may_ask_with_a_token_from_a_screens_origin_alone(bench: Bench, stranger: BoardClient) -> None:
    await screen(bench)
    asked = await stranger.options("/andon", headers={"Origin": MES, "Access-Control-Request-Method": "GET"})
    assert asked.headers["access-control-allow-headers"] == "authorization"
    refused = await stranger.options("/andon", headers={"Origin": "https://evil.example"})
    assert refused.status_code == 403


async def test_the_stream_tells_changes_and_ends_when_the_token_does(bench: Bench) -> None:
    token = await screen(bench)
    async with (
        served(bench) as address,
        httpx.AsyncClient(base_url=address) as client,
        client.stream("GET", "/andon?stream=1", headers=bearer(token)) as answer,
    ):
        lines = answer.aiter_lines()
        assert json.loads(await _data(lines))["stations"][0]["taken"] is False
        bench.floor.apply_alerts([alert_event(AlertKind.TAKEN, bench.clock.now(), by="operator K7")], shown=True)
        assert json.loads(await _data(lines))["stations"][0]["taken"] is True
        await bench.state.screens.revoke("s1", bench.clock.now())
        bench.floor.apply_alerts([alert_event(AlertKind.HELP, bench.clock.now(), by="operator K7")], shown=True)
        async with asyncio.timeout(10):
            assert [line async for line in lines if line.startswith("data")] == []


async def _data(lines: AsyncIterator[str]) -> str:
    async with asyncio.timeout(10):
        async for line in lines:
            if line.startswith("data: "):
                return line.removeprefix("data: ")
    raise AssertionError("the stream ended")


async def test_an_alert_is_exported_as_a_table_that_runs_nothing(bench: Bench, stranger: BoardClient) -> None:
    await bench.account(AccessRole.OPERATOR, "ann")
    await stranger.log_in("ann")
    bench.floor.apply_alerts(
        [alert_event(AlertKind.TAKEN, bench.clock.now(), by="operator K7", note="=cmd|x")], shown=True
    )
    answer = await stranger.get(f"{CARD}/alert.csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0]["what"] == "raised"
    assert "'=cmd|x" in {row["note"] for row in rows}
    assert [row["note"] for row in rows if row["what"] == "suspect"] == list(bench.floor.card(ALERT, 0).suspects)  # type: ignore[union-attr]


async def test_an_8d_report_begins_with_the_problem_and_its_containment(bench: Bench, stranger: BoardClient) -> None:
    await bench.account(AccessRole.OPERATOR, "ann")
    await stranger.log_in("ann")
    report = (await stranger.get(f"{CARD}/8d.json")).json()
    assert report["D2"]["what"].startswith("Porosity")
    assert report["D3"]["hold_back"]
    shown = await stranger.get(f"{CARD}/8d")
    assert "D3 Containment" in shown.text
