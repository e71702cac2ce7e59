"""One JSON message per reading, as sensors publish them by MQTT: ``{"t": nanoseconds, "v": value}``."""

from __future__ import annotations

from typing import Any

from subjects.workload import readings

READ_AT_ONCE = 65_536
"""Bytes that a client reads from its socket at once."""


def messages_of(work: dict[str, Any]) -> list[tuple[str, bytes]]:
    """Return topic and payload of each of the work's readings."""
    data = readings(work)
    rows = zip(data.signal.tolist(), data.time.tolist(), data.value.tolist(), strict=True)
    return [(f"s{signal}", b'{"t": %d, "v": %.6f}' % (time, value)) for signal, time, value in rows]


def pieces_of(messages: list[tuple[str, bytes]]) -> list[bytes]:
    """Return messages as packets of MQTT 3.1.1 with QoS 0, one behind the other, in pieces as a client reads them."""
    stream = b"".join(packet_of(topic, payload) for topic, payload in messages)
    return [stream[at : at + READ_AT_ONCE] for at in range(0, len(stream), READ_AT_ONCE)]


def packet_of(topic: str, payload: bytes) -> bytes:
    """Return a message as a broker sends it with QoS 0 (MQTT 3.1.1, 3.3)."""
    left = 2 + len(topic) + len(payload)
    size = bytearray()
    while not size or left:
        left, low = divmod(left, 128)
        size.append(low | (128 if left else 0))
    return b"\x30" + bytes(size) + len(topic).to_bytes(2, "big") + topic.encode() + payload
