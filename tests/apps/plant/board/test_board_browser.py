"""The board in a real browser, before a real server with a real state file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from board_pictures import CARD, TABLET, WALL, chromium
from lineside.apps.plant.board import BoardSettings
from lineside.domain.access import AccessRole, CodePurpose
from lineside.domain.alerts import AlertKind
from lineside.domain.outcomes import NONCONFORMING, Outcome
from lineside.domain.predictions import JudgementState
from lineside.testing.boards import (
    PASSWORD,
    Bench,
    ServedThread,
    make_bench,
    sample_coverages,
    sample_demo,
    sample_ladder,
    sample_ready,
    sample_watched,
)
from lineside.testing.floors import CYCLE, alert_event, causes_at, part_at, prediction_of

pytestmark = pytest.mark.browser

PAGES = ["/", "/alerts", CARD, f"{CARD}?ask=close", "/stations/cast", "/parts", "/parts/cast/cast-118203?unit=118203",
         "/models", "/coverage", "/drift", "/performance", "/ready", "/releases", "/users",
         "/demo", "/password"]  # fmt: skip


@pytest.fixture(scope="module")
def browser(chromium_path: Path) -> Iterator[Browser]:
    with chromium(chromium_path) as browser:
        yield browser


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = make_bench(
        tmp_path,
        settings=BoardSettings(
            demo=sample_demo(),
            coverages=sample_coverages,
            watched=sample_watched,
            ready=sample_ready,
            ladder=sample_ladder(tmp_path),
        ),
    )
    yield bench
    bench.state.close()


@pytest.fixture
def board(bench: Bench) -> Iterator[ServedThread]:
    with ServedThread(bench) as board:
        yield board


@pytest.fixture(params=[WALL, TABLET], ids=["wall", "tablet"])
def page(request: pytest.FixtureRequest, browser: Browser, bench: Bench, board: ServedThread) -> Iterator[Page]:
    """A page of an admin who has come in by a one-time address; whatever the console complains of fails the test."""
    with opened(browser, request.param) as page:
        account = board.run(bench.account(AccessRole.ADMIN))
        code = board.run(bench.code(CodePurpose.LOGIN, account.id))
        page.goto(f"{board.address}/first-run?code={code}")
        page.wait_for_url(f"{board.address}/")
        yield page


class opened:  # noqa: N801 - reads as a word where it is used
    """A new page whose console must stay silent."""

    def __init__(self, browser: Browser, size: dict[str, int], **options: Any) -> None:
        self._context = browser.new_context(viewport=size, **options)  # type: ignore[arg-type]
        self._complaints: list[str] = []

    def __enter__(self) -> Page:
        page = self._context.new_page()
        page.on("console", lambda message: self._complaints.append(message.text))
        page.on("pageerror", lambda error: self._complaints.append(str(error)))
        return page

    def __exit__(self, *_: object) -> None:
        self._context.close()
        assert [text for text in self._complaints if "ERR_" not in text] == []


def in_board(board: ServedThread, work: Callable[[], None]) -> None:
    """Do something in the thread that serves the board, as the process that feeds it would."""

    async def call() -> None:
        work()

    board.run(call())


def test_the_first_admin_makes_an_account_logs_out_and_in_again(
    browser: Browser, bench: Bench, board: ServedThread
) -> None:
    code = board.run(bench.code(CodePurpose.FIRST_ADMIN))
    with opened(browser, TABLET) as page:
        page.goto(f"{board.address}/first-run?code={code}")
        page.get_by_label("Name").fill("Anna")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_label("The same again").fill(PASSWORD)
        page.get_by_role("button", name="Set and log in").click()
        expect(page.get_by_role("heading", name="Cast", exact=True)).to_be_visible()
        page.locator(".me summary").click()
        page.get_by_role("button", name="Log out").click()
        expect(page).to_have_url(f"{board.address}/login")
        page.goto(f"{board.address}/alerts")
        page.get_by_label("Name").fill("anna")
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"{board.address}/alerts")


def test_a_tile_changes_while_one_looks(page: Page, bench: Bench, board: ServedThread) -> None:
    tile = page.locator("#tile-quench")
    expect(tile.locator(".state")).to_have_text("normal")

    def feed() -> None:
        part = part_at(bench.floor.plan, "quench", 118_205, bench.clock.now() - CYCLE // 10)
        bench.floor.apply_parts([part])
        state = JudgementState.OUTSIDE_EXPERIENCE
        bench.floor.apply_predictions([prediction_of(part, "hardness", state=state, reason="water above 32 °C")])

    in_board(board, feed)
    expect(tile.locator(".state")).to_contain_text("Outside experience")
    expect(tile.locator(".state")).to_contain_text("water above 32 °C")


def test_an_alert_appears_is_taken_worked_through_and_closed_and_stands_in_the_record_of_the_part(
    page: Page, bench: Bench, board: ServedThread
) -> None:
    text = "Porosity likely: the vacuum leaks."

    def feed() -> None:
        now = bench.clock.now()
        raised = alert_event(
            AlertKind.RAISED, now, alert_id="cast/porosity/vacuum/cast-118204", cause="porosity_other", text=text,
            unit="118204", cycle_id="cast-118204", suspects=("118204",), contributions=causes_at(),
        )  # fmt: skip
        bench.floor.apply_alerts([raised])

    in_board(board, feed)
    card = page.locator("#top-alerts .card", has_text=text)
    expect(card).to_be_visible()
    assert bench.actions()[-1] == "alert_shown"
    card.click()
    expect(page.get_by_role("heading", name=text)).to_be_visible()
    page.get_by_role("button", name="I take it").click()
    expect(page.get_by_text("taken by admin")).to_be_visible()
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_text("The only step is done. Was it real?")).to_be_visible()
    page.get_by_label("Cooling too weak").check()
    page.get_by_role("button", name="Defect confirmed").click()
    expect(page.locator(".step")).to_contain_text("Defect confirmed: Cooling too weak")
    page.locator("#fold-evidence summary").click()
    page.get_by_role("link", name="118204").click()
    expect(page.locator("#feedback")).to_contain_text("defect confirmed")
    expect(page.locator("#feedback")).to_contain_text("Cooling too weak")
    assert [event.kind for event in bench.answers] == [AlertKind.TAKEN, AlertKind.STEP, AlertKind.CLOSED]


def test_an_open_card_follows_what_others_do_and_what_inspection_finds(
    page: Page, bench: Bench, board: ServedThread
) -> None:
    page.goto(board.address + CARD)
    page.locator("#fold-evidence summary").click()
    now = bench.clock.now()
    in_board(board, lambda: bench.floor.apply_alerts([alert_event(AlertKind.TAKEN, now, by="engineer X")]))
    expect(page.get_by_text("taken by engineer")).to_be_visible()
    expect(page.locator("#fold-evidence")).to_have_attribute("open", "")
    found = Outcome(unit="118203", characteristic="porosity", value=NONCONFORMING, found=now, source="x-ray")
    in_board(board, lambda: bench.floor.apply_outcomes([found]))
    expect(page.get_by_text("1 of 1 checked parts do not conform")).to_be_visible()


def test_not_a_problem_and_later_ask_one_thing_each(page: Page, bench: Bench, board: ServedThread) -> None:
    page.goto(board.address + CARD)
    page.get_by_role("link", name="Later").click()
    page.get_by_role("button", name="30 min").click()
    expect(page.locator(".kicker")).to_contain_text("put off until")
    page.get_by_role("link", name="Not a problem").click()
    page.get_by_role("button", name="Sensor is wrong").click()
    expect(page.locator(".step")).to_contain_text("No defect: Sensor is wrong")
    assert [event.kind for event in bench.answers] == [AlertKind.SHELVED, AlertKind.CLOSED]


def test_a_lost_connection_is_said_within_ten_seconds_and_nothing_vanishes(browser: Browser, bench: Bench) -> None:
    with opened(browser, WALL) as page:
        with ServedThread(bench) as board:
            account = board.run(bench.account(AccessRole.OPERATOR))
            code = board.run(bench.code(CodePurpose.LOGIN, account.id))
            page.goto(f"{board.address}/first-run?code={code}")
            page.wait_for_url(f"{board.address}/")
        expect(page.get_by_text("Connection lost.")).to_be_visible(timeout=11_000)
        expect(page.get_by_role("heading", name="Cast", exact=True)).to_be_visible()
        expect(page.locator("body")).to_have_class("lost")


def test_a_model_is_brought_into_the_shadow_and_its_author_cannot_approve_it(page: Page, board: ServedThread) -> None:
    page.goto(f"{board.address}/releases")
    release = page.locator("section", has=page.get_by_text("porosity/2", exact=True))
    for button, state in (("Make it a draft", "draft"), ("Put it in the shadow", "shadow")):
        release.get_by_label("Why").fill("fewer false alarms in July")
        release.get_by_role("button", name=button).click()
        expect(release.locator("p b").first).to_have_text(state)
    expect(release.get_by_role("button", name="Make it a canary")).to_be_visible()
    expect(release.get_by_role("button", name="Approve the next step")).to_have_count(0)
    release.locator("summary").click()
    expect(release.locator("table")).to_contain_text("fewer false alarms in July")


def test_something_is_broken_and_mended(page: Page, board: ServedThread) -> None:
    page.goto(f"{board.address}/demo")
    fault = page.locator(".fault", has_text="Chiller valve sticks")
    fault.get_by_role("button", name="Break it").click()
    expect(fault).to_contain_text("Broken 0 s ago")
    expect(fault).to_contain_text("inspection confirms in about 3 min")
    fault.get_by_role("button", name="Mend it").click()
    expect(fault.get_by_role("button", name="Break it")).to_be_visible()


def test_nothing_runs_out_of_the_screen_and_the_overview_fits_on_it(page: Page, board: ServedThread) -> None:
    for path in PAGES:
        page.goto(board.address + path)
        size = page.evaluate("[document.documentElement.scrollWidth, innerWidth, scrollY]")
        assert size[0] <= size[1], path
    page.goto(board.address)
    height = page.evaluate("[document.documentElement.scrollHeight, innerHeight]")
    assert height[0] <= height[1]


def test_what_is_tapped_is_large_enough_for_gloves(page: Page, board: ServedThread) -> None:
    for path in PAGES:
        page.goto(board.address + path)
        heights = page.eval_on_selector_all(
            "main button, main .button, .tile, .others a, nav a, .me summary, input:not([type=hidden]), select",
            "all => all.filter(e => e.offsetParent && !e.matches('.unseen, [type=radio]'))"
            ".map(e => [e.textContent, e.getBoundingClientRect().height])",
        )
        assert [item for item in heights if item[1] < 48] == [], path


def test_the_four_answers_are_on_a_tablet_without_scrolling(page: Page, board: ServedThread) -> None:
    page.goto(board.address + CARD)
    for name in ("I take it", "Not a problem", "Need help", "Later"):
        expect(page.locator(".actions").get_by_text(name)).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(browser: Browser, bench: Bench, board: ServedThread, scheme: str) -> None:
    account = board.run(bench.account(AccessRole.ADMIN))
    code = board.run(bench.code(CodePurpose.LOGIN, account.id))
    with opened(browser, TABLET, color_scheme=scheme) as page:
        page.goto(f"{board.address}/first-run?code={code}")
        page.wait_for_url(f"{board.address}/")
        for path in PAGES:
            page.goto(board.address + path)
            assert page.evaluate(CONTRASTS) == [], path


def test_everything_can_be_reached_and_done_by_keyboard(page: Page, board: ServedThread, bench: Bench) -> None:
    page.goto(board.address + CARD)
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.textContent.trim()"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", seen[-1]
        if seen[-1] == "I take it":
            break
    assert seen[0] == "Skip to content"
    page.keyboard.press("Enter")
    expect(page.get_by_text("taken by admin")).to_be_visible()
    assert [event.kind for event in bench.answers] == [AlertKind.TAKEN]


def test_every_field_and_button_has_a_name(page: Page, board: ServedThread) -> None:
    for path in [*PAGES, "/login"]:
        page.goto(board.address + path)
        nameless = page.evaluate(
            "[...document.querySelectorAll('a, button, input:not([type=hidden]), select')].filter(e =>"
            " !(e.textContent.trim() || e.ariaLabel || (e.labels && e.labels.length))).map(e => e.outerHTML)"
        )
        assert nameless == [], path
        assert page.evaluate("document.documentElement.lang") == "en"
        assert page.locator("main").count() == 1
        assert page.locator("h1").count() == 1, path


CONTRASTS = """() => {
  const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => {
    const part = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const ground = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const low = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !element.offsetParent || element.closest('.unseen, .skip')) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) low.push([element.textContent.trim().slice(0, 40), ratio.toFixed(2)]);
  }
  return low;
}"""
