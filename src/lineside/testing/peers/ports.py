"""Ports of loopback, and waiting for something to listen on one."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable


def free_port() -> int:
    """Return a port of loopback that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_listening(port: int) -> bool:
    """Say whether something accepts connections at a port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def until(condition: Callable[[], bool], within: float = 20.0) -> None:
    """Wait until a condition holds.

    Raises:
        TimeoutError: it did not, in that many seconds.
    """
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - the condition is another process's, which sets no event
            await asyncio.sleep(0.02)
