"""Who may what, from where: the matrix of roles and routes, and requests that are not from our own pages."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from board_client import ORIGIN, BoardClient, client_of
from lineside.apps.plant.board.app import all_pages
from lineside.apps.plant.board.doorkeeper import Doorkeeper
from lineside.apps.plant.board.guard import PUBLIC, Page
from lineside.apps.plant.board.settings import BoardSettings
from lineside.apps.plant.board.tokens import form_token
from lineside.domain.access import AccessRole
from lineside.testing.boards import Bench, make_bench, sample_demo, served
from lineside.testing.floors import ALERT

PAGES = all_pages()
CHANGING = [page for page in PAGES if page.method not in {"GET", "OPTIONS"}]
SAMPLES = {
    "{station}": "cast", "{alert:path}": ALERT, "{cycle:path}": "cast-118203", "{unit:path}": "118200",
    "{account}": "nobody", "{fault}": "none", "{name}": "board.css", "{link}": "none", "{file:path}": "valve-v3.png",
}  # fmt: skip


def name_of(page: Page) -> str:
    return f"{page.method} {page.path}"


def path_of(page: Page) -> str:
    path = page.path
    for pattern, sample in SAMPLES.items():
        path = path.replace(pattern, sample)
    assert "{" not in path, f"give a sample for {page.path}"
    return path


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[tuple[Bench, BoardClient]]:
    """A board with the demo's panel, served for real, and a client of it."""
    bench = make_bench(tmp_path, settings=BoardSettings(demo=sample_demo()))
    async with served(bench) as address, BoardClient(base_url=address) as client:
        yield bench, client
    bench.state.close()


async def secret_of(bench: Bench, role: AccessRole) -> str:
    account = await bench.state.accounts.named(role.value) or await bench.account(role)
    doors: Doorkeeper = bench.app.state.board.doors
    return (await doors.admit(account, address="test")).session


async def status_of(client: BoardClient, page: Page, secret: str, **headers: str) -> int:
    """Return the status with which a page answers; live streams do not end, so only their head is read."""
    body = {"content": b"{}"} if page.api else {"data": {"token": headers.get("X-CSRF-Token", "")}}
    client.cookies = httpx.Cookies({"lineside": secret} if secret else {})
    kind = {"Content-Type": "application/json"} if page.api else {}
    sent = body if page.method != "GET" else {}
    async with client.stream(page.method, path_of(page), headers={**kind, **headers}, **sent) as answer:
        return answer.status_code


async def test_11_every_role_reaches_what_the_table_allows_and_nothing_else(
    site: tuple[Bench, BoardClient],
) -> None:
    bench, client = site
    for page in PAGES:
        for role in (None, *AccessRole):
            secret = "" if role is None else await secret_of(bench, role)
            status = await status_of(client, page, secret, **{"X-CSRF-Token": form_token(secret)})
            if page.allow == PUBLIC:
                continue
            if role is None:
                assert status in {303, 401}, (name_of(page), "stranger")
            elif role in page.allow:
                assert status not in {401, 403}, (name_of(page), role)
            else:
                assert status == 403, (name_of(page), role)


def test_11_public_is_only_what_must_be() -> None:
    assert {name_of(page) for page in PAGES if page.allow == PUBLIC} == {
        "GET /login",
        "POST /login/language",
        "POST /login",
        "GET /first-run",
        "POST /first-run",
        "GET /static/lineside.webmanifest",
        "GET /static/{name}",
        "GET /worker.js",
        "GET /offline",
        "GET /authority.crt",
        "GET /andon",
        "OPTIONS /andon",
        "GET /embed",
        "GET /metrics",
        "GET /answer/{link}",
        "POST /answer/{link}",
        "GET /alive",
        "POST /api/v1/session",
        "GET /api/v1/openapi.json",
    }


async def test_11_a_denial_is_in_the_audit_record(operator: BoardClient, bench: Bench) -> None:
    await operator.get("/users")
    last = bench.audit.kept[-1]
    assert last.action == "denied"
    assert "/users" in last.content
    assert "operator " in last.content


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://board.test"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=lambda headers: "-".join(headers.values()),
)
async def test_9_a_request_from_a_foreign_page_changes_nothing(bench: Bench, headers: dict[str, str]) -> None:
    async with client_of(bench) as client:
        secret = await secret_of(bench, AccessRole.ADMIN)
        for page in CHANGING:
            status = await status_of(client, page, secret, **{"X-CSRF-Token": form_token(secret)}, **headers)
            assert status == 403, name_of(page)
    assert bench.actions()[-len(CHANGING) :] == ["denied"] * len(CHANGING)


@pytest.mark.parametrize("token", ["", "wrong", form_token("another session")])
async def test_9_a_request_without_the_sessions_token_changes_nothing(bench: Bench, token: str) -> None:
    async with client_of(bench) as client:
        secret = await secret_of(bench, AccessRole.ADMIN)
        for page in CHANGING:
            if not page.open_to_programs:
                status = await status_of(client, page, secret, **{"X-CSRF-Token": token}, Origin=ORIGIN)
                assert status == 403, name_of(page)


async def test_9_no_get_changes_the_state(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, settings=BoardSettings(demo=sample_demo()))
    async with served(bench) as address, BoardClient(base_url=address) as client:
        secret = await secret_of(bench, AccessRole.ADMIN)
        before = _contents(tmp_path / "state.db")
        for page in PAGES:
            if page.method == "GET":
                await status_of(client, page, secret)
        assert _contents(tmp_path / "state.db") == before
    assert bench.answers == []
    bench.state.close()


def _contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of the state but those that say when a session was used."""
    with sqlite3.connect(path) as connection:
        tables = ("accounts", "codes", "devices", "settings", "releases")
        return {table: connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in tables}


async def test_every_path_answers_405_to_methods_that_are_not_in_the_table(bench: Bench) -> None:
    async with client_of(bench) as client:
        client.cookies = httpx.Cookies({"lineside": await secret_of(bench, AccessRole.ADMIN)})
        for page in PAGES:
            for method in ("PUT", "PATCH", "TRACE"):
                assert (await client.request(method, path_of(page))).status_code == 405, name_of(page)
