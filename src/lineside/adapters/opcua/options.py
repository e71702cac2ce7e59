"""What a source of OPC UA is told beside its plan, and what it asks of a connection."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SESSION_TIMEOUT: Final = 30_000
"""Milliseconds after which a server forgets a session that says nothing."""
TOO_LARGE: Final = "TooLarge"
"""In the names of all status codes that say so: BadRequestTooLarge, BadResponseTooLarge, BadTcpMessageTooLarge."""
LARGEST_MESSAGE: Final = 16 * 1024 * 1024
"""Bytes of a message from the server."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OpcuaOptions:
    """What the plan does not hold.

    Args:
        password: the secret that the plan names.
        certificate: this gateway's certificate (PEM); made on first need where neither it nor the key is there.
        private_key: its private key.
        trusted: the server's certificate, pinned: the only one that is taken.
        trust: the command by which a person trusts the server.
        uri: application URI of a certificate that is made.
        user_certificate: certificate to log in with, where the plan says so.
        user_key: its private key.
        timeout: seconds that the server has for an answer.
        alive: seconds between two probes of a silent server.
        now: the time by which certificates are judged, UTC nanoseconds.
    """

    password: str = ""
    certificate: Path = Path("opcua.crt")
    private_key: Path = Path("opcua.key")
    trusted: Path | None = None
    trust: str = "lineside source trust PLAN SOURCE"
    uri: str = "urn:lineside:gateway"
    user_certificate: Path | None = None
    user_key: Path | None = None
    timeout: float = 4.0
    alive: float = 2.0
    now: Callable[[], int] = time.time_ns


DEFAULTS: Final = OpcuaOptions()


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscribe:
    """What to watch: nodes by signal, the intervals in milliseconds, and the length of each item's queue.

    ``repeats`` asks for values that are the same again, with a newer source time.
    """

    nodes: dict[str, str]
    publishing: float
    sampling: float
    queue: int
    repeats: bool
