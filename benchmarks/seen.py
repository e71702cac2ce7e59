"""How soon the board is seen: first paint of its pages, and a change at the line until it is on the screen.

``python benchmarks/seen.py [--rounds N]`` serves the sample line on loopback and looks at it in a Chromium without a
window, on a wall screen's size: prints the table that stands in docs/reference/figures/board.md. First paint is the
browser's own *first contentful paint*, from the start of the navigation, each time with nothing cached. A live change
runs from the call that hands a judgement to the board until the frame after the tile has changed; both ends are read
from this machine's clock. Pauses between changes differ, so that no rhythm of the board is met always or never.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import numpy as np
from playwright.sync_api import Browser, Page

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import find_browser
from board_pictures import WALL, chromium
from lineside.domain.access import AccessRole, CodePurpose
from lineside.domain.predictions import JudgementState
from lineside.testing.boards import Bench, ServedThread, make_bench
from lineside.testing.floors import ALERT, CYCLE, part_at, prediction_of

PAGES = {"overview": "/", "station": "/stations/cast", "alert card": f"/alerts/{quote(ALERT)}"}
PAINT = "performance.getEntriesByType('paint').find(e => e.name === 'first-contentful-paint')?.startTime ?? null"
WATCH = """() => {
  window.seen = {};
  const look = () => {
    const text = document.querySelector('#tile-quench .state').textContent;
    const shown = () => { window.seen[text.trim()] ??= performance.timeOrigin + performance.now(); };
    requestAnimationFrame(() => requestAnimationFrame(shown));
  };
  new MutationObserver(look).observe(document.querySelector('.stations'), { childList: true, subtree: true });
}"""
WAIT = """words => new Promise(done => {
  const look = () => {
    const found = Object.entries(window.seen).find(([text]) => text.includes(words));
    if (found) done(found[1]); else setTimeout(look, 5);
  };
  look();
})"""


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    path = find_browser.find()
    if path is None:
        raise SystemExit(f"no Chromium: {find_browser.ADVICE}")
    with tempfile.TemporaryDirectory() as folder:
        bench = make_bench(Path(folder))
        with ServedThread(bench) as board, chromium(path) as browser:
            cookies = log_in(browser, bench, board)
            rows = {f"first paint, {name}": paints(browser, board, cookies, at, rounds) for name, at in PAGES.items()}
            rows["a change at the line, on the screen"] = changes(browser, bench, board, cookies, rounds)
        bench.state.close()
    report(rows)


def log_in(browser: Browser, bench: Bench, board: ServedThread) -> list[dict[str, object]]:
    """Return the cookies of an operator."""
    account = board.run(bench.account(AccessRole.OPERATOR))
    code = board.run(bench.code(CodePurpose.LOGIN, account.id))
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{board.address}/first-run?code={code}")
    page.wait_for_url(f"{board.address}/")
    found = context.cookies()
    context.close()
    return [dict(cookie) for cookie in found]


def opened(browser: Browser, cookies: Sequence[dict[str, object]]) -> Page:
    """Return a page of the operator in a browser that has kept nothing."""
    context = browser.new_context(viewport=WALL, service_workers="block", bypass_csp=True)  # type: ignore[arg-type]
    context.add_cookies(list(cookies))  # type: ignore[arg-type]
    return context.new_page()


def paints(
    browser: Browser, board: ServedThread, cookies: Sequence[dict[str, object]], path: str, rounds: int
) -> list[float]:
    """Return the first contentful paints of a page, ms."""
    found = []
    for _ in range(rounds):
        page = opened(browser, cookies)
        page.goto(board.address + path)
        page.wait_for_function(f"({PAINT}) !== null")
        found.append(float(page.evaluate(PAINT)))
        page.context.close()
    return found


def changes(
    browser: Browser, bench: Bench, board: ServedThread, cookies: Sequence[dict[str, object]], rounds: int
) -> list[float]:
    """Return how long changes took to be on the screen, ms."""
    page = opened(browser, cookies)
    page.goto(board.address)
    page.wait_for_timeout(3000)
    page.evaluate(WATCH)
    found = []
    for number in range(rounds):
        words = f"change {number:03d}"
        began = feed(bench, board, number, words)
        found.append(float(page.evaluate(WAIT, words)) - began)
        page.wait_for_timeout(number * 137 % 900)
    page.context.close()
    return found


def feed(bench: Bench, board: ServedThread, number: int, words: str) -> float:
    """Hand a judgement to the board, as the process that feeds it does; return when, ms of this machine's clock."""
    part = part_at(bench.floor.plan, "quench", 119_000 + number, bench.clock.now() - CYCLE // 10 + number)
    judged = prediction_of(part, "hardness", state=JudgementState.OUTSIDE_EXPERIENCE, reason=words)

    async def call() -> float:
        began = time.time_ns() / 1e6
        bench.floor.apply_parts([part])
        bench.floor.apply_predictions([judged])
        return began

    return board.run(call())


def report(rows: dict[str, list[float]]) -> None:
    """Print the figures as a table in Markdown."""
    lines = ["| what | median | p95 | worst | of |", "|---|---|---|---|---|"]
    for name, values in rows.items():
        median, high = np.percentile(values, [50, 95])
        lines.append(f"| {name} | {median:.0f} ms | {high:.0f} ms | {max(values):.0f} ms | {len(values)} |")
    when = datetime.now(tz=UTC).strftime("%Y-%m-%d")
    lines += ["", f"{when}, {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}."]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
