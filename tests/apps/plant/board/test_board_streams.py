"""Live streams and slow clients, over real connections to a real server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from lineside.adapters.http_serving import RECEIPT
from lineside.apps.plant.board.live import Broadcast, Listener
from lineside.apps.plant.board.settings import BoardSettings
from lineside.domain.access import AccessRole, Account
from lineside.domain.alerts import AlertKind
from lineside.testing.boards import Bench, make_bench, served
from lineside.testing.floors import CYCLE, alert_event, part_at

SETTINGS = BoardSettings(session_check=0.1, streams_per_account=3)


@asynccontextmanager
async def running(folder: Path, deadline: float = 15.0) -> AsyncIterator[tuple[Bench, httpx.AsyncClient, Account]]:
    """A served board with an operator who is logged in."""
    bench = make_bench(folder, settings=SETTINGS)
    account = await bench.account(AccessRole.OPERATOR)
    async with (
        served(bench, deadline=deadline) as address,
        httpx.AsyncClient(base_url=address, timeout=20) as client,
    ):
        entry = await bench.app.state.board.doors.admit(account, address="test")
        client.cookies.set("lineside", entry.session)
        yield bench, client, account
    bench.state.close()


async def next_event(lines: AsyncIterator[str], kind: str) -> dict[str, object]:
    """Return the content of the next event of a kind."""
    async with asyncio.timeout(20):
        async for line in lines:
            if line == f"event: {kind}":
                found = await anext(lines)
                content: dict[str, object] = json.loads(found.removeprefix("data: "))
                return content
    raise AssertionError("the stream ended")


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - nothing in the board tells a test
            await asyncio.sleep(0.01)


async def test_a_change_reaches_every_listener_as_the_same_bytes(tmp_path: Path) -> None:
    async with running(tmp_path) as (bench, client, _):
        async with client.stream("GET", "/live") as first, client.stream("GET", "/live") as second:
            streams = [first.aiter_lines(), second.aiter_lines()]
            for lines in streams:
                await next_event(lines, "beat")
            bench.floor.apply_parts([part_at(bench.floor.plan, "quench", 118_205, bench.clock.now() + CYCLE)])
            heard = [await next_event(lines, "change") for lines in streams]
        assert heard[0] == heard[1]
        assert heard[0]["stations"] == ["quench"]
        assert "tile-quench" in str(heard[0]["html"])


async def test_an_alert_is_audited_before_any_listener_hears_of_it(tmp_path: Path) -> None:
    async with running(tmp_path) as (bench, client, _), client.stream("GET", "/live") as answer:
        lines = answer.aiter_lines()
        await next_event(lines, "beat")
        bench.audit.broken = True
        event = alert_event(AlertKind.RAISED, bench.clock.now(), alert_id="new", text="Only after the audit")
        bench.floor.apply_alerts([event])
        warned = await next_event(lines, "change")
        assert "Only after the audit" not in str(warned)
        assert "alerts wait for it" in str(warned)
        bench.audit.broken = False
        while True:
            content = await next_event(lines, "change")
            if "new" in str(content["alerts"]):
                break
            assert "Only after the audit" not in str(content)
        assert bench.actions()[-1] == "alert_shown"
        assert "Only after the audit" in str(content) or bench.floor.card("new", bench.clock.now()) is not None


@pytest.mark.parametrize("how", ["logout", "disable", "password", "idle"])
async def test_6_an_open_stream_ends_with_its_session(tmp_path: Path, how: str) -> None:
    async with running(tmp_path) as (bench, client, account), client.stream("GET", "/live") as answer:
        lines = answer.aiter_lines()
        await next_event(lines, "beat")
        if how == "logout":
            session = await bench.app.state.board.doors.session(client.cookies["lineside"])
            await bench.app.state.board.doors.log_out(session)
        elif how == "disable":
            await bench.state.accounts.set_disabled(account.id, disabled=True)
        elif how == "password":
            await bench.state.accounts.set_password(account.id, "another")
        else:
            bench.clock.move(SETTINGS.idle_timeout + 1)
        async with asyncio.timeout(10):
            async for _ in lines:
                pass
        assert (await client.get("/live")).status_code == 401
    assert BoardSettings().session_check <= 8


async def test_16_an_account_holds_so_many_streams_and_no_more(tmp_path: Path) -> None:
    async with running(tmp_path) as (bench, client, _):
        async with client.stream("GET", "/live"), client.stream("GET", "/live"), client.stream("GET", "/live"):
            await until(lambda: len(bench.app.state.board.broadcast) == 3)
            assert (await client.get("/live")).status_code == 429
        await until(lambda: not len(bench.app.state.board.broadcast))
        async with client.stream("GET", "/live") as again:
            assert again.status_code == 200


async def test_16_a_listener_that_does_not_keep_up_is_cut_off_and_counted() -> None:
    broadcast = Broadcast()
    slow = Listener("a", "t")
    broadcast.join(slow)
    for _ in range(100):
        broadcast.send(b"data: x\n\n")
    assert broadcast.cut_off > 0
    assert slow.waiting.qsize() <= 32


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nna",
        b"POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nname=\r\n",
    ],
    ids=["nothing", "head", "body", "chunks"],
)
async def test_16_a_request_that_does_not_arrive_is_cut_off_while_others_are_answered(
    tmp_path: Path, sent: bytes
) -> None:
    assert RECEIPT == 15
    async with running(tmp_path, deadline=0.5) as (_, client, _), client.stream("GET", "/live") as live:
        port = client.base_url.port
        assert port is not None
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        dripping = asyncio.create_task(_drip(writer))
        async with asyncio.timeout(10):
            assert not (await reader.read()).startswith(b"HTTP/1.1 200")
        dripping.cancel()
        writer.close()
        assert (await client.get("/alive")).status_code == 200
        await next_event(live.aiter_lines(), "beat")


async def _drip(writer: asyncio.StreamWriter) -> None:
    """Send a byte now and then, as those do who want to hold a connection."""
    while True:
        await asyncio.sleep(0.1)
        writer.write(b"a")


async def test_16_bodies_larger_than_anything_needed_are_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, client, _):

        async def long() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield b"x" * 10_000

        assert (await client.post("/login", content=b"x" * 70_000)).status_code == 413
        try:
            answer = await client.post("/login", content=long())
        except httpx.TransportError:
            return  # cut off in the middle of its sending
        assert answer.status_code == 413


async def test_the_server_stops_at_once_though_streams_are_open(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    account = await bench.account(AccessRole.OPERATOR)
    async with httpx.AsyncClient(timeout=20) as client:
        async with served(bench) as address:
            entry = await bench.app.state.board.doors.admit(account, address="test")
            request = client.build_request("GET", f"{address}/live", cookies={"lineside": entry.session})
            answer = await client.send(request, stream=True)
            assert answer.status_code == 200
        await answer.aclose()
    bench.state.close()
