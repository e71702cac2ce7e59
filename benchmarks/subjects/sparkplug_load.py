"""The load of the metrics of Sparkplug B: messages of data by alias, as bytes, with the births that explain them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from lineside.adapters.sparkplug.edge_node import EdgeNode, Offer, Said, Value
from lineside.domain.plan.model import Plan
from lineside.testing.plans import CASTING
from subjects.mqtt_load import WARM, beside

START: Final = 1_750_000_000_000_000_000
BIRTHS: Final = 2
"""Births before the data: of the edge node and of its device."""


def messages(work: dict[str, Any]) -> tuple[list[Said], list[bytes]]:
    """Return the births, and the data messages as bytes; every value is new."""
    names = [f"m{number}" for number in range(int(work["metrics"]))]
    node = EdgeNode("group", "edge", "device", [Offer(name=name) for name in names])
    node.connect()
    births = node.births(START)
    data = []
    for number in range(int(work["messages"])):
        at = START + number * 10_000_000
        data.append(node.data([Value(name, at, 0.5 * number) for name in names]).payload)
    return births, data


@contextmanager
def publishing(port: int, work: dict[str, Any]) -> Iterator[None]:
    """Publish births and data messages from another process meanwhile, ``burst`` in each ``pause`` (seconds)."""
    sent = {"metrics": work["metrics"], "messages": WARM + int(work["messages"])}
    how = f"{port}, {sent}, {int(work['burst'])}, {float(work['pause'])}"
    with beside(f"import subjects.sparkplug_load as load; load.publish({how})"):
        yield


def publish(port: int, work: dict[str, Any], burst: int, pause: float) -> None:
    """Publish births and data messages, so many at once and then a pause, so that no broker drops any."""
    births, data = messages(work)
    topic = births[1].topic.replace("DBIRTH", "DDATA")
    client = Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for said in births:
        client.publish(said.topic, said.payload).wait_for_publish(30)
    for number, raw in enumerate(data):
        sent = client.publish(topic, raw)
        if number % burst == burst - 1:
            sent.wait_for_publish(30)
            time.sleep(pause)
    sent.wait_for_publish(30)


def plan_of(metrics: int, url: str) -> Plan:
    """Return a plan of so many metrics of one device."""
    return Plan.model_validate(
        {
            **CASTING,
            "sources": [{"id": "edge", "kind": "sparkplug", "url": url}],
            "stations": [{"id": "press", "cycle": {"by": "window", "length": "1 s"}}],
            "signals": [
                {"id": f"m{number}", "station": "press", "source": "edge", "address": f"group/edge/device#m{number}"}
                for number in range(metrics)
            ],
        }
    )
