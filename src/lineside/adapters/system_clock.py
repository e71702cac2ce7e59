"""The machine's own clock."""

from __future__ import annotations

import time


class SystemClock:
    """`lineside.ports.Clock` over the operating system's UTC clock."""

    def now(self) -> int:
        """Return the time now, in UTC nanoseconds."""
        return time.time_ns()
