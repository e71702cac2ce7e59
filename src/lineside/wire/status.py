"""What a gateway says of itself, once a second, for the board: losing one is harmless."""

from __future__ import annotations

from typing import Final

import msgspec

from lineside.domain.errors import IntegrityError

STATUS: Final = "status"
"""Last token of the live subject that statuses go to."""


class SourceStatus(msgspec.Struct, frozen=True, array_like=True):
    """One source: deliveries since the start, and when it was last heard (UTC ns; 0: never)."""

    id: str
    deliveries: int
    heard: int


class GatewayStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a gateway does: what it has taken in, what waits to be sent, and what is wrong.

    ``audited`` and ``audit_hash`` say how far its audit chain has come, so that the plant can witness it.
    """

    gateway: str
    time: int
    sources: tuple[SourceStatus, ...]
    readings: int
    parts: int
    quarantined: int
    dropped: int
    late: int
    backlog: int
    unrecorded: bool
    problem: str = ""
    audited: int = 0
    audit_hash: str = ""


def encode_status(status: GatewayStatus) -> bytes:
    """Return a status as bytes."""
    return msgspec.msgpack.encode(status)


def decode_status(data: bytes) -> GatewayStatus:
    """Return the status that the bytes hold; raises `IntegrityError` where they hold none."""
    try:
        return msgspec.msgpack.decode(data, type=GatewayStatus)
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"a gateway's status cannot be read: {error}") from error
