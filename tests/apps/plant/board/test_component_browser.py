"""The component and the frame on a page of another system, in a real browser."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from board_pictures import chromium
from lineside.adapters.state_sql.screens import Screen
from lineside.apps.plant.board.tokens import hashed
from lineside.domain.alerts import AlertKind
from lineside.domain.units import HOUR
from lineside.testing.boards import ServedThread, make_bench
from lineside.testing.floors import alert_event

pytestmark = pytest.mark.browser


@contextmanager
def other_system(html: str) -> Iterator[str]:
    """A page of another origin."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_the_component_lives_on_another_systems_page_and_follows_the_line(tmp_path: Path, chromium_path: Path) -> None:
    bench = make_bench(tmp_path)
    page_of = "<!doctype html><title>MES</title><body></body>"
    with ServedThread(bench) as board, other_system(page_of) as origin, chromium(chromium_path) as browser:
        now = bench.clock.now()
        screen = Screen(id="s", label="MES", stations=("cast",), origins=(origin,), created=now, expires=now + HOUR)
        board.run(bench.state.screens.add(screen, hashed("t0ken")))
        page = browser.new_page()
        page.goto(origin)
        page.evaluate(
            """(board) => {
              const script = document.createElement("script");
              script.src = `${board}/static/lineside-alerts.js`;
              document.head.append(script);
              const part = document.createElement("lineside-alerts");
              part.setAttribute("board", board);
              part.setAttribute("token", "t0ken");
              document.body.append(part);
              const frame = document.createElement("iframe");
              frame.src = `${board}/embed?token=t0ken`;
              document.body.append(frame);
              const other = document.createElement("iframe");
              other.id = "login";
              other.src = `${board}/login`;
              document.body.append(other);
            }""",
            board.address,
        )
        rows = page.locator("lineside-alerts li")
        expect(rows).to_have_count(1)
        expect(rows.first).to_contain_text("Open cooling valve V3")
        expect(page.frame_locator("iframe:not(#login)").locator("article")).to_contain_text("Porosity")
        assert not page.frame_locator("#login").locator("form").count()

        async def clear() -> None:
            bench.floor.apply_alerts([alert_event(AlertKind.CLEARED, now + 1)], shown=True)

        board.run(clear())
        expect(rows.first).to_contain_text("back to normal")
        part = page.locator("lineside-alerts")
        part.evaluate("(element) => element.setAttribute('lang', 'de')")
        expect(rows.first).to_contain_text("wieder normal, braucht eine Antwort")
        assert part.locator("ul").get_attribute("lang") == "de"
        page.close()
    bench.state.close()
