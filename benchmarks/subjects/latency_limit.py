"""The limit of `latency`: a sensor process, a NATS server, a process with the bare kernel and ONNX Runtime.

Features, score, each signal's share of it and an alert with the five greatest, as JSON. Nothing is checked, kept,
encrypted or acknowledged. From the sending of a cycle's last frame to the arrival of its alert back at the sender.
"""

from __future__ import annotations

import asyncio
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import nats
import numpy as np
import onnxruntime
from nats.aio.client import Client
from nats.aio.msg import Msg

from lineside.adapters.nats_server import EmbeddedNats
from measuring.clocks import latencies
from subjects.cell import SIGNALS, cycle_ticks
from subjects.features_limit import finish

ROOT = Path(__file__).resolve().parent.parent
RUN_SECONDS = 18
WARM_UP_SECONDS = 3
HEAD = struct.Struct("<qqq")
"""Time of sending, the station, and whether this frame ends a cycle."""
TOP = 5


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run of the chain."""
    model, stations = Path(work["folder"]) / "cell.onnx", int(work["stations"])
    rate, cycle = int(work["rate"]), cycle_ticks(int(work["rate"]), float(work["seconds"]))
    return lambda: asyncio.run(_run(model, stations, rate, cycle))


async def _run(model: Path, stations: int, rate: int, cycle: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedNats(Path(folder))
        address = await server.start()
        arguments = f"{address.url!r}, {address.user!r}, {address.password!r}, {str(model)!r}, {stations}, {cycle}"
        command = [sys.executable, "-c", f"import subjects.latency_limit as chain; chain.judge({arguments})"]
        judging = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
        try:
            client = await nats.connect(address.url, user=address.user, password=address.password)
            taken = await _sense(client, stations, rate, cycle)
            await client.close()
        finally:
            judging.kill()
            await judging.wait()
            await server.stop()
    return latencies(taken)


async def _sense(client: Client, stations: int, rate: int, cycle: int) -> list[float]:
    """Send a frame of each station per tick, and return the latencies of the alerts that come back."""
    taken: list[float] = []
    ready, began = asyncio.Event(), 0.0

    async def hear(message: Msg) -> None:
        if message.data == b"ready":
            ready.set()
        elif time.monotonic() - began > WARM_UP_SECONDS:
            taken.append((time.time_ns() - msgspec.json.decode(message.data)["t"]) / 1e6)

    await client.subscribe("alert", cb=hear)
    await asyncio.wait_for(ready.wait(), 60)
    values = np.random.default_rng(1).normal(5.0, 0.3, SIGNALS).tobytes()
    began = time.monotonic()
    for tick in range(RUN_SECONDS * rate):
        await asyncio.sleep(max(0.0, began + tick / rate - time.monotonic()))
        for station in range(stations):
            ends = (tick + station) % cycle == cycle - 1
            await client.publish("frame", HEAD.pack(time.time_ns(), station, ends) + values)
    await asyncio.sleep(0.5)
    return taken


def judge(url: str, user: str, password: str, model: str, stations: int, cycle: int) -> None:
    """Be the judging process: keep the values, close the cycle when a frame says so, score, explain, answer."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(Path(model).read_bytes(), options, ["CPUExecutionProvider"])
    asyncio.run(_judge(url, user, password, session, stations, cycle))


async def _judge(url: str, user: str, password: str, session: Any, stations: int, cycle: int) -> None:
    room = cycle + 8
    kept, times = np.ones((stations, SIGNALS, room)), np.tile(np.arange(room) / 10.0, (SIGNALS, 1))
    nowhere, table = np.zeros(SIGNALS, np.int64), np.empty((1, SIGNALS, 6))
    filled = [0] * stations

    def close(station: int, count: int) -> tuple[float, list[tuple[int, float]]]:
        finish(nowhere, np.full(SIGNALS, count), kept[station], times, table)
        row = np.ascontiguousarray(table[0, :, (0, 5)].T.reshape(1, -1), dtype=np.float32)
        score, shares = session.run(["score", "parts"], {"x": row})
        top = np.argpartition(-shares[0], TOP)[:TOP]
        return float(score[0, 0]), [(int(place), float(shares[0, place])) for place in top]

    async def hear(message: Msg) -> None:
        sent, station, ends = HEAD.unpack_from(message.data)
        kept[station, :, filled[station]] = np.frombuffer(message.data, np.float64, offset=HEAD.size)
        filled[station] += 1
        if ends and filled[station] > 1:  # a first cycle may be cut
            score, top = close(station, filled[station])
            filled[station] = 0
            await client.publish("alert", msgspec.json.encode({"st": station, "t": sent, "p": score, "top": top}))

    kept[0] = np.arange(room)  # all alike would have no spread
    close(0, room)
    client = await nats.connect(url, user=user, password=password)
    await client.subscribe("frame", cb=hear)
    await client.flush()
    await client.publish("alert", b"ready")
    await asyncio.Event().wait()
