"""What a process tells the service manager that started it (sd_notify): that it is ready, alive, ending.

The protocol is a datagram of ``NAME=VALUE`` lines to the socket that ``NOTIFY_SOCKET`` names; a leading ``@`` means
the abstract namespace. Without that variable nobody listens and nothing is said. A watchdog expects to hear within
``WATCHDOG_USEC``; it is told from the event loop, so that one that no longer turns is not alive.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from typing import Final

VARIABLES: Final = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
"""What is meant for one process alone, and not for its children."""
READY: Final = "READY=1"
STOPPING: Final = "STOPPING=1"
_ALIVE: Final = "WATCHDOG=1"
_SHARE: Final = 3.0
"""How many times within the watchdog's patience it is told."""


def tell_manager(state: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Tell the service manager a state; return whether there is one that was told."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
        except OSError:
            return False  # the manager is gone: there is nobody who would want to know
    return True


def watchdog_pause(environment: Mapping[str, str] = os.environ, pid: int | None = None) -> float | None:
    """Return after how many seconds this process should say again that it lives; None where nobody waits for it."""
    patience = environment.get("WATCHDOG_USEC", "")
    meant = environment.get("WATCHDOG_PID", "")
    if not patience.isdigit() or int(patience) == 0 or (meant and meant != str(pid or os.getpid())):
        return None
    return int(patience) / 1e6 / _SHARE


async def keep_watchdog_calm(environment: Mapping[str, str] = os.environ) -> None:
    """Say again and again that this process lives, until cancelled; return at once where nobody waits for it."""
    pause = watchdog_pause(environment)
    while pause is not None and tell_manager(_ALIVE, environment):  # noqa: ASYNC110 - nothing is waited for
        await asyncio.sleep(pause)
