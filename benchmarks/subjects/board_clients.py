"""Browsers at `board`: streams that read server-sent events, one update of 2 KB a second, and their server's CPU time.

The server is a process of its own; its CPU time per update delivered is the figure. Every update carries the time of
its sending, so that lost updates and delays are seen too.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
UPDATES = 8
JOIN_AT_ONCE = 50
MARK = b'"sent":'


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run of one server of the ``kind`` wanted and its clients."""
    return lambda: asyncio.run(_run(str(work["kind"]), int(work["clients"])))


async def _run(kind: str, clients: int) -> dict[str, object]:
    command = [sys.executable, "-c", f"import subjects.board_servers as servers; servers.serve({kind!r}, {clients})"]
    server = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert server.stdin is not None
    assert server.stdout is not None
    delays: list[float] = []
    try:
        where = json.loads(await server.stdout.readline())
        readers = []
        for at in range(0, clients, JOIN_AT_ONCE):
            joining = [_join(where) for _ in range(min(JOIN_AT_ONCE, clients - at))]
            readers += await asyncio.gather(*joining)
        reading = [asyncio.create_task(_read(reader, delays)) for reader in readers]
        server.stdin.write(b"%d\n" % UPDATES)
        answer = json.loads(await server.stdout.readline())
        await asyncio.sleep(1.0)
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
    finally:
        server.kill()
        await server.wait()
    delays.sort()
    got = len(delays)
    return {
        "value": answer["cpu_s"] * 1e6 / got,
        "delivered": got / (clients * UPDATES),
        "p50_ms": delays[got // 2],
        "p99_ms": delays[got * 99 // 100],
        "kb_a_client": answer["kb"] / clients,
    }


async def _join(where: dict[str, Any]) -> asyncio.StreamReader:
    reader, writer = await asyncio.open_connection("127.0.0.1", where["port"])
    writer.write(b"GET /live HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % where["port"])
    writer.write(f"Cookie: {where['cookie']}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise RuntimeError(head.decode())
    reader.keep = writer  # type: ignore[attr-defined] - or the connection is closed
    return reader


async def _read(reader: asyncio.StreamReader, delays: list[float]) -> None:
    while line := await reader.readline():
        at = line.find(MARK)
        if at >= 0:
            sent = int(line[at + len(MARK) :].split(b",")[0])
            delays.append((time.time_ns() - sent) / 1e6)
