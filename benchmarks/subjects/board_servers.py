"""The servers of `board`: Lineside's own with its logins and headers, bare Starlette, and bare asyncio as the limit.

Each prints one line of JSON with its port and a cookie, reads how many updates to send, sends one a second, and prints
the CPU time that took and the memory that its clients took.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from lineside.apps.plant.board import BoardSettings
from lineside.apps.plant.board.live import encode_event
from lineside.domain.access import AccessRole
from lineside.testing.boards import make_bench, served
from measuring.clocks import cpu_seconds

Send = Callable[[bytes], None]


def serve(kind: str, clients: int) -> None:
    """Be the server of that kind, for so many clients."""
    asyncio.run(_serve(kind, clients))


async def _serve(kind: str, clients: int) -> None:
    async with {"lineside": _lineside, "starlette": _starlette, "asyncio": _asyncio}[kind](clients) as (where, send):
        before = _memory()
        _say(where)
        loop = asyncio.get_running_loop()
        wanted = int(await loop.run_in_executor(None, sys.stdin.readline))
        grown, started = _memory() - before, cpu_seconds()
        for _ in range(wanted):
            content = {"sent": time.time_ns(), "text": "x" * 2000}
            send(encode_event("tile", content))
            await asyncio.sleep(1.0)
        _say({"cpu_s": cpu_seconds() - started, "kb": grown})
        await asyncio.sleep(30)


@asynccontextmanager
async def _lineside(clients: int) -> AsyncIterator[tuple[dict[str, object], Send]]:
    with tempfile.TemporaryDirectory() as folder:
        bench = make_bench(Path(folder), settings=BoardSettings(streams_per_account=clients + 1))
        account = await bench.account(AccessRole.OPERATOR)
        board = bench.app.state.board
        entry = await board.doors.admit(account, address="127.0.0.1")
        async with served(bench) as address:
            port = int(address.rpartition(":")[2])
            yield {"port": port, "cookie": f"lineside={entry.session}"}, board.broadcast.send


@asynccontextmanager
async def _starlette(clients: int) -> AsyncIterator[tuple[dict[str, object], Send]]:
    del clients
    waiting: set[asyncio.Queue[bytes]] = set()

    async def updates() -> AsyncIterator[bytes]:
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        waiting.add(queue)
        while True:
            yield await queue.get()

    async def live(request: Request) -> StreamingResponse:
        del request
        return StreamingResponse(updates(), media_type="text/event-stream")

    listening = _socket()
    app = Starlette(routes=[Route("/live", live)])
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", http="h11", lifespan="off"))
    running = asyncio.create_task(server.serve([listening]))

    def send(data: bytes) -> None:
        for queue in waiting:
            queue.put_nowait(data)

    yield {"port": listening.getsockname()[1], "cookie": ""}, send
    running.cancel()


@asynccontextmanager
async def _asyncio(clients: int) -> AsyncIterator[tuple[dict[str, object], Send]]:
    del clients
    writers: list[asyncio.StreamWriter] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        writers.append(writer)

    listening = _socket()
    server = await asyncio.start_server(accept, sock=listening)

    def send(data: bytes) -> None:
        for writer in writers:
            writer.write(data)

    yield {"port": listening.getsockname()[1], "cookie": ""}, send
    server.close()


def _socket() -> socket.socket:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(1024)
    return listening


def _memory() -> float:
    """Return the resident size in KB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4.0


def _say(content: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()
