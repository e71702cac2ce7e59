"""What every answer carries, what a failure says, and what no log or file ever holds."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from board_client import BoardClient, client_of
from lineside.apps.plant.board.app import all_pages
from lineside.apps.plant.board.settings import BoardSettings
from lineside.apps.web.armour import HEADERS, HSTS
from lineside.domain.access import AccessRole, CodePurpose
from lineside.testing.boards import PASSWORD, Bench, make_bench, sample_demo, served
from lineside.testing.floors import ALERT

PATHS = [
    "/", "/alerts", f"/alerts/{ALERT}", f"/alerts/{ALERT}?ask=close", "/stations/cast", "/parts",
    "/parts/cast/cast-118203", "/units/118200", "/models", "/missing", "/signals", "/password", "/users", "/demo",
    "/login", "/first-run",
    "/static/board.css", "/static/board.js", "/static/uplot.js", "/stations/cast/plot",
    "/stations/cast/plot.bin", "/static/none", "/authority.crt", "/alive", "/nothing", "/api/v1/stations",
    "/api/v1/openapi.json", "/api/v1/nothing",
]  # fmt: skip


async def test_10_every_answer_carries_the_headers_once(admin: BoardClient) -> None:
    for path in PATHS:
        answer = await admin.get(path)
        for name, value in HEADERS:
            assert answer.headers.get_list(name) == [value], (path, answer.status_code)
        assert HSTS[0] not in answer.headers
        assert "server" not in answer.headers


async def test_10_errors_of_every_kind_carry_them_too(
    bench: Bench, operator: BoardClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(bench.floor), "tiles", _fail)
    answers = [
        await operator.get("/"),
        await operator.get("/users"),
        await operator.put("/"),
        await operator.post("/logout"),
        await operator.post("/logout", content=b"x" * 100_000),
        await operator.post("/login", content=b"\xff\xff"),
    ]
    assert [answer.status_code for answer in answers] == [500, 403, 405, 403, 413, 400]
    for answer in answers:
        assert all(answer.headers.get_list(name) == [value] for name, value in HEADERS)


async def test_10_the_live_stream_carries_them_too(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    account = await bench.account(AccessRole.OPERATOR)
    async with served(bench) as address, httpx.AsyncClient(base_url=address) as client:
        secret = (await bench.app.state.board.doors.admit(account, address="test")).session
        async with client.stream("GET", "/live", cookies={"lineside": secret}) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert all(answer.headers.get_list(name) == [value] for name, value in HEADERS)
    bench.state.close()


async def test_10_over_https_browsers_are_told_to_stay_there(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, settings=BoardSettings(secure=True))
    async with client_of(bench) as client:
        assert (await client.get("/login")).headers[HSTS[0]] == HSTS[1]
    bench.state.close()


async def test_10_no_page_needs_what_the_policy_forbids(admin: BoardClient) -> None:
    pages = [(await admin.get(path)).text for path in PATHS]
    for html in (page for page in pages if page.startswith("<!doctype html>")):
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", html)
        assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", html)


@pytest.mark.parametrize("secure", [True, False])
async def test_8_cookies_are_for_this_host_and_no_script(tmp_path: Path, *, secure: bool) -> None:
    bench = make_bench(tmp_path, settings=BoardSettings(secure=secure))
    await bench.account(AccessRole.OPERATOR)
    async with client_of(bench) as client:
        client.base_url = httpx.URL("https://board.test" if secure else "http://board.test")
        shown = await client.get("/login")
        token = re.search(r'name="token" value="([^"]+)"', shown.text)
        assert token is not None
        answer = await client.post("/login", data={"name": "operator", "password": PASSWORD, "token": token[1]})
        assert answer.status_code == 303
        cookies = [*shown.headers.get_list("set-cookie"), *answer.headers.get_list("set-cookie")]
    assert len(cookies) == 4
    for cookie in cookies:
        parts = cookie.lower().split("; ")
        assert parts[0].startswith("__host-lineside") is secure
        assert ("secure" in parts) is secure
        assert {"httponly", "samesite=lax", "path=/"} <= set(parts)
        assert not any(part.startswith("domain") for part in parts)
    bench.state.close()


async def test_28_a_failure_says_only_that_it_happened(
    bench: Bench, operator: BoardClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(type(bench.floor), "tiles", _fail)
    for path in ("/", "/api/v1/stations"):
        answer = await operator.get(path)
        assert answer.status_code == 500
        found = re.fullmatch(r"Something went wrong here. Reference: ([0-9a-f]{8})\n", answer.text)
        assert found is not None
        assert found[1] in caplog.text
    assert "inner detail" in caplog.text


async def test_28_nothing_is_listed_and_no_path_leads_out(operator: BoardClient) -> None:
    for path in ("/static/", "/static", "/static/..%2fboard.css", "/static/../app.py", "/static/%2e%2e/app.py"):
        assert (await operator.get(path)).status_code == 404


async def test_28_text_from_machines_and_people_is_only_ever_text(operator: BoardClient, bench: Bench) -> None:
    evil = '<img src=x onerror="alert(1)">'
    for path in (f"/units/{evil}", f"/login?next=/{evil}", f"/parts?unit={evil}"):
        answer = await operator.get(path)
        assert evil not in answer.text
    assert bench.answers == []


def _fail(*_: object, **__: object) -> Any:
    raise RuntimeError("inner detail: /etc/passwd, SELECT * FROM accounts")


# -- 24: secrets ----------------------------------------------------------------------------------------------


async def test_24_no_secret_is_in_any_log_answer_record_or_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Plant secrets, let everything happen that can happen to them, and look for them everywhere."""
    caplog.set_level(logging.DEBUG)
    bench = make_bench(tmp_path, settings=BoardSettings(demo=sample_demo()))
    account = await bench.account(AccessRole.ADMIN, "Anna")
    canary, wrong = "canary kettle plum orbit", "canary wrong password"
    code = await bench.code(CodePurpose.SET_PASSWORD, account.id)
    texts: list[str] = []
    async with served(bench) as address, BoardClient(base_url=address) as client:
        client.headers["Origin"] = address
        await client.get("/first-run?code=canary-guess")
        page = f"/first-run?code={code}"
        await _form(client, page, "/first-run", password=canary, again=canary, code=code)
        await _form(client, "/password", "/password", old=wrong, password=wrong, again=wrong)
        texts += [(await client.get(path)).text for path in ("/users", "/api/v1/health", "/models", "/api/v1/session")]
        secrets = [canary, wrong, code, *(value for name, value in client.cookies.items() if "form" not in name)]
        await client.post("/api/v1/session", json={"name": "Anna", "password": wrong})
    assert len(secrets) == 5
    places = {
        "log": "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("http")),
        "audit record": repr(bench.audit.kept),
        "answers": "".join(texts),
        "state": (tmp_path / "state.db").read_bytes().decode("latin-1"),
    }
    for place, content in places.items():
        assert [secret for secret in secrets if secret in content] == [], place
    bench.state.close()


async def _form(client: BoardClient, page: str, action: str, **fields: str) -> httpx.Response:
    token = re.search(r'name="token" value="([^"]+)"', (await client.get(page)).text)
    assert token is not None
    return await client.post(action, data={**fields, "token": token[1]})


def test_every_route_is_made_by_the_guard(bench: Bench) -> None:
    assert len(bench.app.routes) == len(all_pages())
