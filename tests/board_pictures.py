"""Takes the pictures of the board that the documentation shows: ``python tests/board_pictures.py [FOLDER]``."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Browser, sync_playwright

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


@contextmanager
def chromium(path: Path) -> Iterator[Browser]:
    """A browser without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(path), args=list(FLAGS))
        yield browser
        browser.close()


def take(folder: Path) -> None:
    """Write ``board.png`` (the wall screen) and ``alert.png`` (a tablet) into a folder."""
    path = find_browser.find()
    if path is None:
        raise SystemExit(f"no Chromium: {find_browser.ADVICE}")
    with tempfile.TemporaryDirectory() as state:
        bench = make_bench(Path(state), settings=BoardSettings(demo=sample_demo()))
        with ServedThread(bench) as board, chromium(path) as browser:
            account = board.run(bench.account(AccessRole.OPERATOR))
            code = board.run(bench.code(CodePurpose.LOGIN, account.id))
            context = browser.new_context(viewport=WALL)  # type: ignore[arg-type]
            page = context.new_page()
            page.goto(f"{board.address}/first-run?code={code}")
            page.wait_for_url(f"{board.address}/")
            page.screenshot(path=folder / "board.png")
            page.set_viewport_size(TABLET)  # type: ignore[arg-type]
            page.goto(board.address + CARD)
            page.screenshot(path=folder / "alert.png")
        bench.state.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "docs" / "images")
