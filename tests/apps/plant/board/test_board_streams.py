"""Live streams and slow clients, over real connections to a real server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from lineside.adapters.http_serving import RECEIPT
from lineside.adapters.tls_authority import local_certificate
from lineside.apps.plant.board.live import encode_event
from lineside.apps.plant.board.serving import TlsFiles, serve_board
from lineside.apps.plant.board.settings import BoardSettings
from lineside.domain.access import AccessRole, Account
from lineside.domain.alerts import AlertKind
from lineside.testing.boards import Bench, make_bench, served
from lineside.testing.floors import CYCLE, alert_event, part_at

SETTINGS = BoardSettings(session_check=0.1, streams_per_account=3)


@asynccontextmanager
async def running(folder: Path, deadline: float = RECEIPT) -> AsyncIterator[tuple[Bench, httpx.AsyncClient, Account]]:
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


async def test_16_a_listener_that_does_not_keep_up_is_cut_off_and_counted_while_others_hear_on(tmp_path: Path) -> None:
    async with running(tmp_path) as (bench, client, account), client.stream("GET", "/live") as good:
        lines, broadcast = good.aiter_lines(), bench.app.state.board.broadcast
        await next_event(lines, "beat")
        reader, writer = await listening(client)
        await until(lambda: len(broadcast) == 2)
        large = encode_event("large", "x" * 1_000_000)
        sent = 0
        while not broadcast.cut_off:
            broadcast.send(large)
            sent += 1
            await next_event(lines, "large")
        assert (broadcast.cut_off, len(broadcast)) == (1, 1)
        assert 32 < sent < 64
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionError):
                while await reader.read(1_000_000):
                    pass
        writer.close()
        assert broadcast.held_by(account.id) == 1


async def test_a_listener_that_was_behind_and_came_back_is_not_cut_off(tmp_path: Path) -> None:
    async with running(tmp_path) as (bench, client, _):
        broadcast = bench.app.state.board.broadcast
        reader, writer = await listening(client)
        await until(lambda: len(broadcast) == 1)
        sent = encode_event("large", "x" * 1_000_000)
        for _ in range(3):
            for _ in range(20):
                broadcast.send(sent)
            seen = b""
            while seen.count(b"event: large") < 20 or not seen.endswith(b"\n\n\r\n"):
                seen = (seen + await reader.read(1_000_000)).replace(b"x" * 1_000, b"")
        assert broadcast.cut_off == 0
        writer.close()


async def test_a_proxy_that_speaks_http_1_0_gets_the_stream_without_chunks(tmp_path: Path) -> None:
    async with running(tmp_path) as (bench, client, _):
        reader, writer = await listening(client, version="1.0")
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"chunked" not in head.lower()
        assert (await reader.readuntil(b"\n\n")).startswith(b"event: beat\ndata: {")
        bench.app.state.board.broadcast.close()
        async with asyncio.timeout(10):
            assert await reader.read() == b""
        writer.close()


async def test_over_https_a_change_and_the_end_of_the_stream_arrive_whole(tmp_path: Path) -> None:
    bench, stop = make_bench(tmp_path, settings=BoardSettings()), asyncio.Event()
    signed = local_certificate(tmp_path / "tls", ["127.0.0.1"], time.time_ns())
    entry = await bench.app.state.board.doors.admit(await bench.account(AccessRole.OPERATOR), address="test")
    where: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    tls = TlsFiles(certificate=signed.certificate, key=signed.key)
    work = serve_board(bench.app, host="127.0.0.1", port=0, stop=stop, tls=tls, ready=where.set_result)
    serving = asyncio.create_task(work)
    trusted = ssl.create_default_context(cafile=str(signed.authority))
    async with (
        httpx.AsyncClient(base_url=f"https://127.0.0.1:{await where}", verify=trusted) as client,
        client.stream("GET", "/live", cookies={"lineside": entry.session}) as answer,
    ):
        lines = answer.aiter_lines()
        await next_event(lines, "beat")
        bench.app.state.board.broadcast.send(encode_event("large", {"text": "x" * 500_000}))
        assert await next_event(lines, "large") == {"text": "x" * 500_000}
        stop.set()
        async with asyncio.timeout(10):
            assert [line async for line in lines if line.startswith("event: large")] == []
    await serving
    bench.state.close()


async def test_who_asks_for_the_head_of_the_stream_gets_that_and_no_stream(tmp_path: Path) -> None:
    async with running(tmp_path) as (bench, client, _):
        answer = await client.head("/live")
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert not len(bench.app.state.board.broadcast)


async def test_a_change_tells_the_time_too_and_stands_for_a_beat(tmp_path: Path) -> None:
    async with running(tmp_path) as (bench, client, _), client.stream("GET", "/live") as answer:
        lines = answer.aiter_lines()
        beat = await next_event(lines, "beat")
        bench.floor.apply_parts([part_at(bench.floor.plan, "quench", 118_205, bench.clock.now() + CYCLE)])
        change = await next_event(lines, "change")
        assert beat.keys() <= change.keys()
        assert change["version"] == bench.app.state.board.broadcast.version


async def listening(
    client: httpx.AsyncClient, version: str = "1.1"
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a stream by hand, of which nothing is read unless the test does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port, limit=4_096)
    cookie = client.cookies["lineside"]
    writer.write(f"GET /live HTTP/{version}\r\nHost: 127.0.0.1\r\nCookie: lineside={cookie}\r\n\r\n".encode())
    return reader, writer


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
    assert RECEIPT < 15
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
