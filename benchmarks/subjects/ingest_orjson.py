"""The peer of `ingest` with JSON: orjson decodes each message into a dictionary, and nothing else is done."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import orjson

from measuring.clocks import per_cpu_second
from subjects.messages import messages_of


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run that decodes every message."""
    payloads = [payload for _, payload in messages_of(work)]

    def run() -> dict[str, object]:
        for payload in payloads:
            orjson.loads(payload)
        return {"version": version("orjson")}

    return per_cpu_second(len(payloads), run)
