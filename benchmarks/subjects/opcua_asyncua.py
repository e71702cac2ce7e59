"""The peer of `opcua`: the bare client library with its own subscription, which hands each change to a handler."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from asyncua.client.client import Client

from subjects.opcua_server import node_of, running


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run that takes a number of changes."""
    logging.disable(logging.CRITICAL)

    def run() -> dict[str, object]:
        with running(work) as url:
            return asyncio.run(_take(url, work))

    return run


class Counter:
    """Counts changes; the values are put aside, as whoever uses them would."""

    def __init__(self, signals: int, changes: int) -> None:
        self._first = 2 * signals
        self._last = self._first + changes
        self._count = 0
        self._began = 0.0
        self.values: list[tuple[Any, Any, Any, Any]] = []
        self.done: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def datachange_notification(self, node: Any, value: Any, data: Any) -> None:
        """Take one change, as the library calls it."""
        item = data.monitored_item.Value
        self.values.append((node, value, item.SourceTimestamp, item.StatusCode))
        self._count += 1
        if self._count == self._first:
            self._began = time.process_time()
        elif self._count == self._last:
            self.done.set_result(time.process_time() - self._began)


async def _take(url: str, work: dict[str, Any]) -> dict[str, object]:
    client = Client(url, timeout=30)
    await client.connect()
    counter = Counter(int(work["signals"]), int(work["changes"]))
    subscription = await client.create_subscription(float(work["interval_ms"]), counter)
    nodes = [client.get_node(node_of(number)) for number in range(int(work["signals"]))]
    await subscription.subscribe_data_change(nodes, queuesize=100, sampling_interval=1.0)
    began = time.perf_counter()
    seconds = await counter.done
    wall = time.perf_counter() - began
    await client.disconnect()
    return {"value": seconds / int(work["changes"]) * 1e6, "cpu_s": seconds, "wall_s": wall}
