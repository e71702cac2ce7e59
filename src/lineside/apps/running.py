"""How a process of ours runs and ends: on SIGINT or SIGTERM its work is cancelled and may clean up.

A service manager that started it hears that it lives, and that it is ending; `lineside.adapters.service_manager.READY`
is told by the work itself, once it does what it is there for.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any, Final

from lineside.adapters.cancelling import keep_cancellations
from lineside.adapters.service_manager import STOPPING, keep_watchdog_calm, tell_manager

SWITCH_SECONDS: Final = 0.0001
"""How long a thread keeps the interpreter while another wants it: a commit beside a busy loop waits for it several
times, and with Python's own 5 ms that is most of the time from a reading to its alert."""
_OWNER_ONLY: Final = 0o077
"""What is taken from everybody else of every file that a process of ours makes, whoever started it."""


def warn_of_root() -> None:
    """Say so where a service or container runs as root, which nothing here needs."""
    if os.geteuid() == 0 and ("INVOCATION_ID" in os.environ or os.getpid() == 1):
        sys.stderr.write("lineside: this service runs as root; an ordinary user is enough, see packaging/systemd\n")


def keep_for_good() -> None:
    """Leave what a process has made on its way up out of the garbage collector's looks from now on.

    A full look at the objects of a gateway that has just started takes 0.1 s, in which no part is judged; hardly any
    of them ever goes. What goes once it stands in a cycle (such as the plan that the process started with) stays in
    memory.
    """
    gc.collect()
    gc.freeze()


async def until_interrupted(work: Coroutine[Any, Any, None]) -> None:
    """Run ``work`` until it ends or the process is asked to end; errors of the work are raised."""
    os.umask(_OWNER_ONLY)
    warn_of_root()
    keep_cancellations()
    sys.setswitchinterval(SWITCH_SECONDS)
    task = asyncio.create_task(work)
    watchdog = asyncio.create_task(keep_watchdog_calm(), name="watchdog")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await task
    finally:
        tell_manager(STOPPING)
        watchdog.cancel()
        await asyncio.gather(watchdog, return_exceptions=True)
