"""The installed board without a connection, in a real browser: the server is really gone, and really comes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from board_pictures import CARD, TABLET, chromium
from lineside.apps.plant.board import BoardSettings
from lineside.domain.access import AccessRole, CodePurpose
from lineside.domain.alerts import AlertKind, Verdict
from lineside.testing.boards import Bench, ServedThread, make_bench
from lineside.testing.floors import alert_event

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser(chromium_path: Path) -> Iterator[Browser]:
    with chromium(chromium_path) as browser:
        yield browser


@contextmanager
def on(folder: Path, port: int = 0) -> Iterator[tuple[Bench, ServedThread]]:
    """A board over the state of a folder; one that comes after another knows its sessions."""
    bench = make_bench(folder, settings=BoardSettings())
    try:
        with ServedThread(bench, port) as board:
            yield bench, board
    finally:
        bench.state.close()


def until(page: Page, expression: str) -> None:
    """Wait until an expression of the page is true; Playwright's own wait is what the page's policy forbids."""
    page.evaluate(
        "new Promise((done, fail) => { const end = performance.now() + 20000; const look = async () => {"
        f" if ({expression}) done(); else if (performance.now() > end) fail(new Error('never true'));"
        " else setTimeout(look, 50); }; look().catch(fail); })"
    )


def come_in(page: Page, bench: Bench, board: ServedThread) -> None:
    """Log in, and wait until the browser has kept what it needs without a connection."""
    account = board.run(bench.account(AccessRole.OPERATOR))
    code = board.run(bench.code(CodePurpose.LOGIN, account.id))
    page.goto(f"{board.address}/first-run?code={code}")
    page.wait_for_url(f"{board.address}/")
    until(page, "await navigator.serviceWorker.ready")
    page.reload()
    until(page, f"await (await caches.open('lineside-pages-1')).match({CARD!r})")


def test_without_a_connection_the_board_opens_with_its_age_and_answers_wait_until_it_is_back(
    browser: Browser, tmp_path: Path
) -> None:
    context = browser.new_context(viewport=TABLET)  # type: ignore[arg-type]
    page = context.new_page()
    with on(tmp_path) as (bench, board):
        come_in(page, bench, board)
        port = urlsplit(board.address).port or 0
        address = board.address
    page.goto(address)  # the server is gone
    expect(page.get_by_text("Connection lost.")).to_be_visible()
    expect(page.locator("[data-offline]")).to_contain_text(" s")
    page.locator("#tile-cast").click()  # a card that was never opened
    expect(page.get_by_role("heading", name="Porosity likely on the next parts")).to_be_visible()
    expect(page.get_by_text("Connection lost.")).to_be_visible()
    assert page.evaluate("document.querySelector('.picture img').naturalWidth") == 640
    page.get_by_role("button", name="I take it").click()
    expect(page.locator("[data-wait]")).to_contain_text("I take it")
    page.get_by_role("link", name="close it at once").click()
    page.get_by_role("button", name="Defect confirmed").click()
    expect(page.locator("[data-wait] [data-count]")).to_have_text("2")
    page.goto(f"{address}/parts")
    expect(page.get_by_role("heading", name="No connection")).to_be_visible()
    page.goto(address + CARD)
    expect(page.locator("[data-wait] [data-count]")).to_have_text("2")
    with on(tmp_path, port) as (bench, board):
        expect(page.locator(".step")).to_contain_text("Defect confirmed: Cooling too weak", timeout=20_000)
        expect(page.locator("#waiting")).to_be_hidden()
        expect(page.get_by_text("Connection lost.")).to_be_hidden()
        assert [event.kind for event in bench.answers] == [AlertKind.TAKEN, AlertKind.CLOSED]
        assert bench.answers[1].verdict is Verdict.CONFIRMED
        assert all(event.time < event.received for event in bench.answers)
        page.reload()
        expect(page.locator(".step")).to_contain_text("Defect confirmed")
        assert len(bench.answers) == 2
    context.close()


def test_what_is_said_without_a_connection_is_in_the_language_that_was_chosen(browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context(viewport=TABLET)  # type: ignore[arg-type]
    page = context.new_page()
    with on(tmp_path) as (bench, board):
        come_in(page, bench, board)
        page.locator(".me summary").click()
        page.get_by_role("button", name="Deutsch").click()
        expect(page.locator("html")).to_have_attribute("lang", "de")
        kept = "(await (await caches.open('lineside-files-1')).match('/offline')).text()"
        until(page, f"(await {kept}).includes('lang=\"de\"')")
        address = board.address
    page.goto(f"{address}/parts")  # the server is gone
    expect(page.get_by_role("heading", name="Keine Verbindung")).to_be_visible()
    page.goto(address)
    expect(page.locator("#offline")).to_contain_text("Verbindung")
    context.close()


def test_an_answer_that_came_too_late_is_said_and_what_one_has_seen_goes_with_the_login(
    browser: Browser, tmp_path: Path
) -> None:
    context = browser.new_context(viewport=TABLET)  # type: ignore[arg-type]
    page = context.new_page()
    with on(tmp_path) as (bench, board):
        come_in(page, bench, board)
        page.goto(board.address + CARD)
        port = urlsplit(board.address).port or 0
    page.get_by_role("button", name="Need help").click()
    expect(page.locator("[data-wait]")).to_contain_text("Need help")
    with on(tmp_path, port) as (bench, board):
        closed = alert_event(AlertKind.CLOSED, bench.clock.now(), verdict=Verdict.NO_DEFECT, by="engineer X")

        async def close() -> None:
            bench.floor.apply_alerts([closed], shown=True)

        board.run(close())
        page.goto(board.address + CARD)
        expect(page.locator("[data-refused]")).to_contain_text("This alert is closed already", timeout=20_000)
        assert bench.answers == []
        page.get_by_role("button", name="Seen").click()
        expect(page.locator("#waiting")).to_be_hidden()
        page.locator(".me summary").click()
        page.get_by_role("button", name="Log out").click()
        page.wait_for_url("**/login")
        until(page, "!(await caches.has('lineside-pages-1'))")
    context.close()
