"""The peer of `mqtt`: the bare client library with its own loop, which hands each message to a handler."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from subjects.mqtt_load import TOPIC, WARM, broker, publishing


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run that takes a number of messages."""

    def run() -> dict[str, object]:
        with broker() as peer:
            return _take(peer.port, work)

    return run


def _take(port: int, work: dict[str, Any]) -> dict[str, object]:
    taken: list[tuple[str, bytes]] = []
    times: list[float] = []
    ready, done = threading.Event(), threading.Event()

    def take(_client: Client, _data: Any, message: MQTTMessage) -> None:
        taken.append((message.topic, message.payload))
        if len(taken) in {WARM, WARM + int(work["messages"])}:
            times.append(time.process_time())
            if len(times) == 2:
                done.set()

    client = Client(CallbackAPIVersion.VERSION2, client_id="bare", clean_session=False)
    client.on_message = take
    client.on_subscribe = lambda *_: ready.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    client.subscribe(TOPIC, qos=int(work["qos"]) or 1)
    ready.wait(10)
    started = time.perf_counter()
    with publishing(port, work):
        if not done.wait(120):
            raise TimeoutError(f"{len(taken)} messages came")
    client.disconnect()
    client.loop_stop()
    wall = time.perf_counter() - started
    return {"value": (times[1] - times[0]) / int(work["messages"]) * 1e6, "cpu_s": times[1] - times[0], "wall_s": wall}
