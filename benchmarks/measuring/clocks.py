"""What subjects measure with. Standard library only, so that every environment has it."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable


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


def quantiles_of(run: Callable[[], object], calls: int, warm_up: int) -> dict[str, float]:
    """Return p50 and p99 of single calls in microseconds, and as value the p50."""
    for _ in range(warm_up):
        run()
    taken = []
    for _ in range(calls):
        started = time.perf_counter_ns()
        run()
        taken.append(time.perf_counter_ns() - started)
    taken.sort()
    p50, p99 = taken[calls // 2] / 1000, taken[min(calls - 1, calls * 99 // 100)] / 1000
    return {"value": p50, "p50_us": p50, "p99_us": p99}
