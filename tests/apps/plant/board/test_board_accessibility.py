"""WCAG 2.2 AA by axe on every page of an operator; from a red tile to a closed alert by taps and by keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from board_pictures import CARD, TABLET, WALL, chromium
from lineside.domain.access import AccessRole, CodePurpose
from lineside.domain.alerts import AlertKind, Verdict
from lineside.testing.boards import Bench, ServedThread, make_bench
from lineside.testing.signals import sample_signals

pytestmark = pytest.mark.browser

OPERATORS = [
    "/", "/alerts", CARD, f"{CARD}?ask=close", f"{CARD}?ask=problem", f"{CARD}?ask=later", "/stations/cast",
    "/stations/leak_test", "/stations/cast/capability", "/stations/cast/measured", "/stations/cast/charts",
    "/stations/cast/plot",
    "/parts", "/parts/cast/cast-118203?unit=118203", "/models", "/coverage", "/missing",
    "/drift", "/performance", "/ready", "/releases",
    "/gateways", "/signals", "/password", "/offline", "/handover", "/labels", "/statistics", f"{CARD}/8d",
]  # fmt: skip
OTHERS = ("de", "es", "zh", "pt")
"""Each page is looked at in one of these: its words are longer, or of another script."""
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}


@pytest.fixture(scope="module")
def browser(chromium_path: Path) -> Iterator[Browser]:
    with chromium(chromium_path) as browser:
        yield browser


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = make_bench(tmp_path, settings=sample_signals())
    yield bench
    bench.state.close()


@pytest.fixture
def board(bench: Bench) -> Iterator[ServedThread]:
    with ServedThread(bench) as board:
        yield board


def come_in(browser: Browser, bench: Bench, board: ServedThread, **options: Any) -> Page:
    """A page of an operator; axe is put into it by the tests' own hand, past the policy of the page."""
    page = browser.new_context(bypass_csp=True, **options).new_page()
    account = board.run(bench.account(AccessRole.OPERATOR))
    code = board.run(bench.code(CodePurpose.LOGIN, account.id))
    page.goto(f"{board.address}/first-run?code={code}")
    page.wait_for_url(f"{board.address}/")
    return page


def violations(page: Page) -> list[str]:
    """Return what axe finds, with the elements."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{item['id']}: {node['target']} {node['failureSummary']}" for item in found for node in item["nodes"]]


@pytest.mark.parametrize(("scheme", "size"), [("light", TABLET), ("dark", WALL)], ids=["light", "dark"])
def test_axe_finds_nothing_on_any_page_of_an_operator(
    browser: Browser, bench: Bench, board: ServedThread, scheme: str, size: dict[str, int]
) -> None:
    page = come_in(browser, bench, board, color_scheme=scheme, viewport=size, service_workers="block")
    found = {}
    for path in OPERATORS:
        page.goto(board.address + path)
        found[path] = violations(page)
    page.goto(board.address + CARD)
    page.get_by_role("button", name="I take it").click()
    expect(page.get_by_text("taken by operator")).to_be_visible()
    found["taken"] = violations(page)
    page.get_by_role("button", name="Defect confirmed").click()
    expect(page.locator(".step.done")).to_be_visible()
    found["closed"] = violations(page)
    page.context.clear_cookies()
    page.goto(f"{board.address}/login")
    found["/login"] = violations(page)
    assert {path: said for path, said in found.items() if said} == {}
    page.context.close()


def test_axe_finds_nothing_in_any_other_language(browser: Browser, bench: Bench, board: ServedThread) -> None:
    first = come_in(browser, bench, board, viewport=TABLET)
    options: dict[str, Any] = {
        "bypass_csp": True, "viewport": TABLET, "storage_state": first.context.storage_state(),
        "service_workers": "block",
    }  # fmt: skip
    first.context.close()
    found = {}
    for place, language in enumerate(OTHERS):
        page = browser.new_context(locale=language, **options).new_page()
        for path in OPERATORS[place :: len(OTHERS)]:
            page.goto(board.address + path)
            spoken = page.evaluate("document.documentElement.lang")
            found[language, path] = violations(page) if spoken == language else [f"it speaks {spoken}"]
        page.context.close()
    assert {key: said for key, said in found.items() if said} == {}


def test_from_the_red_tile_to_the_closed_alert_in_three_taps(
    browser: Browser, bench: Bench, board: ServedThread
) -> None:
    page = come_in(browser, bench, board, viewport=TABLET, has_touch=True)
    taps = 0

    def tap(name: str) -> None:
        nonlocal taps
        taps += 1
        page.get_by_role("link" if taps == 1 else "button", name=name).first.tap()

    tap("Cast")
    tap("I take it")
    tap("Defect confirmed")
    expect(page.locator(".step")).to_contain_text("Defect confirmed: Cooling too weak")
    assert taps <= 3
    assert [event.kind for event in bench.answers] == [AlertKind.TAKEN, AlertKind.CLOSED]
    page.context.close()


def test_from_the_red_tile_to_the_closed_alert_by_keyboard_alone_with_a_measured_value(
    browser: Browser, bench: Bench, board: ServedThread
) -> None:
    page = come_in(browser, bench, board, viewport=TABLET)

    def go_to(words: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            seen = page.evaluate("document.activeElement.textContent + (document.activeElement.name || '')")
            outline = page.evaluate(
                "[document.activeElement, document.activeElement.nextElementSibling].some("
                "e => e && getComputedStyle(e).outlineStyle !== 'none')"
            )
            assert outline, seen
            if words in seen:
                return
        pytest.fail(f"{words} cannot be reached")

    go_to("Porosity likely")
    page.keyboard.press("Enter")
    expect(page.locator("h1.what")).to_be_visible()
    go_to("value")
    page.keyboard.type("13,5")
    page.keyboard.press("Enter")
    expect(page.locator(".steps")).to_contain_text("measured 13.5")
    go_to("I take it")
    page.keyboard.press("Enter")
    expect(page.get_by_text("taken by operator")).to_be_visible()
    go_to("Defect confirmed")
    page.keyboard.press("Enter")
    expect(page.locator(".step.done")).to_contain_text("Defect confirmed")
    assert [event.kind for event in bench.answers] == [AlertKind.STEP, AlertKind.TAKEN, AlertKind.CLOSED]
    assert (bench.answers[0].measured, bench.answers[2].verdict) == (13.5, Verdict.CONFIRMED)
    page.context.close()
