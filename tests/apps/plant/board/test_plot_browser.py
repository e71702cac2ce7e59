"""The plot in a real browser, under the board's own policy: drawn, moved, zoomed, by mouse, fingers and keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from board_pictures import TABLET, WALL, chromium
from lineside.apps.plant.board import BoardSettings
from lineside.apps.plant.long_plots import LongPlots
from lineside.domain.access import AccessRole, CodePurpose
from lineside.domain.thinning import Columns
from lineside.domain.units import SECOND
from lineside.testing.boards import Bench, ServedThread, make_bench
from lineside.testing.floors import part_at, run_before
from lineside.testing.long_histories import keep_long

pytestmark = pytest.mark.browser

PLOT = "/stations/cast/plot?quantity=signal%3Adie_temperature_moving&over=week"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
SIGNAL = "die_temperature_moving"
MANY = 50_000


@pytest.fixture(scope="module")
def browser(chromium_path: Path) -> Iterator[Browser]:
    with chromium(chromium_path) as browser:
        yield browser


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A board whose history holds one signal, which stands for every feature too."""
    plots = LongPlots(tmp_path / "history")

    async def any_of_it(station: str, quantity: str, start: int, end: int, columns: int) -> Columns:
        asked = f"signal:{SIGNAL}" if quantity.startswith("feature:") else quantity
        return await plots(station, asked, start, end, columns)

    bench = make_bench(tmp_path, settings=BoardSettings(plots=any_of_it))
    yield bench
    bench.state.close()


@pytest.fixture
def board(bench: Bench, tmp_path: Path) -> Iterator[ServedThread]:
    ends, folder = bench.clock.now() - SECOND, tmp_path / "history"
    with ServedThread(bench) as board:
        board.run(keep_long(folder, bench.floor.plan, SIGNAL, count=MANY, ends=ends, every=10 * SECOND))
        yield board


def open_plot(browser: Browser, bench: Bench, board: ServedThread, **options: Any) -> tuple[Page, list[str]]:
    """Log somebody in and open the plot; what the browser complains of is gathered."""
    page = browser.new_context(service_workers="block", **options).new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    account = board.run(bench.account(AccessRole.ENGINEER))
    code = board.run(bench.code(CodePurpose.LOGIN, account.id))
    page.goto(f"{board.address}/first-run?code={code}")
    page.wait_for_url(f"{board.address}/")
    page.goto(board.address + PLOT)
    return page, said


def behind(page: Page) -> int:
    """Return how many readings stand behind what is drawn."""
    return int(page.locator("figure[data-drawn]").get_attribute("data-behind") or "0")


def wait_for_another(page: Page, before: int) -> int:
    page.wait_for_function("n => Number(document.querySelector('[data-behind]').dataset.behind) !== n", arg=before)
    return behind(page)


def test_it_is_drawn_by_the_policy_of_every_page_and_says_what_it_shows(
    browser: Browser, bench: Bench, board: ServedThread
) -> None:
    page, said = open_plot(browser, bench, board, viewport=TABLET)
    expect(page.locator("figure canvas[role=img]")).to_be_visible()
    assert behind(page) == MANY
    expect(page.locator(".plot-said")).to_contain_text("50,000 values")
    expect(page.locator(".plot-said")).to_contain_text("250 °C")
    expect(page.locator(".plot-said")).to_contain_text("2026-11-18 12:06")
    assert "50,000 values" in (page.locator("figure canvas").get_attribute("aria-label") or "")
    assert page.locator("figure svg").count() == 0
    assert said == []
    page.context.close()


def test_keys_and_buttons_move_and_zoom_it_and_bring_it_back(
    browser: Browser, bench: Bench, board: ServedThread
) -> None:
    page, said = open_plot(browser, bench, board, viewport=TABLET)
    page.locator("figure[data-drawn]").wait_for()
    plot = page.locator(".plot-place")
    plot.focus()
    for _ in range(3):
        page.keyboard.press("+")
    near = wait_for_another(page, MANY)
    assert near < MANY // 6
    page.keyboard.press("End")
    assert behind(page) == near
    page.keyboard.press("Home")
    assert wait_for_another(page, near) == MANY
    page.get_by_role("button", name="Closer").click()
    half = wait_for_another(page, MANY)
    page.get_by_role("button", name="Earlier").click()
    wait_for_another(page, half)
    page.get_by_role("button", name="As at first").press("Enter")
    page.wait_for_function(f"() => document.querySelector('[data-behind]').dataset.behind === '{MANY}'")
    assert said == []
    page.context.close()


def test_a_finger_moves_it_and_two_fingers_zoom(browser: Browser, bench: Bench, board: ServedThread) -> None:
    page, said = open_plot(browser, bench, board, viewport=TABLET, has_touch=True)
    page.locator("figure[data-drawn]").wait_for()
    box = page.locator(".u-over").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = page.context.new_cdp_session(page)

    def touch(kind: str, *places: float) -> None:
        points = [{"x": place, "y": y, "id": number} for number, place in enumerate(places)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", x - 40, x + 40)
    for by in (60, 90, 120, 160):
        touch("touchMove", x - by, x + by)
    touch("touchEnd")
    near = wait_for_another(page, MANY)
    assert near < MANY // 2
    said_before = page.locator(".plot-said").inner_text()
    touch("touchStart", x)
    for by in (20, 60, 110, 170):
        touch("touchMove", x + by)
    touch("touchEnd")
    expect(page.locator(".plot-said")).not_to_have_text(said_before)
    assert said == []
    page.context.close()


def test_without_script_or_without_data_the_curve_of_the_server_stays(
    browser: Browser, bench: Bench, board: ServedThread
) -> None:
    page, _ = open_plot(browser, bench, board, viewport=TABLET)
    page.locator("figure canvas").wait_for()
    page.route("**/plot.bin*", lambda route: route.abort())
    page.reload()
    expect(page.locator("figure svg.curve")).to_be_visible()
    assert page.locator("figure canvas").count() == 0
    state = page.context.storage_state()
    with browser.new_context(java_script_enabled=False, storage_state=state) as plain:
        other = plain.new_page()
        other.goto(board.address + PLOT)
        expect(other.locator("figure svg.curve")).to_be_visible()
        expect(other.get_by_role("button", name="Closer")).to_be_hidden()
    page.context.close()


def test_the_chart_of_single_parts_comes_to_life_with_its_limits(
    browser: Browser, bench: Bench, board: ServedThread
) -> None:
    page, said = open_plot(browser, bench, board, viewport=TABLET)
    page.goto(f"{board.address}/stations/cast/charts")
    page.locator("#chart-individuals[data-drawn] canvas").wait_for()
    page.locator("#chart-moving-range[data-drawn] canvas").wait_for()
    expect(page.locator("figure svg.curve")).to_have_count(0)
    assert has_colour(page, "--limit")
    page.locator("#chart-individuals .u-over").hover()
    expect(page.locator(".plot-at").first).to_contain_text(":")
    assert said == []
    page.context.close()


@pytest.mark.parametrize("kind", ["individuals", "averages", "ewma"])
def test_a_control_chart_follows_the_line_and_stays_where_somebody_looks(
    browser: Browser, bench: Bench, board: ServedThread, kind: str
) -> None:
    run_before(bench.floor, "quench", 100)
    page, said = open_plot(browser, bench, board, viewport=TABLET)
    page.goto(f"{board.address}/stations/quench/charts?chart={kind}")
    chart = page.locator(f"#chart-{kind}[data-drawn]")
    chart.locator("canvas").wait_for()
    page.evaluate("document.querySelector('figure canvas').dataset.same = 'yes'")
    behind_it = f"Number(document.getElementById('chart-{kind}').dataset.behind)"
    before = int(chart.get_attribute("data-behind") or 0)

    async def five_come(first: int, value: float) -> None:
        """Let five parts be made: a group of the averages."""
        for number in range(first, first + 5):
            part = part_at(bench.floor.plan, "quench", 118_900 + number, bench.clock.now() + number * SECOND)
            part.features[:] = value
            bench.floor.apply_parts([part])

    board.run(five_come(0, 234.0))
    page.wait_for_function(f"n => {behind_it} > n", arg=before)
    assert chart.locator("canvas").get_attribute("data-same") == "yes", "it is the same plot, not another"
    place = chart.locator(".plot-place")
    place.focus()
    for _ in range(3):
        page.keyboard.press("+")
    page.wait_for_function(f"n => {behind_it} < n", arg=before)
    near = chart.get_attribute("data-behind")
    board.run(five_come(5, 999.0))
    expect(page.locator(".list tbody tr").first).to_contain_text("1189")
    expect(page.locator("#main")).to_contain_text(re.compile("11890[5-9]"))
    assert chart.get_attribute("data-behind") == near, "who looks at the past stays there"
    assert place.evaluate("(element) => element === document.activeElement")
    assert said == []
    page.context.close()


@pytest.mark.parametrize(("scheme", "size"), [("light", TABLET), ("dark", WALL)], ids=["light", "dark"])
def test_axe_finds_nothing_and_the_line_has_the_colour_of_the_board(
    browser: Browser, bench: Bench, board: ServedThread, scheme: str, size: dict[str, int]
) -> None:
    page, _ = open_plot(browser, bench, board, color_scheme=scheme, viewport=size, bypass_csp=True)
    page.locator("figure canvas").wait_for()
    for path in (PLOT, "/stations/cast/charts"):
        page.goto(board.address + path)
        if path == PLOT:
            page.locator("figure canvas").wait_for()
            page.locator("#figures summary").click()
        found = Axe().run(page, options=RULES).response["violations"]
        assert [(item["id"], [node["target"] for node in item["nodes"]]) for item in found] == []
    page.goto(board.address + PLOT)
    page.locator("figure canvas").wait_for()
    assert has_colour(page, "--trace")
    page.evaluate(f"document.documentElement.dataset.theme = '{'light' if scheme == 'dark' else 'dark'}'")
    page.wait_for_function(HAS_COLOUR, arg="--trace")
    page.context.close()


HAS_COLOUR = """name => {
  const want = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(want.slice(at, at + 2), 16));
  const canvas = document.querySelector("figure canvas");
  const dots = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  for (let at = 0; at < dots.length; at += 4) {
    const far = [r, g, b].map((part, place) => Math.abs(dots[at + place] - part));
    if (dots[at + 3] === 255 && Math.max(...far) < 4) return true;
  }
  return false;
}"""


def has_colour(page: Page, name: str) -> bool:
    """Return whether a dot of the plot has the colour of a token of the board."""
    found: bool = page.evaluate(HAS_COLOUR, name)
    return found
