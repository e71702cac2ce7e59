"""The gateway's own page while the plant is away, in a real browser, and both ends once it is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect

from board_pictures import TABLET, chromium
from lineside.adapters.outbox_sqlite import SqliteOutbox
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.link import Link
from lineside.apps.up import Supervisor, UpSettings
from lineside.domain.alerts import AlertEvent, AlertKind, AlertState, fold
from lineside.testing.clocks import WallClock
from lineside.wire.codecs import decode_items
from lineside.wire.records import RecordKind
from running_line import RunningLine, prepared_line

pytestmark = [pytest.mark.system, pytest.mark.browser]


@dataclass(slots=True)
class Cut:
    """A line whose gateway reaches the plant by a link that can be cut, with a page of its own."""

    line: RunningLine
    link: Link
    supervisor: Supervisor
    page: str


@pytest.fixture
async def cut(tmp_path: Path, free_port: Callable[[], int]) -> AsyncIterator[Cut]:
    line = prepared_line(tmp_path, free_port())
    link, port = Link("127.0.0.1", 0), free_port()
    await link.start()
    settings = UpSettings(
        plan=tmp_path / "plan.yaml",
        data=line.layout.root,
        port=line.port,
        gateway_nats=f"nats://127.0.0.1:{link.port}",
        gateway_options=("--listen", f"127.0.0.1:{port}"),
    )
    supervisor = Supervisor(settings)
    starting = asyncio.create_task(supervisor.start())
    while supervisor.nats.pid is None and not starting.done():  # noqa: ASYNC110 - it is plain state
        await asyncio.sleep(0.01)
    host, _, nats = supervisor.nats.address.url.rpartition("/")[2].partition(":")
    link.lead_to(host, int(nats))
    await starting
    yield Cut(line, link, supervisor, f"http://127.0.0.1:{port}/")
    await supervisor.stop()
    await link.stop()


async def until(what: Callable[[], object], within: float = 90.0) -> None:
    async with asyncio.timeout(within):
        while not await asyncio.to_thread(what):  # noqa: ASYNC110 - other processes tell nobody
            await asyncio.sleep(0.1)


def acknowledge_in_a_browser(path: Path, address: str, picture: Path) -> None:
    """See the alert come, press the button, see that it is seen; nothing on the console."""
    complaints: list[str] = []
    with chromium(path) as browser:
        page = browser.new_context(viewport=TABLET).new_page()  # type: ignore[arg-type]
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(address)
        expect(page.get_by_text("Porosity likely: cooling is too weak.").first).to_be_visible(timeout=60_000)
        expect(page.get_by_text("Open the chiller valve").first).to_be_visible()
        expect(page.get_by_text("The plant is away")).to_be_visible(timeout=30_000)
        page.screenshot(path=picture, full_page=True)
        seen = page.get_by_role("button", name="I have seen it")
        while waiting := seen.count():
            seen.first.click()
            expect(seen).to_have_count(waiting - 1)
        expect(page.get_by_text("Seen.").first).to_be_visible()
        size = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert size[0] <= size[1]
    assert complaints == []


async def events_at_the_gateway(line: RunningLine) -> list[AlertEvent]:
    plan = load_plan(line.root / "plan.yaml")
    outbox = await SqliteOutbox.open(
        line.layout.outbox, writer="gateway", site=plan.site.id, line=plan.line.id, clock=WallClock()
    )
    records = await outbox.unsent(0, 1 << 30)
    await outbox.close()
    bodies = [record.body for record in records if record.header.kind is RecordKind.ALERTS]
    return [event for body in bodies for event in decode_items(body, AlertEvent)]


async def test_an_alert_raised_and_seen_while_the_plant_is_away_is_the_same_at_both_ends(
    cut: Cut, chromium_path: Path, tmp_path: Path
) -> None:
    line = cut.line
    line.deliver(30)
    await until(lambda: len(line.rows("parts")) >= 25)
    cut.link.cut()
    line.deliver(5, die_temp=260.0)
    await asyncio.to_thread(acknowledge_in_a_browser, chromium_path, cut.page, tmp_path / "local.png")
    assert not [row for row in line.rows("alert_events") if row["kind"] == AlertKind.ACKNOWLEDGED]
    cut.link.mend()
    await until(lambda: [row for row in line.rows("alert_events") if row["kind"] == AlertKind.ACKNOWLEDGED])
    await until(lambda: len(line.rows("readings")) == line.delivered)
    await cut.supervisor.stop()
    here = await events_at_the_gateway(line)
    there = line.rows("alert_events")
    assert {event.id for event in here} == {row["id"] for row in there}
    states = {alert.state(line.measured) for alert in fold(here).values()}
    assert AlertState.ACKNOWLEDGED in states
    said = next(row for row in there if row["kind"] == AlertKind.ACKNOWLEDGED)
    assert (said["writer"], said["by"]) == ("gateway", "at gateway")
    assert {event.id for event in here} <= line.audited({f"alert.{kind}" for kind in AlertKind})
