"""Where a load runs: on cores that are not measured, as machines and brokers do not share a gateway's."""

from __future__ import annotations

import os
from collections.abc import Collection


def move_elsewhere(pid: int, measured: Collection[int]) -> None:
    """Move a process to the cores that are not measured, where there are any."""
    os.sched_setaffinity(pid, (set(range(os.cpu_count() or 1)) - set(measured)) or measured)
