"""What is asked of the running demo over the bus, and what it answers."""

from __future__ import annotations

from typing import Literal

import msgspec

from lineside.domain.errors import DataError
from lineside.wire.unreadable import UNREADABLE


class Command(msgspec.Struct, frozen=True, omit_defaults=True):
    """Start or stop an episode by its id, or ask how things stand."""

    do: Literal["start", "stop", "status"]
    what: str = ""


class Status(msgspec.Struct, frozen=True):
    """How the demo stands; ``now`` is process time (UTC ns), ``broken`` the ids of the episodes that hold."""

    now: int
    speed: float
    shots: int
    broken: tuple[str, ...]
    problem: str = ""


def subject(site: str, line: str) -> str:
    """Return the subject on which the demo of a line answers."""
    return f"lineside.{site}.{line}.demo"


def encode(message: Command | Status) -> bytes:
    """Return a message as JSON."""
    return msgspec.json.encode(message)


def read_command(data: bytes) -> Command:
    """Return the command in a request; raises `DataError` where there is none."""
    try:
        return msgspec.json.decode(data, type=Command)
    except UNREADABLE as error:
        raise DataError(f"not a command of the demo: {error}") from error


def read_status(data: bytes) -> Status:
    """Return the status in a reply; raises `DataError` where there is none."""
    try:
        return msgspec.json.decode(data, type=Status)
    except UNREADABLE as error:
        raise DataError(f"not a status of the demo: {error}") from error
