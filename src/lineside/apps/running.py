"""How a process of ours runs and ends: on SIGINT or SIGTERM its work is cancelled and may clean up."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Coroutine
from typing import Any


async def until_interrupted(work: Coroutine[Any, Any, None]) -> None:
    """Run ``work`` until it ends or the process is asked to end; errors of the work are raised."""
    # The transport's client lets asyncio warn at the end of each connection over TLS; the status says it better.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
