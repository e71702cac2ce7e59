"""The load of the metrics of Sparkplug B: messages of data by alias, as bytes, with the births that explain them."""

from __future__ import annotations

from typing import Any, Final

from lineside.adapters.sparkplug.edge_node import EdgeNode, Offer, Said, Value

START: Final = 1_750_000_000_000_000_000


def messages(work: dict[str, Any]) -> tuple[list[Said], list[bytes]]:
    """Return the births, and the data messages as bytes; every value is new."""
    names = [f"m{number}" for number in range(int(work["metrics"]))]
    node = EdgeNode("group", "edge", "device", [Offer(name=name) for name in names])
    node.connect()
    births = node.births(START)
    data = []
    for number in range(int(work["messages"])):
        time = START + number * 10_000_000
        data.append(node.data([Value(name, time, 0.5 * number) for name in names]).payload)
    return births, data
