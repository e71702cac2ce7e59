"""Streamlit under so many live sessions: `python streamlit_board.py SESSIONS SECONDS`, in Streamlit's own environment.

Streamlit sends nothing that has changed to those who look: each session runs its page again, here once a second, over
the same WebSocket and messages as a browser. Printed as one line of JSON are how long the server took from the wish to
the end of a run, its CPU time a second and a run, and its memory a session, after every session has its first page.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

PAGE = Path(__file__).resolve().with_name("streamlit_page.py")
PATIENCE = 60
TICKS = os.sysconf("SC_CLK_TCK")


class Session:
    """One browser: its first page, then one more every second."""

    def __init__(self, port: int) -> None:
        self._address = f"ws://127.0.0.1:{port}/_stcore/stream"
        self.opened = 0.0
        self.runs: list[float] = []

    async def open(self) -> None:
        """Connect, and wait for the first page."""
        begun = time.monotonic()
        self._socket = await websockets.connect(
            self._address, subprotocols=["streamlit"], max_size=None, open_timeout=PATIENCE
        )
        await self._run()
        self.opened = time.monotonic() - begun

    async def look(self, seconds: int, offset: float) -> None:
        """Have the page run again once a second, or as soon after the run before as can be."""
        await asyncio.sleep(offset)
        until = time.monotonic() + seconds
        while (begun := time.monotonic()) < until:
            await self._run()
            self.runs.append(time.monotonic() - begun)
            await asyncio.sleep(max(0.0, begun + 1.0 - time.monotonic()))

    async def _run(self) -> None:
        wish = BackMsg()
        wish.rerun_script.query_string = ""
        await self._socket.send(wish.SerializeToString())
        answer = ForwardMsg()
        while answer.WhichOneof("type") != "script_finished":
            answer.ParseFromString(await asyncio.wait_for(self._socket.recv(), PATIENCE))


async def measure(server: int, port: int, count: int, seconds: int) -> dict[str, object]:
    """Return the figures of so many sessions."""
    sessions = [Session(port) for _ in range(count)]
    before = memory(server)
    await asyncio.gather(*(session.open() for session in sessions))
    begun, spent = time.monotonic(), cpu(server)
    await asyncio.gather(*(session.look(seconds, place / count) for place, session in enumerate(sessions)))
    took, spent = time.monotonic() - begun, cpu(server) - spent
    runs = sorted(run for session in sessions for run in session.runs)
    return {
        "server": "streamlit", "viewers": count, "opened_within_s": round(max(item.opened for item in sessions), 1),
        "delivered": round(len(runs) / (count * seconds), 4),
        "p50_ms": round(runs[len(runs) // 2] * 1000), "p99_ms": round(runs[len(runs) * 99 // 100] * 1000),
        "cores": round(spent / took, 3), "us_an_update": round(spent / len(runs) * 1e6),
        "kb_a_viewer": round((memory(server) - before) / count, 1),
    }  # fmt: skip


def cpu(process: int) -> float:
    """Return the CPU time of a process, in seconds."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(process: int) -> float:
    """Return the resident size of a process in KB."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * 4.0


def main() -> None:
    """Start the server, measure, print, end it."""
    count, seconds = int(sys.argv[1]), int(sys.argv[2])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {
        "server.port": port, "server.address": "127.0.0.1", "server.headless": "true",
        "server.fileWatcherType": "none", "browser.gatherUsageStats": "false",
    }  # fmt: skip
    command = [sys.executable, "-m", "streamlit", "run", str(PAGE)]
    command += [f"--{name}={value}" for name, value in options.items()]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        print(json.dumps(asyncio.run(measure(server.pid, port, count, seconds))), flush=True)
    finally:
        server.kill()
        server.wait()


def wait_for(port: int) -> None:
    """Wait until the server answers."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5):
                return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


if __name__ == "__main__":
    main()
