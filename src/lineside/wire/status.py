"""What a gateway says of itself, once a second, for the board: losing one is harmless."""

from __future__ import annotations

from typing import Final

import msgspec

from lineside.domain.errors import IntegrityError
from lineside.domain.health.states import Health
from lineside.wire.unreadable import UNREADABLE

STATUS: Final = "status"
"""Last token of the live subject that statuses go to."""


class SourceStatus(msgspec.Struct, frozen=True, array_like=True):
    """One source: deliveries since the start, and when it was last heard (UTC ns; 0: never).

    ``offset`` (positive: its clock is behind ours), ``jitter`` (both ns) and ``drift`` (parts per million) are those of
    its clock; None before the first reading. See `lineside.domain.health.clocks`. ``readings`` were accepted,
    ``duplicates`` had come before and ``refused`` were set aside, all since the gateway's start.
    """

    id: str
    deliveries: int
    heard: int
    offset: int | None = None
    jitter: int | None = None
    drift: float | None = None
    readings: int = 0
    duplicates: int = 0
    refused: int = 0


class HealthStatus(msgspec.Struct, frozen=True, array_like=True):
    """The health of one subject as words, with its level (0 good, 1 attention, 2 bad): a newer gateway may know more.

    ``since`` is UTC ns. See `lineside.domain.health.states`.
    """

    subject: str
    id: str
    state: str
    level: int
    since: int
    reason: str = ""

    @property
    def words(self) -> str:
        """The state in one line: ``source press: lost (connection refused)``."""
        name = f"{self.subject} {self.id}" if self.id else self.subject
        return f"{name}: {self.state} ({self.reason})" if self.reason else f"{name}: {self.state}"


class GatewayStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a gateway does: what it has taken in, what waits to be sent, and what is wrong.

    ``audited`` and ``audit_hash`` say how far its audit chain has come, so that the plant can witness it. ``healths``
    are the states of its parts with their reasons.
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
    healths: tuple[HealthStatus, ...] = ()

    @property
    def level(self) -> int:
        """The gravest level of its parts: 0 good, 1 attention, 2 bad."""
        return max((item.level for item in self.healths), default=0)


def health_status(health: Health) -> HealthStatus:
    """Return a state of health as it travels."""
    return HealthStatus(
        health.subject.value, health.id, health.state.value, int(health.level), health.since, health.reason
    )


def encode_status(status: GatewayStatus) -> bytes:
    """Return a status as bytes."""
    return msgspec.msgpack.encode(status)


def decode_status(data: bytes) -> GatewayStatus:
    """Return the status that the bytes hold; raises `IntegrityError` where they hold none."""
    try:
        return msgspec.msgpack.decode(data, type=GatewayStatus)
    except UNREADABLE as error:
        raise IntegrityError(f"a gateway's status cannot be read: {error}") from error
