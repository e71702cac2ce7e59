"""The load of `mqtt`: a broker, and a process that publishes messages as fast as the broker takes them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from lineside.testing.peers.brokers import BrokerProcess, mosquitto

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
        try:
            yield process
        finally:
            asyncio.run(process.stop())


@contextmanager
def publishing(port: int, work: dict[str, Any]) -> Iterator[None]:
    """Publish the messages from another process meanwhile."""
    count = WARM + int(work["messages"])
    with beside(f"import subjects.mqtt_load as load; load.publish({port}, {count}, {int(work['qos'])})"):
        yield


@contextmanager
def beside(code: str) -> Iterator[None]:
    """Run code in another process meanwhile."""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).resolve().parent.parent)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def publish(port: int, count: int, qos: int) -> None:
    """Publish so many messages, in bursts that no broker drops."""
    client = Client(CallbackAPIVersion.VERSION2)
    client.max_inflight_messages_set(200)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for number in range(count):
        sent = client.publish(TOPIC, b'{"ts": %d, "v": %d.5}' % (START + number, number % 300), qos=qos)
        if number % 100 == 99:
            sent.wait_for_publish(30)
    sent.wait_for_publish(30)
