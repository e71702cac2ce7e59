"""The machine's clock, and one that runs faster for a simulated line."""

from __future__ import annotations

import time

from lineside.domain.units import SECOND


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> int:
        """Return the time now, in UTC nanoseconds."""
        return time.time_ns()


class ProcessClock:
    """The time of a simulated process, which runs ``speed`` times as fast as the machine's.

    ``began`` is the machine's time (UTC ns) at which the process time was ``origin``; processes that are given
    the same three numbers tell the same time.
    """

    def __init__(self, speed: float, origin: int, began: int) -> None:
        self.speed = speed
        self._origin = origin
        self._began = began

    def now(self) -> int:
        """Return the process time now, in UTC nanoseconds."""
        return self._origin + round((time.time_ns() - self._began) * self.speed)


def clock_from(text: str) -> SystemClock | ProcessClock:
    """Return the clock that a setting ``speed:origin:began`` describes, or the machine's for an empty one."""
    if not text:
        return SystemClock()
    speed, origin, began = text.split(":")
    return ProcessClock(float(speed), int(origin), int(began))


def describe(clock: ProcessClock) -> str:
    """Return the setting that `clock_from` reads."""
    return f"{clock.speed}:{clock._origin}:{clock._began}"  # noqa: SLF001 - the two sides of one format


def seconds_until(moment: int, clock: SystemClock | ProcessClock) -> float:
    """Return the machine's seconds until a moment (UTC ns) of a clock; 0 when it has passed."""
    speed = clock.speed if isinstance(clock, ProcessClock) else 1.0
    return max(0.0, (moment - clock.now()) / SECOND / speed)
