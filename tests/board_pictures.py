"""Takes the pictures of the board that the documentation shows: ``python tests/board_pictures.py [FOLDER]``."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Browser, Page, expect, sync_playwright

import find_browser
from lineside.apps.plant.board import BoardSettings
from lineside.domain.access import AccessRole, CodePurpose
from lineside.testing.boards import ServedThread, make_bench, sample_demo
from lineside.testing.floors import ALERT

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
)
WALL = {"width": 1920, "height": 1080}
TABLET = {"width": 1024, "height": 768}
CARD = f"/alerts/{quote(ALERT)}"
TRIM = "/alerts/trim/burr/outside_experience/trim-118199"


@contextmanager
def chromium(path: Path) -> Iterator[Browser]:
    """A browser without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(path), args=list(FLAGS))
        yield browser
        browser.close()


def take(folder: Path) -> None:
    """Write ``board.png`` (the wall screen), ``alert.png`` (a tablet) and those of the tutorial into a folder."""
    path = find_browser.find()
    if path is None:
        raise SystemExit(f"no Chromium: {find_browser.ADVICE}")
    with tempfile.TemporaryDirectory() as state:
        bench = make_bench(Path(state), settings=BoardSettings(demo=sample_demo()))
        with chromium(path) as browser:
            with ServedThread(bench) as board:
                account = board.run(bench.account(AccessRole.OPERATOR))
                code = board.run(bench.code(CodePurpose.LOGIN, account.id))
                wall = browser.new_context(viewport=WALL, device_scale_factor=0.55)  # type: ignore[arg-type]
                page = wall.new_page()
                page.goto(f"{board.address}/first-run?code={code}")
                page.wait_for_url(f"{board.address}/")
                page.screenshot(path=folder / "board.png")
                session = wall.storage_state()
                tablet = browser.new_context(viewport=TABLET, device_scale_factor=0.9, storage_state=session)  # type: ignore[arg-type]
                page = tablet.new_page()
                page.goto(board.address + CARD)
                page.screenshot(path=folder / "alert.png")
                work_through(page, board, folder)
            answer_without_a_connection(page, folder)
        bench.state.close()


def work_through(page: Page, board: ServedThread, folder: Path) -> None:
    """From the red tile to the closed alert, as the tutorial tells it."""
    page.goto(board.address)
    page.screenshot(path=folder / "tutorial-tile.png")
    page.locator("#tile-cast").click()
    page.locator(".step input[name=value]").fill("7.9")
    page.locator(".step").get_by_role("button", name="Record").click()
    expect(page.locator(".step")).to_contain_text("not right yet")
    page.screenshot(path=folder / "tutorial-measured.png")
    page.locator(".step input[name=value]").fill("13.5")
    page.locator(".step").get_by_role("button", name="Record").click()
    expect(page.locator(".steps")).to_contain_text("measured 13.5")
    page.get_by_role("button", name="I take it").click()
    expect(page.get_by_text("taken by operator")).to_be_visible()
    page.screenshot(path=folder / "tutorial-taken.png")
    page.get_by_role("button", name="Defect confirmed").click()
    expect(page.locator(".step.done")).to_be_visible()
    page.screenshot(path=folder / "tutorial-closed.png")
    page.goto(f"{board.address}{TRIM}")


def answer_without_a_connection(page: Page, folder: Path) -> None:
    """The board is gone: the page says how old it is, and an answer waits."""
    page.get_by_role("button", name="I take it").click()
    expect(page.get_by_text("Connection lost.")).to_be_visible(timeout=15_000)
    expect(page.locator("[data-wait]")).to_be_visible()
    page.screenshot(path=folder / "tutorial-offline.png")


if __name__ == "__main__":
    take(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "docs" / "images")
