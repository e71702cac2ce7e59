"""The peer at metrics of Sparkplug B: bare protobuf, which parses and hands alias, time and value of each metric on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from lineside.adapters.sparkplug.sparkplug_b_pb2 import Payload
from subjects.sparkplug_load import messages


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run that reads every metric once."""
    _, data = messages(work)

    def run() -> dict[str, object]:
        began = time.process_time()
        count = 0
        for raw in data:
            found = [(item.alias, item.timestamp, item.double_value) for item in Payload.FromString(raw).metrics]
            count += len(found)
        seconds = time.process_time() - began
        return {"value": count / seconds, "cpu_s": seconds}

    return run
