"""Lineside at `latency`: a gateway and a plant as they run, and an embedded NATS server between them.

To the arrival of a cycle's judgement at a subscriber of the live subject. The gateway publishes it only after the
readings, the part, the prediction and the alert event are committed to the outbox and the event is in the audit
record. The clock starts when an edge node sends the cycle's last reading, to a broker between it and the gateway.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from lineside.adapters.nats_bus import NatsBus
from lineside.adapters.nats_server import EmbeddedNats
from lineside.apps.layout import Layout
from lineside.domain.predictions import JudgementState, Prediction
from lineside.wire.codecs import decode_items
from lineside.wire.records import RecordKind
from lineside.wire.subjects import Subjects
from measuring.clocks import latencies
from subjects.cell import install, plain_plan
from subjects.latency_edge import Edge
from subjects.mqtt_load import broker

WARM_UP_SECONDS = 6
MEASURED_SECONDS = 20
MOST_SECONDS = 300


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run from start to stop; in the first, models are tried before they judge."""
    shared, stations, rate = Path(work["folder"]), int(work["stations"]), int(work["rate"])
    cell, seconds = shared / "cell", float(work["seconds"])
    install(shared, cell, plain_plan(stations))

    def run() -> dict[str, object]:
        with broker() as peer:
            (cell / "plan.yaml").write_text(json.dumps(plain_plan(stations, peer.url)))
            with Edge(peer.port, stations, rate, seconds) as edge:
                return asyncio.run(_live(cell, edge, stations))

    return run


async def _live(cell: Path, edge: Edge, stations: int) -> dict[str, object]:
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
        gateway = await _start("gateway", cell)
        try:
            began, used = await _all_heard(arrived, stations, psutil.Process(gateway.pid))
        finally:
            await _end(gateway)
    finally:
        await _end(plant)
        await bus.close()
        await server.stop()
    counted = [
        (now, edge.sent(int(item.station.removeprefix("station")), item.ended)) for now, item in arrived if now > began
    ]
    taken = [(now - began) / 1e6 for now, began in counted if began is not None]
    alarms = sum(item.state is JudgementState.ALARM for _, item in arrived)
    size = _bytes_a_reading(Layout(cell / "data").outbox)
    kept = {"bytes_a_reading": size, "disk_mb_an_hour": size * edge.readings_per_second * 3600 / 1e6}
    return {"in_alarm": alarms, "without_end": len(counted) - len(taken), **used, **kept, **latencies(taken)}


def _bytes_a_reading(outbox: Path) -> float:
    """Return what a reading takes in an outbox, with all that came of it."""
    connection = sqlite3.connect(f"file:{outbox}?mode=ro", uri=True)
    size, readings = connection.execute(
        "SELECT sum(length(data)), sum(CASE WHEN kind = 'readings' THEN items END) FROM records"
    ).fetchone()
    connection.close()
    return float(size / readings)


async def _all_heard(
    arrived: list[tuple[int, Prediction]], stations: int, gateway: psutil.Process
) -> tuple[int, dict[str, float]]:
    """Wait until the measured time is over; return when it began, UTC ns, and what the gateway used in it."""
    began = time.monotonic()
    while len({item.station for _, item in arrived}) < stations:
        await asyncio.sleep(0.1)
        assert time.monotonic() - began < MOST_SECONDS, "the gateway does not judge all stations"
    await asyncio.sleep(WARM_UP_SECONDS)
    first, before, began = time.time_ns(), gateway.cpu_times(), time.monotonic()
    await asyncio.sleep(MEASURED_SECONDS)
    after, memory = gateway.cpu_times(), gateway.memory_info().rss
    assert time.time_ns() - arrived[-1][0] < 5 * 1_000_000_000, "the gateway has stopped judging"
    cores = (after.user + after.system - before.user - before.system) / (time.monotonic() - began)
    return first, {"gateway_cores": cores, "gateway_mb": memory / 1e6}


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
