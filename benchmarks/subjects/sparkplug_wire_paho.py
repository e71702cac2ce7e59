"""The peer of `mqtt` at Sparkplug B: the bare client library, whose handler parses each message by bare protobuf."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from paho.mqtt.client import MQTTMessage

from lineside.adapters.sparkplug.sparkplug_b_pb2 import Payload
from subjects.mqtt_load import WARM, broker
from subjects.mqtt_paho import timed
from subjects.sparkplug_load import BIRTHS, publishing


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run that takes a number of messages."""
    found: list[tuple[int, int, float]] = []

    def take(message: MQTTMessage) -> None:
        payload = Payload.FromString(message.payload)
        found.extend((item.alias, item.timestamp, item.double_value) for item in payload.metrics)

    def run() -> dict[str, object]:
        found.clear()
        with broker() as peer:
            counts = BIRTHS + WARM, int(work["messages"])
            return timed(peer.port, "spBv1.0/#", 0, take, counts, publishing(peer.port, work))

    return run
