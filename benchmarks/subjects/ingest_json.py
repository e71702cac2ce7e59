"""The limit of `ingest` with JSON: msgspec decodes each message into a typed object, and nothing else is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from measuring.clocks import per_cpu_second
from subjects.messages import messages_of


class _Message(msgspec.Struct):
    t: int
    v: float


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run that decodes every message."""
    payloads = [payload for _, payload in messages_of(work)]
    decoder = msgspec.json.Decoder(_Message)

    def run() -> dict[str, object]:
        for payload in payloads:
            decoder.decode(payload)
        return {}

    return per_cpu_second(len(payloads), run)
