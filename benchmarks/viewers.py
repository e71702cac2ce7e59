"""Many viewers of one board: `python benchmarks/viewers.py [--viewers 5000] [--alerts 1000] [--changes 20]`.

A board with so many open alerts changes once a second: an alert is answered, what changed is rendered, and every viewer
gets it. Measured are what arrives and how late (from the change to the last byte at the viewer), the server's CPU time
and memory a viewer, whether 10,000 viewers can be connected, and how soon clients that never finish a request are cut.
Beside it, on the same work without logins and without rendering: bare Starlette on uvicorn; and Streamlit, which holds
few viewers, with so many as `--sessions` asks for. Server and viewers are two processes on one machine; with two cores
they share them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lineside.apps.plant.board import BoardSettings
from lineside.apps.plant.board.live import encode_event
from lineside.domain.access import AccessRole
from lineside.domain.alerts import AlertKind
from lineside.testing.boards import make_bench, served
from lineside.testing.clocks import WallClock
from lineside.testing.floors import alert_event
from measuring.clocks import cpu_seconds
from measuring.environments import UnavailableError, python_of
from subjects import board_servers

HERE = Path(__file__).resolve().parent
JOIN_AT_ONCE = 50
MOST = 10_000
SLOW = 300
MARK = b'"now":'


# -- the server ------------------------------------------------------------------------------------------------


async def serve(kind: str, alerts: int, viewers: int) -> None:
    """Serve a board, or bare Starlette, and change it at every line of standard input that says so."""
    if kind == "starlette":
        async with board_servers._starlette(viewers) as (where, send):  # noqa: SLF001 - the peer of the other benchmark
            await _changing(where, lambda: send(_bare()))
        return
    with tempfile.TemporaryDirectory() as folder:
        settings = BoardSettings(streams_per_account=viewers + 1, process_clock=WallClock())
        bench = make_bench(Path(folder), settings=settings)
        now, names = time.time_ns(), [f"cast/porosity/cause_{number}/x" for number in range(alerts)]
        bench.floor.apply_alerts(
            [
                alert_event(AlertKind.RAISED, now - place, alert_id=name, id=name, cause=f"cause_{place}")
                for place, name in enumerate(names)
            ],
            shown=True,
        )
        entry = await bench.app.state.board.doors.admit(await bench.account(AccessRole.OPERATOR), address="127.0.0.1")
        turn = iter(names)

        def change() -> None:
            name = next(turn)
            cause = name.split("/")[2]
            bench.floor.apply_alerts(
                [alert_event(AlertKind.TAKEN, time.time_ns(), alert_id=name, id=f"{name}#t", cause=cause, by="o")],
                shown=True,
            )

        async with served(bench) as address:
            where = {"port": int(address.rpartition(":")[2]), "cookie": f"lineside={entry.session}"}
            await _changing(where, change)


def _bare() -> bytes:
    return encode_event("change", {"now": time.time_ns() // 1_000_000, "text": "x" * 2450})


async def _changing(where: dict[str, object], change: Callable[[], None]) -> None:
    _say({**where, "kb": _memory()})
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        if line.strip() == "memory":
            _say({"kb": _memory()})
            continue
        begun = cpu_seconds()
        for _ in range(int(line)):
            change()
            await asyncio.sleep(1.0)
        _say({"cpu_s": cpu_seconds() - begun})


def _memory() -> float:
    """Return the resident size in KB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4.0


def _say(content: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


# -- the viewers -----------------------------------------------------------------------------------------------


class Viewer(asyncio.Protocol):
    """Reads the live stream, and notes how late each change is."""

    def __init__(self, request: bytes, begun: asyncio.Future[bool], delays: list[float]) -> None:
        self._request, self._begun, self._delays = request, begun, delays
        self._text = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Take in what came."""
        self._text += data
        if not self._begun.done() and b"\r\n\r\n" in self._text:
            self._begun.set_result(b" 200 " in self._text.split(b"\r\n", 1)[0])
        *events, self._text = self._text.split(b"\n\n")
        for event in events:
            at = event.find(MARK)
            if at >= 0 and b"event: change" in event:
                self._delays.append(time.time() * 1000 - int(event[at + len(MARK) :].split(b",")[0]))

    def connection_lost(self, exc: Exception | None) -> None:
        """Say that it was not let in, where it had not begun."""
        del exc
        if not self._begun.done():
            self._begun.set_result(False)


async def join(where: dict[str, Any], count: int, delays: list[float]) -> int:
    """Connect so many viewers; return how many were let in."""
    loop, port = asyncio.get_running_loop(), where["port"]
    request = f"GET /live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {where['cookie']}\r\n\r\n".encode()
    inside = 0
    for at in range(0, count, JOIN_AT_ONCE):
        begun = [loop.create_future() for _ in range(min(JOIN_AT_ONCE, count - at))]
        for future in begun:
            await loop.create_connection(lambda f=future: Viewer(request, f, delays), "127.0.0.1", port)
        inside += sum(await asyncio.gather(*begun))
    return inside


async def slow(port: int) -> tuple[int, float]:
    """Open requests that never end; return how many were cut, and after how many seconds the last one was."""
    begun = time.monotonic()

    async def one() -> float:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
        try:
            async with asyncio.timeout(25):
                while await reader.read(1000):
                    pass
        except (TimeoutError, ConnectionError) as error:
            return float("nan") if isinstance(error, TimeoutError) else time.monotonic() - begun
        return time.monotonic() - begun

    found = [item for item in await asyncio.gather(*(one() for _ in range(SLOW))) if item == item]  # noqa: PLR0124
    return len(found), max(found, default=float("nan"))


async def measure(kind: str, alerts: int, viewers: int, changes: int) -> dict[str, object]:
    """Return the figures of one server."""
    code = f"import asyncio, viewers; asyncio.run(viewers.serve({kind!r}, {alerts}, {MOST}))"
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=HERE, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert server.stdin is not None
    assert server.stdout is not None

    async def ask(line: str) -> dict[str, Any]:
        server.stdin.write(f"{line}\n".encode())  # type: ignore[union-attr]
        answer: dict[str, Any] = json.loads(await server.stdout.readline())  # type: ignore[union-attr]
        return answer

    try:
        where = json.loads(await server.stdout.readline())
        delays: list[float] = []
        inside = await join(where, viewers, delays)
        grown = (await ask("memory"))["kb"] - where["kb"]
        answer = await ask(str(changes))
        await asyncio.sleep(1.0)
        delays.sort()
        figures: dict[str, object] = {
            "server": kind, "viewers": inside, "delivered": round(len(delays) / (viewers * changes), 4),
            "p50_ms": round(delays[len(delays) // 2]), "p99_ms": round(delays[len(delays) * 99 // 100]),
            "cores_at_one_change_a_second": round(answer["cpu_s"] / changes, 3),
            "us_an_update": round(answer["cpu_s"] * 1e6 / max(1, len(delays)), 1),
            "kb_a_viewer": round(grown / viewers, 1),
        }  # fmt: skip
        if kind == "lineside":
            figures["connected"] = inside + await join(where, MOST - viewers, [])
            cut, last = await slow(int(where["port"]))
            figures |= {"slow_clients_cut": f"{cut} of {SLOW}", "last_cut_after_s": round(last, 1)}
        return figures
    finally:
        server.kill()
        await server.wait()


def streamlit(sessions: int, seconds: int) -> dict[str, object]:
    """Return the figures of Streamlit with so many sessions, or why there are none."""
    try:
        python = python_of("streamlit")
    except UnavailableError as error:
        return {"server": "streamlit", "viewers": sessions, "not_measured": str(error)}
    command = [str(python), str(HERE / "subjects" / "streamlit_board.py"), str(sessions), str(seconds)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if result.returncode:
        return {"server": "streamlit", "viewers": sessions, "not_measured": result.stderr.strip().splitlines()[-1]}
    figures: dict[str, object] = json.loads(result.stdout)
    return figures


def main() -> None:
    """Measure and print, one JSON object for each server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=5_000)
    parser.add_argument("--alerts", type=int, default=1_000)
    parser.add_argument("--changes", type=int, default=20)
    parser.add_argument("--sessions", type=int, nargs="*", default=[5, 20, 50], help="viewers of Streamlit")
    given = parser.parse_args()
    for kind in ("lineside", "starlette"):
        print(json.dumps(asyncio.run(measure(kind, given.alerts, given.viewers, given.changes))), flush=True)
    for sessions in given.sessions:
        print(json.dumps(streamlit(sessions, given.changes)), flush=True)


if __name__ == "__main__":
    main()
