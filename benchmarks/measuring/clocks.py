"""What subjects measure with. Standard library only, so that every environment has it."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
SAMPLES = "samples_ms"
"""Key of single latencies in what a subject answers."""


def cpu_seconds() -> float:
    """Return the CPU time of this process, all its threads and its finished children."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def peak_memory() -> float:
    """Return the largest resident size that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def per_cpu_second(count: int, run: Callable[[], dict[str, object]]) -> Callable[[], dict[str, object]]:
    """Return a run that answers with ``count`` per CPU second, beside what ``run`` says."""

    def once() -> dict[str, object]:
        started, wall = cpu_seconds(), time.perf_counter()
        said = run()
        spent = cpu_seconds() - started
        facts = {"cpu_s": spent, "wall_s": time.perf_counter() - wall, "count": count, "peak_mb": peak_memory()}
        return {"value": count / spent, **facts, **said}

    return once


class Calls:
    """Times of single calls: CPU time of the thread, which a busy machine disturbs least, and wall time beside it."""

    def __init__(self) -> None:
        self._cpu: list[int] = []
        self._wall: list[int] = []

    def time(self, call: Callable[[], T]) -> T:
        """Do a call and keep its times."""
        wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
        result = call()
        self._cpu.append(time.thread_time_ns() - cpu)
        self._wall.append(time.perf_counter_ns() - wall)
        return result

    def keep_only_if(self, kept: object) -> None:
        """Forget the last call unless it did what is to be measured."""
        if not kept:
            self._cpu.pop()
            self._wall.pop()

    def answer(self) -> dict[str, float]:
        """Return the median CPU time as the value, and p50 and p99 of wall time, in microseconds."""
        cpu, wall = sorted(self._cpu), sorted(self._wall)
        count = len(cpu)
        p50, p99 = wall[count // 2] / 1000, wall[min(count - 1, count * 99 // 100)] / 1000
        return {"value": cpu[count // 2] / 1000, "wall_p50_us": p50, "wall_p99_us": p99}


def quantiles_of(run: Callable[[], object], calls: int, warm_up: int) -> dict[str, float]:
    """Return the median CPU time of single calls, with wall times beside it, in microseconds."""
    for _ in range(warm_up):
        run()
    times = Calls()
    for _ in range(calls):
        times.time(run)
    return times.answer()


def latencies(milliseconds: list[float]) -> dict[str, object]:
    """Return p50 as the value, and all of them, in milliseconds: those of all turns are put together in the end."""
    return {"value": sorted(milliseconds)[len(milliseconds) // 2], SAMPLES: milliseconds}


def spread(milliseconds: list[float]) -> dict[str, float]:
    """Return how latencies are spread; with less than a thousand of them p99.9 is the greatest."""
    taken = sorted(milliseconds)
    count = len(taken)
    p99, p999 = (taken[min(count - 1, count * share // 1000)] for share in (990, 999))
    return {"parts": count, "p99_ms": p99, "p999_ms": p999, "max_ms": taken[-1]}
