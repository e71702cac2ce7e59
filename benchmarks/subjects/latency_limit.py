"""The limit of `latency`: a sensor process, a NATS server, a process with the bare kernel and ONNX Runtime.

Nothing is checked, kept, encrypted or acknowledged. From the sending of a cycle's last frame to the arrival of its
score back at the sender.
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
HEAD = struct.Struct("<qq")
"""Time of sending, and whether this frame ends a cycle."""


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run of the chain."""
    model, rate = Path(work["folder"]) / "cell.onnx", int(work["rate"])
    return lambda: asyncio.run(_run(model, rate))


async def _run(model: Path, rate: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedNats(Path(folder))
        address = await server.start()
        arguments = f"{address.url!r}, {address.user!r}, {address.password!r}, {str(model)!r}, {rate}"
        command = [sys.executable, "-c", f"import subjects.latency_limit as chain; chain.judge({arguments})"]
        judging = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
        try:
            client = await nats.connect(address.url, user=address.user, password=address.password)
            taken = await _sense(client, rate)
            await client.close()
        finally:
            judging.kill()
            await judging.wait()
            await server.stop()
    return latencies(taken)


async def _sense(client: Client, rate: int) -> list[float]:
    """Send a frame per tick, and return the latencies of the scores that come back."""
    taken: list[float] = []
    ready, began = asyncio.Event(), 0.0

    async def hear(message: Msg) -> None:
        if message.data == b"ready":
            ready.set()
        elif time.monotonic() - began > WARM_UP_SECONDS:
            taken.append((time.time_ns() - HEAD.unpack_from(message.data)[0]) / 1e6)

    await client.subscribe("score", cb=hear)
    await asyncio.wait_for(ready.wait(), 60)
    values = np.random.default_rng(1).normal(5.0, 0.3, SIGNALS).tobytes()
    cycle, began = cycle_ticks(rate), time.monotonic()
    for tick in range(RUN_SECONDS * rate):
        await asyncio.sleep(max(0.0, began + tick / rate - time.monotonic()))
        await client.publish("frame", HEAD.pack(time.time_ns(), tick % cycle == cycle - 1) + values)
    await asyncio.sleep(0.5)
    return taken


def judge(url: str, user: str, password: str, model: str, rate: int) -> None:
    """Be the judging process: keep the values, close the cycle when a frame says so, score, answer."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(Path(model).read_bytes(), options, ["CPUExecutionProvider"])
    asyncio.run(_judge(url, user, password, session, rate))


async def _judge(url: str, user: str, password: str, session: Any, rate: int) -> None:
    room = cycle_ticks(rate) + 8
    kept, times = np.ones((SIGNALS, room)), np.tile(np.arange(room) / rate, (SIGNALS, 1))
    nowhere, table = np.zeros(SIGNALS, np.int64), np.empty((1, SIGNALS, 6))
    filled = 0

    def close(count: int) -> None:
        finish(nowhere, np.full(SIGNALS, count), kept, times, table)
        session.run(["score"], {"x": np.ascontiguousarray(table[0, :, (0, 5)].T.reshape(1, -1), dtype=np.float32)})

    async def hear(message: Msg) -> None:
        nonlocal filled
        _, ends = HEAD.unpack_from(message.data)
        kept[:, filled] = np.frombuffer(message.data, np.float64, offset=HEAD.size)
        filled += 1
        if ends:
            close(filled)
            filled = 0
            await client.publish("score", message.data[: HEAD.size])

    close(room)
    client = await nats.connect(url, user=user, password=password)
    await client.subscribe("frame", cb=hear)
    await client.flush()
    await client.publish("score", b"ready")
    await asyncio.Event().wait()
