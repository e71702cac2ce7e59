"""Lineside at `latency`: a gateway and a plant as they run, an embedded NATS server between, a file paced as a machine.

From the receive time of a cycle's last reading to the arrival of its judgement at a subscriber of the live subject.
The gateway publishes it only after the readings, the part, the prediction and the alert event are committed to the
outbox and the event is in the audit record.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lineside.adapters.nats_bus import NatsBus
from lineside.adapters.nats_server import EmbeddedNats
from lineside.apps.layout import Layout
from lineside.domain.predictions import JudgementState, Prediction
from lineside.wire.codecs import decode_items
from lineside.wire.records import RecordKind
from lineside.wire.subjects import Subjects
from measuring.clocks import latencies
from subjects.cell import SECONDS, install

WARM_UP_SECONDS = 6


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run of a fresh cell from start to stop."""
    shared = Path(work["folder"])

    def run() -> dict[str, object]:
        install(shared, shared / "cell", int(work["rate"]))
        return asyncio.run(_live(shared / "cell"))

    return run


async def _live(cell: Path) -> dict[str, object]:
    server = EmbeddedNats(Layout(cell / "data").nats)
    address = await server.start()
    bus = await NatsBus.open(address, name="observer", within=5.0)
    arrived: list[tuple[int, Prediction]] = []

    async def hear(_: str, body: bytes) -> None:
        now = time.time_ns()
        arrived.extend((now, item) for item in decode_items(body, Prediction))

    await bus.subscribe(f"{Subjects('site', 'line').live}.{RecordKind.PREDICTIONS}", hear)
    port = _free_port()
    plant = await _start("plant", cell, "--port", str(port), "--writer", "gateway")
    try:
        await _listens(port, plant)
        gateway = await _start("gateway", cell, "--replay", "1")
        try:
            await asyncio.wait_for(_all_heard(arrived), 120)
        finally:
            await _end(gateway)
    finally:
        await _end(plant)
        await bus.close()
        await server.stop()
    first = arrived[0][0] + WARM_UP_SECONDS * 1_000_000_000
    taken = [(now - item.received) / 1e6 for now, item in arrived if now > first]
    alarms = sum(item.state is JudgementState.ALARM for _, item in arrived)
    return {"parts": len(taken), "in_alarm": alarms, **latencies(taken)}


async def _all_heard(arrived: list[tuple[int, Prediction]]) -> None:
    """Wait until readings have come for as long as the file is, but for its last seconds."""
    while not arrived or arrived[-1][1].ended - arrived[0][1].ended < (SECONDS - 5) * 1_000_000_000:  # noqa: ASYNC110 - looking now and then costs the measured nothing
        await asyncio.sleep(0.1)


async def _start(command: str, cell: Path, *options: str) -> asyncio.subprocess.Process:
    arguments = ["-m", "lineside", command, "--plan", str(cell / "plan.yaml"), "--data", str(cell / "data"), *options]
    return await asyncio.create_subprocess_exec(sys.executable, *arguments, stdin=asyncio.subprocess.DEVNULL)


async def _listens(port: int, process: asyncio.subprocess.Process) -> None:
    while process.returncode is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise RuntimeError("the plant did not come up")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 20)
    except TimeoutError:
        process.kill()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
