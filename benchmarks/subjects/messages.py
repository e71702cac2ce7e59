"""One JSON message per reading, as sensors publish them by MQTT: ``{"t": nanoseconds, "v": value}``."""

from __future__ import annotations

from typing import Any

from subjects.workload import readings


def messages_of(work: dict[str, Any]) -> list[tuple[str, bytes]]:
    """Return topic and payload of each of the work's readings."""
    data = readings(work)
    rows = zip(data.signal.tolist(), data.time.tolist(), data.value.tolist(), strict=True)
    return [(f"s{signal}", b'{"t": %d, "v": %.6f}' % (time, value)) for signal, time, value in rows]
