"""A million readings on a screen: ``python benchmarks/plots.py [--readings 1000000] [--rounds 5]``.

A history with so many readings of one signal is behind a real board; a headless Chromium shows it in three ways:

- *thinned*: as the board does, the server thins to the pixels and uPlot draws; then again an hour of it;
- *raw*: all readings are sent as float64 and uPlot draws them all;
- *svg*: all readings as one polyline, as the board's curves are drawn without script.

``fetched_ms`` is from the question to the last byte, ``drawn_ms`` what the script then takes, and ``seen_ms`` from the
question until a picture of the page holds it, which waits for all painting; *nothing* says what the picture of an empty
page takes. Each is the median of some rounds, each round a page of its own. Prints one JSON object for each.
"""

from __future__ import annotations

import argparse
import functools
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import find_browser
from board_pictures import WALL, chromium
from lineside.adapters.history_query import HistoryQuery
from lineside.apps.plant.board import BoardSettings
from lineside.apps.plant.long_plots import LongPlots
from lineside.domain.access import AccessRole, CodePurpose
from lineside.domain.units import DAY, MINUTE, SECOND
from lineside.testing.boards import Bench, ServedThread, make_bench
from lineside.testing.long_histories import keep_long

SIGNAL = "die_temperature_moving"
PLOT = f"/stations/cast/plot?quantity=signal%3A{SIGNAL}&over=month"
THINNED = """async ([address, from, to]) => {
  const begun = performance.now();
  const answer = await fetch(`${address}&from=${from}&to=${to}&columns=1800`);
  const all = new Float64Array(await answer.arrayBuffer());
  const got = performance.now();
  const n = all[0];
  new uPlot({ ...window.plain, ms: 1 }, [all.subarray(2, 2 + n), all.subarray(2 + n)], document.getElementById("main"));
  return { fetched_ms: got - begun, drawn_ms: performance.now() - got, points: n, bytes: all.byteLength };
}"""
RAW = """async () => {
  const begun = performance.now();
  const all = new Float64Array(await (await fetch("/raw.bin")).arrayBuffer());
  const got = performance.now();
  const n = all.length / 2;
  new uPlot({ ...window.plain, ms: 1 }, [all.subarray(0, n), all.subarray(n)], document.getElementById("main"));
  return { fetched_ms: got - begun, drawn_ms: performance.now() - got, points: n, bytes: all.byteLength };
}"""
SVG = """async () => {
  const begun = performance.now();
  const text = await (await fetch("/raw.svg")).text();
  const got = performance.now();
  document.getElementById("main").innerHTML = text;
  return { fetched_ms: got - begun, drawn_ms: performance.now() - got, points: null, bytes: text.length };
}"""
NOTHING = "async () => ({ fetched_ms: 0, drawn_ms: 0, points: 0, bytes: 0 })"
PLAIN = """() => { window.plain = { width: 1800, height: 420, legend: { show: false }, scales: { x: { time: true } },
  series: [{}, { stroke: "#47525e", width: 1.5, points: { show: false } }] };
  document.getElementById("main").replaceChildren(); }"""


def raw(history: Path) -> tuple[bytes, str]:
    """Return all readings as the two columns that uPlot takes, and as a curve of the board."""
    found = HistoryQuery(history).sql("SELECT source_time AS t, value AS v FROM readings ORDER BY t")
    times, values = found.column("t").to_numpy() / 1e6, found.column("v").to_numpy()
    across = (times - times[0]) / (times[-1] - times[0]) * 1800
    down = (values.max() - values) / (values.max() - values.min()) * 420
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across.tolist(), down.tolist(), strict=True))
    svg = f'<svg class="curve large" viewBox="0 0 1800 420"><polyline class="trace" points="{points}"/></svg>'
    return times.astype("<f8").tobytes() + values.astype("<f8").tobytes(), svg


async def _answer(body: bytes, _: Request) -> Response:
    return Response(body)


def rounds(page: Page, script: str, argument: Any, count: int) -> dict[str, float]:
    """Return the medians over some pages of their own."""
    found = []
    for _ in range(count):
        page.reload()
        page.locator("figure[data-drawn]").wait_for()
        page.evaluate(PLAIN)
        begun = time.perf_counter()
        one = page.evaluate(script, argument)
        page.screenshot()
        found.append({**one, "seen_ms": round(1e3 * (time.perf_counter() - begun), 1)})
    return {
        name: round(statistics.median(item[name] for item in found), 1)
        for name in found[0]
        if found[0][name] is not None
    }


def measure(page: Page, bench: Bench, history: Path, readings: int, count: int) -> None:
    """Print the figures of every way."""
    binary, svg = raw(history)
    for name, body in (("/raw.bin", binary), ("/raw.svg", svg.encode())):
        bench.app.router.routes.append(Route(name, functools.partial(_answer, body)))
    end = bench.clock.now() // 1_000_000
    address = f"/stations/cast/plot.bin?quantity=signal%3A{SIGNAL}"
    ways = {
        "nothing": (NOTHING, None),
        "thinned": (THINNED, [address, end - 30 * DAY // 1_000_000, end]),
        "thinned, an hour of it": (THINNED, [address, end - 61 * MINUTE // 1_000_000, end - MINUTE // 1_000_000]),
        "raw": (RAW, None),
        "svg": (SVG, None),
    }
    for name, (script, argument) in ways.items():
        print(json.dumps({"way": name, "readings": readings, **rounds(page, script, argument, count)}), flush=True)
    began = time.perf_counter()
    page.reload()
    page.locator("figure[data-drawn]").wait_for()
    print(
        json.dumps({"way": "the page from its address to the plot", "ms": round(1e3 * (time.perf_counter() - began))})
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readings", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    path = find_browser.find()
    if path is None:
        raise SystemExit(f"no Chromium: {find_browser.ADVICE}")
    with tempfile.TemporaryDirectory() as folder:
        history = Path(folder) / "history"
        bench = make_bench(Path(folder), settings=BoardSettings(plots=LongPlots(history)))
        every = 29 * DAY // given.readings
        with ServedThread(bench) as board, chromium(path) as browser:
            ends = bench.clock.now() - SECOND
            board.run(keep_long(history, bench.floor.plan, SIGNAL, count=given.readings, ends=ends, every=every))
            account = board.run(bench.account(AccessRole.ENGINEER))
            code = board.run(bench.code(CodePurpose.LOGIN, account.id))
            page = browser.new_context(viewport=WALL, service_workers="block").new_page()  # type: ignore[arg-type]
            page.set_default_timeout(120_000)
            page.goto(f"{board.address}/first-run?code={code}")
            page.wait_for_url(f"{board.address}/")
            page.goto(board.address + PLOT)
            measure(page, bench, history, given.readings, given.rounds)
        bench.state.close()


if __name__ == "__main__":
    main()
