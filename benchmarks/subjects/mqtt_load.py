"""The load of `mqtt`: a broker, and a process that publishes messages as fast as the broker takes them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from lineside.ports import Source
from lineside.testing.peers.brokers import BrokerProcess, mosquitto
from subjects.elsewhere import move_elsewhere

WARM: Final = 1_000
"""Messages before the first that counts."""
TOPIC: Final = "press/temperature"
START: Final = 1_750_000_000_000


@contextmanager
def broker() -> Iterator[BrokerProcess]:
    """Run a broker: mosquitto where it is installed, else nats-server."""
    with tempfile.TemporaryDirectory() as folder:
        process = BrokerProcess("mosquitto" if mosquitto() else "nats", Path(folder))
        asyncio.run(process.start())
        move_elsewhere(process.pid, os.sched_getaffinity(0))
        try:
            yield process
        finally:
            asyncio.run(process.stop())


@asynccontextmanager
async def once_connected(source: Source, load: AbstractContextManager[None]) -> AsyncIterator[None]:
    """Put a load on from when a source that is asked meanwhile for its deliveries is connected."""

    async def put() -> None:
        while source.condition.phase != "connected":  # noqa: ASYNC110 - the source sets no event of it
            await asyncio.sleep(0.01)
        with load:
            await asyncio.Event().wait()

    loading = asyncio.create_task(put())
    try:
        yield
    finally:
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)


@contextmanager
def publishing(port: int, work: dict[str, Any]) -> Iterator[None]:
    """Publish the messages from another process meanwhile."""
    how = f"{port}, {WARM + int(work['messages'])}, {int(work['qos'])}, {int(work['burst'])}, {float(work['pause'])}"
    with beside(f"import subjects.mqtt_load as load; load.publish({how})"):
        yield


@contextmanager
def beside(code: str) -> Iterator[None]:
    """Run code in another process meanwhile, on another core where there is one."""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).resolve().parent.parent)
    move_elsewhere(process.pid, os.sched_getaffinity(0))
    try:
        yield
    finally:
        process.kill()
        process.wait()


def message(number: int) -> bytes:
    """Return a message; each has another time."""
    return b'{"ts": %d, "v": %d.5}' % (START + number, number % 300)


def publish(port: int, count: int, qos: int, burst: int, pause: float) -> None:
    """Publish so many messages, ``burst`` at once and then a pause (seconds), so that no broker drops any."""
    client = Client(CallbackAPIVersion.VERSION2)
    client.max_inflight_messages_set(200)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for number in range(count):
        sent = client.publish(TOPIC, message(number), qos=qos)
        if number % burst == burst - 1:
            sent.wait_for_publish(30)
            time.sleep(pause)
    sent.wait_for_publish(30)
