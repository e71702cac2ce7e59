"""The peer of `mqtt`: the bare client library with its own loop, which hands each message to a handler."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from subjects.mqtt_load import TOPIC, WARM, broker, publishing


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run that takes a number of messages."""
    taken: list[tuple[str, bytes]] = []

    def take(message: MQTTMessage) -> None:
        taken.append((message.topic, message.payload))

    def run() -> dict[str, object]:
        taken.clear()
        with broker() as peer:
            counts = WARM, int(work["messages"])
            return timed(peer.port, TOPIC, int(work["qos"]) or 1, take, counts, publishing(peer.port, work))

    return run


def timed(
    port: int,
    topic: str,
    qos: int,
    take: Callable[[MQTTMessage], None],
    counts: tuple[int, int],
    load: AbstractContextManager[None],
) -> dict[str, object]:
    """Return the CPU that handing messages to ``take`` needs: ``counts`` before the first that counts, and of them."""
    before, counted = counts
    times: list[float] = []
    numbers = itertools.count(1)
    ready, done = threading.Event(), threading.Event()

    def handle(_client: Client, _data: Any, message: MQTTMessage) -> None:
        take(message)
        number = next(numbers)
        if number in {before, before + counted}:
            times.append(time.process_time())
            if len(times) == 2:
                done.set()

    client = Client(CallbackAPIVersion.VERSION2, client_id="bare", clean_session=False)
    client.on_message = handle
    client.on_subscribe = lambda *_: ready.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    client.subscribe(topic, qos=qos)
    ready.wait(10)
    started = time.perf_counter()
    with load:
        if not done.wait(120):
            raise TimeoutError(f"message {next(numbers)} did not come")
    client.disconnect()
    client.loop_stop()
    wall = time.perf_counter() - started
    return {"value": (times[1] - times[0]) / counted * 1e6, "cpu_s": times[1] - times[0], "wall_s": wall}
