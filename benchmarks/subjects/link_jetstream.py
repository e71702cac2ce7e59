"""A peer of `link`: the same frames published to a JetStream stream that fsyncs before it acknowledges."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nats

from lineside.adapters.nats_server import find_binary
from subjects.frames import frames_of
from subjects.plans import line_of
from subjects.workload import PER_CYCLE

WINDOW = 16
"""Frames under way at once, as the forwarder has them."""


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run that publishes every frame."""
    frames = frames_of(line_of(int(work["signals"])), work)
    count = int(work["signals"]) * int(work["cycles"]) * PER_CYCLE

    def run() -> dict[str, object]:
        folder = Path(tempfile.mkdtemp(dir=Path(__file__).resolve().parent.parent))
        try:
            seconds = asyncio.run(_publish(folder, frames))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return {"value": count / seconds, "wall_s": seconds}

    return run


async def _publish(folder: Path, frames: list[bytes]) -> float:
    settings = folder / "server.conf"
    store = f'jetstream {{ store_dir: "{folder / "store"}", sync_interval: always, max_mem: 64M, max_file: 4G }}\n'
    settings.write_text(f'listen: "127.0.0.1:-1"\nports_file_dir: "{folder}"\n{store}')
    server = await asyncio.create_subprocess_exec(
        str(find_binary()), "-c", str(settings), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        client = await nats.connect(await _address(folder, server.pid))
        stream = client.jetstream()
        await stream.add_stream(name="READINGS", subjects=["readings"])
        gate = asyncio.Semaphore(WINDOW)

        async def publish(frame: bytes) -> None:
            async with gate:
                await stream.publish("readings", frame, timeout=60)

        started = time.perf_counter()
        await asyncio.gather(*(publish(frame) for frame in frames))
        seconds = time.perf_counter() - started
        await client.close()
    finally:
        server.kill()
        await server.wait()
    return seconds


async def _address(folder: Path, pid: int) -> str:
    """Return the address that the server chose and wrote down."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if found := _written(folder, pid):
            return found
        await asyncio.sleep(0.02)
    raise TimeoutError("the server did not say where it listens")


def _written(folder: Path, pid: int) -> str:
    for file in folder.glob(f"*_{pid}.ports"):
        found: str = json.loads(file.read_text())["nats"][0]
        return found
    return ""
